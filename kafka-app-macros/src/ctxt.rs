//! The sink for mistakes: all of them are reported together.

use std::{cell::RefCell, fmt::Display};

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Collects mistakes until [`Ctxt::finish`].
#[derive(Debug, Default)]
pub(crate) struct Ctxt(RefCell<Option<syn::Error>>);

impl Ctxt {
    /// A mistake, underlined from the first to the last of `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// A mistake where there are no tokens to underline.
    pub(crate) fn error_at(&self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    pub(crate) fn push(&self, error: syn::Error) {
        let mut errors = self.0.borrow_mut();
        match errors.as_mut() {
            Some(errors) => errors.combine(error),
            None => *errors = Some(error),
        }
    }

    /// The mistakes as tokens, if there are any.
    pub(crate) fn finish(self) -> Option<TokenStream> {
        self.0.into_inner().map(syn::Error::into_compile_error)
    }

    /// The mistakes' messages, for tests.
    #[cfg(test)]
    pub(crate) fn messages(self) -> Vec<String> {
        self.0.into_inner().into_iter().flatten().map(|error| error.to_string()).collect()
    }
}
