//! `impl KafkaError`: the class of each variant.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{DeriveInput, Fields, Member, spanned::Spanned as _};

use super::model::{After, Class, Error, Said, Variant};
use crate::paths::{self, Runtime};

/// The implementation; a type with generics says in a `where` clause what its users have to prove.
pub(crate) fn implementation(error: &Error, input: &DeriveInput, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let ident = &input.ident;
    let (generics, arguments, clause) = input.generics.split_for_impl();
    let own = error.own.first();
    let body = match error.is_struct {
        true => class(own, &private, |field| quote!(self.#field)),
        false => by_variant(&error.variants, own, &private),
    };
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

fn by_variant(variants: &[Variant], own: Option<&Said>, private: &TokenStream) -> TokenStream {
    let arms = variants.iter().map(|variant| {
        let said = variant.said.first().or(own);
        let class = class(said, private, |field| local(field).into_token_stream());
        let pattern = match said.and_then(|said| said.after.get()) {
            Some(After::Field(field)) => {
                let (ident, after) = (&variant.ident, local(field));
                quote!(Self::#ident { #field: #after, .. })
            }
            Some(After::Fixed(_)) | None => pattern(variant),
        };
        quote!(#pattern => #class,)
    });
    // An enum without variants is matched by value, since a reference to it counts as inhabited.
    quote!(match *self { #(#arms)* })
}

/// A name that no user's token can see, where the field is named.
fn local(field: &Member) -> Ident {
    Ident::new("__kafka_app_after", Span::mixed_site().located_at(field.span()))
}

/// `field`: how a field of the error is said.
fn class(said: Option<&Said>, private: &TokenStream, field: impl Fn(&Member) -> TokenStream) -> TokenStream {
    let class = match said.map_or_else(Class::default, |said| said.class) {
        Class::Retry => quote!(Retry),
        Class::DeadLetter => quote!(DeadLetter),
        Class::Skip => quote!(Skip),
        Class::Stop => quote!(Stop),
        Class::NotNow => {
            let after = match said.and_then(|said| said.after.get()) {
                Some(After::Fixed(after)) => paths::new_duration(*after),
                Some(After::Field(member)) => field(member),
                // It is told already that there is none.
                None => paths::new_duration(std::time::Duration::ZERO),
            };
            quote!(NotNow(#after))
        }
    };
    quote!(#private::ErrorClass::#class)
}
