//! `impl KafkaError`: the class of each variant.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Fields};

use super::model::{Class, Error, Said, Variant};
use crate::paths::{self, Runtime};

/// The implementation; a type with generics says in a `where` clause what its users have to prove.
pub(crate) fn implementation(error: &Error, input: &DeriveInput, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let ident = &input.ident;
    let (generics, arguments, clause) = input.generics.split_for_impl();
    let own = error.own.first().map_or_else(Class::default, |said| said.class);
    let body = if error.is_struct { class(own, &private) } else { by_variant(&error.variants, own, &private) };
    let destination = destination(error, &private);
    let bound = (!input.generics.params.is_empty()).then(|| bound(&clause));
    quote! {
        #[automatically_derived]
        impl #generics #private::KafkaError for #ident #arguments #clause #bound {
            fn class(&self) -> #private::ErrorClass {
                #body
            }

            #destination
        }
    }
}

/// Which records go to a topic of their own; nothing if none do.
fn destination(error: &Error, private: &TokenStream) -> Option<TokenStream> {
    let own = error.own.first();
    let of = |said: Option<&Said>| said.and_then(|said| said.topic.get()).map(|topic| topic.to_name(private));
    let (some, none) = (paths::some(), paths::none());
    let body = if error.is_struct {
        let topic = of(own)?;
        quote!(#some(#topic))
    } else {
        let arms = error.variants.iter().filter_map(|variant| {
            let topic = of(variant.said.first().or(own))?;
            let pattern = pattern(variant);
            Some(quote!(#pattern => #some(#topic),))
        });
        let arms: Vec<_> = arms.collect();
        if arms.is_empty() {
            return None;
        }
        let rest = (arms.len() < error.variants.len()).then(|| quote!(_ => #none,));
        quote!(match *self { #(#arms)* #rest })
    };
    let option = paths::option();
    Some(quote!(fn dead_letter_topic(&self) -> #option<&str> { #body }))
}

fn pattern(variant: &Variant) -> TokenStream {
    let ident = &variant.ident;
    match variant.fields {
        Fields::Unit => quote!(Self::#ident),
        Fields::Named(_) | Fields::Unnamed(_) => quote!(Self::#ident { .. }),
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
        let class = class(of(&variant.said, own), private);
        let pattern = pattern(variant);
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
