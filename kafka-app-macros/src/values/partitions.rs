//! Partitions and places to begin: `[0, 1]`, `"0-5, 7"`, `"earliest"`, `"latest-10"`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, ExprLit, Lit};

use super::{peeled, string, value};
use crate::{ctxt::Ctxt, options::Entry};

/// Which partitions: all, or those with these numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Partitions {
    All,
    These(Vec<i32>),
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Committed,
    Earliest,
    Latest,
    AfterEarliest(u64),
    BeforeLatest(u64),
    Offset(i64),
    Timestamp(i64),
}

impl Partitions {
    pub(crate) fn to_call(&self, private: &TokenStream) -> TokenStream {
        match self {
            Self::All => quote!(.partitions(#private::Partitions::All)),
            Self::These(numbers) => quote!(.partitions([#(#numbers),*])),
        }
    }
}

impl From {
    pub(crate) fn to_call(self, private: &TokenStream) -> TokenStream {
        let spec = match self {
            Self::Committed => return quote!(.start_from(#private::StartFrom::Committed)),
            Self::Earliest => quote!(Earliest),
            Self::Latest => quote!(Latest),
            Self::AfterEarliest(n) => quote!(AfterEarliest(#n)),
            Self::BeforeLatest(n) => quote!(BeforeLatest(#n)),
            Self::Offset(offset) => quote!(Offset(#offset)),
            Self::Timestamp(ms) => quote!(Timestamp(#ms)),
        };
        quote!(.start_from(#private::StartFrom::At(#private::OffsetSpec::#spec)))
    }
}

/// A list of numbers, or a text in the form the configuration has.
pub(crate) fn partitions(entry: &Entry, cx: &Ctxt) -> Option<Partitions> {
    let value = value(entry, "[0, 1]", cx)?;
    let read = match value {
        Expr::Array(array) if !array.elems.is_empty() => array
            .elems
            .iter()
            .map(|number| partition(peeled(number)))
            .collect::<Option<Vec<_>>>()
            .map(Partitions::These),
        value => string(value).and_then(|literal| numbers(&literal.value())),
    };
    if read.is_none() {
        cx.error(value, "`partitions` takes numbers, ranges or all: `[0, 1]`, \"0-5, 7\" or \"all\"");
    }
    read
}

fn partition(value: &Expr) -> Option<i32> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok().filter(|n| is_partition(*n)),
        _ => None,
    }
}

fn is_partition(number: i32) -> bool {
    (0..=99_999).contains(&number)
}

fn numbers(text: &str) -> Option<Partitions> {
    if text.trim() == "all" {
        return Some(Partitions::All);
    }
    let mut all = Vec::new();
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.trim().parse().ok().filter(|n| is_partition(*n));
        let (first, last): (i32, i32) = (number(first)?, number(last)?);
        if last < first {
            return None;
        }
        all.extend(first..=last);
    }
    Some(Partitions::These(all))
}

/// A place to begin: a number, or a text in the form the configuration has.
pub(crate) fn from(entry: &Entry, cx: &Ctxt) -> Option<From> {
    let value = value(entry, "\"earliest\"", cx)?;
    let read = match value {
        Expr::Lit(ExprLit { lit: Lit::Int(offset), .. }) => offset.base10_parse().ok().map(From::Offset),
        value => string(value).and_then(|literal| place(literal.value().trim())),
    };
    if read.is_none() {
        cx.error(
            value,
            "`from` takes \"committed\", \"earliest\", \"latest\", \"earliest+10\", \"latest-10\", an offset, or \
             \"timestamp:1700000000000\"",
        );
    }
    read
}

fn place(text: &str) -> Option<From> {
    match text {
        "committed" => Some(From::Committed),
        "earliest" => Some(From::Earliest),
        "latest" => Some(From::Latest),
        text => {
            if let Some(n) = text.strip_prefix("earliest+") {
                n.parse().ok().map(From::AfterEarliest)
            } else if let Some(n) = text.strip_prefix("latest-") {
                n.parse().ok().map(From::BeforeLatest)
            } else if let Some(ms) = text.strip_prefix("timestamp:") {
                ms.parse().ok().filter(|ms| *ms >= 0).map(From::Timestamp)
            } else {
                text.parse().ok().filter(|offset| *offset >= 0).map(From::Offset)
            }
        }
    }
}
