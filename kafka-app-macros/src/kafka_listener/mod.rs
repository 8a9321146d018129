//! `#[kafka_listener(..)]`.

mod check;
mod expand;
mod function;
mod model;
mod parse;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
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
