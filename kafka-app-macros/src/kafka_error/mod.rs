//! `#[derive(KafkaError)]`.

mod check;
mod expand;
mod model;
mod parse;

pub(crate) use model::After;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput};

use crate::{ctxt::Ctxt, paths::Runtime};

/// The implementation, or one that always retries and the mistakes.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let cx = Ctxt::default();
    let error = parse::error(&input, &cx);
    check::rules(&error, &cx);
    if let Data::Union(_) = input.data {
        return cx.finish().unwrap_or_default();
    }
    let implementation = expand::implementation(&error, &input, &Runtime::new(error.krate.get()));
    let mistakes = cx.finish();
    quote!(#implementation #mistakes)
}
