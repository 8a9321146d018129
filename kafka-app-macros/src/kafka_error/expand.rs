//! `impl KafkaError`: the class of each variant.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Fields};

use super::model::{Class, Error, Said, Variant};
use crate::paths::Runtime;

/// The implementation; a type with generics says in a `where` clause what its users have to prove.
pub(crate) fn implementation(error: &Error, input: &DeriveInput, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let ident = &input.ident;
    let (generics, arguments, clause) = input.generics.split_for_impl();
    let own = error.own.first().map_or_else(Class::default, |said| said.class);
    let body = if error.is_struct { class(own, &private) } else { by_variant(&error.variants, own, &private) };
    let bound = (!input.generics.params.is_empty()).then(|| bound(&clause));
    quote! {
        #[automatically_derived]
        impl #generics #private::KafkaError for #ident #arguments #clause #bound {
            fn class(&self) -> #private::ErrorClass {
                #body
            }
        }
    }
}

fn bound(clause: &Option<&syn::WhereClause>) -> TokenStream {
    let bound = quote!(Self: ::std::error::Error + ::core::marker::Send + ::core::marker::Sync + 'static);
    match clause {
        Some(clause) if clause.predicates.empty_or_trailing() => bound,
        Some(_) => quote!(, #bound),
        None => quote!(where #bound),
    }
}

fn by_variant(variants: &[Variant], own: Class, private: &TokenStream) -> TokenStream {
    let arms = variants.iter().map(|variant| {
        let ident = &variant.ident;
        let class = class(of(&variant.said, own), private);
        let pattern = match variant.fields {
            Fields::Unit => quote!(Self::#ident),
            Fields::Named(_) | Fields::Unnamed(_) => quote!(Self::#ident { .. }),
        };
        quote!(#pattern => #class,)
    });
    // An enum without variants is matched by value, since a reference to it counts as inhabited.
    quote!(match *self { #(#arms)* })
}

fn of(said: &[Said], own: Class) -> Class {
    said.first().map_or(own, |said| said.class)
}

fn class(class: Class, private: &TokenStream) -> TokenStream {
    let class = match class {
        Class::Retry => quote!(Retry),
        Class::DeadLetter => quote!(DeadLetter),
        Class::Skip => quote!(Skip),
        Class::Stop => quote!(Stop),
    };
    quote!(#private::ErrorClass::#class)
}
