//! Every path that generated code says, in one table.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::Path;

/// Where the runtime crate is.
#[derive(Debug, Clone)]
pub(crate) struct Runtime(TokenStream);

impl Runtime {
    /// At `crate = path`, else under its own name.
    pub(crate) fn new(renamed: Option<&Path>) -> Self {
        Self(renamed.map_or_else(|| quote!(::kafka_app), |path| quote!(#path)))
    }

    /// What generated code may call.
    pub(crate) fn private(&self) -> TokenStream {
        let Self(runtime) = self;
        quote!(#runtime::__private)
    }
}

pub(crate) fn result() -> TokenStream {
    quote!(::core::result::Result)
}

pub(crate) fn some() -> TokenStream {
    quote!(::core::option::Option::Some)
}

pub(crate) fn none() -> TokenStream {
    quote!(::core::option::Option::None)
}

pub(crate) fn option() -> TokenStream {
    quote!(::core::option::Option)
}

pub(crate) fn duration() -> TokenStream {
    quote!(::core::time::Duration)
}

/// `Duration::new(30, 0)`
pub(crate) fn new_duration(value: std::time::Duration) -> TokenStream {
    let path = duration();
    let seconds = Literal::u64_suffixed(value.as_secs());
    let nanoseconds = Literal::u32_suffixed(value.subsec_nanos());
    quote!(#path::new(#seconds, #nanoseconds))
}

/// `String::from`, which needs no prelude for its trait.
pub(crate) fn string_from() -> TokenStream {
    quote!(<::std::string::String as ::core::convert::From<&str>>::from)
}

pub(crate) fn vec() -> TokenStream {
    quote!(::std::vec::Vec)
}

pub(crate) fn default() -> TokenStream {
    quote!(::core::default::Default::default())
}

/// `file:line` of the attribute.
pub(crate) fn location() -> TokenStream {
    quote!(::core::concat!(::core::file!(), ":", ::core::line!()))
}
