//! `#[kafka_listener(..)]`.

mod check;
mod expand;
mod function;
mod model;
mod parse;

#[cfg(test)]
mod tests;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ItemFn;

use crate::{ctxt::Ctxt, paths::Runtime};
use function::Function;

/// The item as it is, and its declaration; after mistakes a stand-in for the declaration, so that they alone show.
pub(crate) fn attribute(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let cx = Ctxt::default();
    let options = parse::options(arguments, &cx);
    let runtime = Runtime::new(options.krate.get());
    let declaration = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(item) => {
            let function = Function::of(&item, &cx);
            check::rules(&options, &function, &cx);
            match cx.finish() {
                Some(mistakes) => {
                    let stand_in = expand::stand_in(&function, &runtime);
                    quote!(#mistakes #stand_in)
                }
                None => expand::declaration(&options, &function, &runtime),
            }
        }
        Err(_) => not_a_function(item, cx),
    };
    quote!(#item #declaration)
}

/// As [`attribute`], with `of` for `dead_letters_of`.
pub(crate) fn dlt_handler(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut says_of = false;
    let mut arguments: TokenStream = arguments
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident == "of" && !says_of => {
                says_of = true;
                Ident::new("dead_letters_of", ident.span()).into()
            }
            token => token,
        })
        .collect();
    if !says_of {
        let message = "whose dead letters? say the id of their listener: `of = \"bill\"`";
        let mistake = syn::Error::new(Span::call_site(), message).into_compile_error();
        // Any id, lest a topic be called missing too.
        arguments = quote!(dead_letters_of = "_", #arguments);
        let declaration = attribute(arguments, item);
        return quote!(#mistake #declaration);
    }
    attribute(arguments, item)
}

/// An item that is complete but no function gets an answer; one that rustc cannot parse either gets rustc's.
fn not_a_function(item: &TokenStream, cx: Ctxt) -> TokenStream {
    match syn::parse2::<syn::Item>(item.clone()) {
        Ok(item) => {
            let message = "`#[kafka_listener]` goes on a function: `async fn bill(Json(order): Json<Order>)`";
            cx.error(name(&item), message);
        }
        Err(error) => cx.push(error),
    }
    cx.finish().unwrap_or_default()
}

/// The smallest token that stands for an item.
fn name(item: &syn::Item) -> TokenStream {
    match item {
        syn::Item::Struct(item) => item.ident.to_token_stream(),
        syn::Item::Enum(item) => item.ident.to_token_stream(),
        syn::Item::Trait(item) => item.ident.to_token_stream(),
        syn::Item::Mod(item) => item.ident.to_token_stream(),
        syn::Item::Impl(item) => item.impl_token.to_token_stream(),
        item => item.to_token_stream(),
    }
}
