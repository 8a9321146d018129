//! What an option's value may be, each kind read and checked by one function.

mod duration;
mod partitions;
mod placeholder;
mod rate;
mod share;
mod size;
mod topic;

pub(crate) use duration::{duration, duration_or_field};
pub(crate) use partitions::{From, Partitions, from, partitions};
pub(crate) use rate::rate;
pub(crate) use share::share;
pub(crate) use size::size;
pub(crate) use topic::{TopicName, dead_letter_topic, topic, topics};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, ExprLit, ExprPath, Lit, LitStr, Path};

use crate::{
    ctxt::Ctxt,
    options::{Entry, Given, nearest, pairs},
};

/// A string, written out or as the path of a constant.
#[derive(Debug)]
pub(crate) enum Text {
    Literal(LitStr),
    Path(ExprPath),
}

impl ToTokens for Text {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(literal) => literal.to_tokens(tokens),
            Self::Path(path) => path.to_tokens(tokens),
        }
    }
}

/// The value after `=`, or a report that says how to write it.
fn value<'e>(entry: &'e Entry, example: &str, cx: &Ctxt) -> Option<&'e Expr> {
    match &entry.given {
        Given::Value(value) => Some(peeled(value)),
        Given::List(_) | Given::Nothing => {
            cx.error(&entry.name, format!("`{}` takes a value: `{} = {example}`", entry.name, entry.name));
            None
        }
        Given::Malformed => None,
    }
}

/// The list in parentheses, or a report that says how to write it.
pub(crate) fn nested(entry: &Entry, example: &str, cx: &Ctxt) -> Option<TokenStream> {
    match &entry.given {
        Given::List(tokens) if !tokens.is_empty() => Some(tokens.clone()),
        Given::List(_) | Given::Nothing | Given::Value(_) => {
            cx.error(&entry.name, format!("`{}` takes a list: `{}({example})`", entry.name, entry.name));
            None
        }
        Given::Malformed => None,
    }
}

/// A value from inside of the invisible brackets that a `macro_rules!` variable brings with it.
fn peeled(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => peeled(&group.expr),
        value => value,
    }
}

fn string(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Some(literal),
        _ => None,
    }
}

/// A non-empty string with placeholders, or a path of one.
pub(crate) fn text(entry: &Entry, example: &str, cx: &Ctxt) -> Option<Text> {
    match value(entry, example, cx)? {
        Expr::Path(path) => Some(Text::Path(path.clone())),
        value => match string(value) {
            Some(literal) => checked(literal, not_blank(&entry.name.to_string(), literal), cx).map(Text::Literal),
            None => {
                cx.error(value, format!("`{}` takes a string or a constant: `{} = {example}`", entry.name, entry.name));
                None
            }
        },
    }
}

fn not_blank(name: &str, literal: &LitStr) -> Result<(), String> {
    let text = literal.value();
    if text.trim().is_empty() {
        return Err(format!("`{name}` is empty"));
    }
    placeholder::pieces(&text).map(drop)
}

/// The literal, or a report of what is wrong with it.
fn checked(literal: &LitStr, verdict: Result<(), String>, cx: &Ctxt) -> Option<LitStr> {
    match verdict {
        Ok(()) => Some(literal.clone()),
        Err(message) => {
            cx.error(literal, message);
            None
        }
    }
}

/// A listener's id: a key of the configuration, so it can hold neither a dot nor a placeholder.
pub(crate) fn id(entry: &Entry, cx: &Ctxt) -> Option<Text> {
    let text = text(entry, "\"billing\"", cx)?;
    let Text::Literal(literal) = &text else { return Some(text) };
    let id = literal.value();
    let message = if id.contains("${") {
        format!("`{}` cannot hold a placeholder: it is the key under which the configuration is found", entry.name)
    } else if let Some(c) = id.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
        format!("`{}` is a configuration key, of letters, digits, `-` and `_`: {c:?} cannot be in it", entry.name)
    } else {
        return Some(text);
    };
    cx.error(literal, message);
    None
}

/// A whole number from 1.
pub(crate) fn count(entry: &Entry, cx: &Ctxt) -> Option<u32> {
    let value = value(entry, "4", cx)?;
    let Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) = value else {
        cx.error(value, format!("`{}` takes a whole number: `{} = 4`", entry.name, entry.name));
        return None;
    };
    match literal.base10_parse() {
        Ok(0) => cx.error(literal, format!("`{}` must be at least 1", entry.name)),
        Ok(count) => return Some(count),
        Err(_) => cx.error(literal, format!("`{}` must be at most {}", entry.name, u32::MAX)),
    }
    None
}

/// A number, with or without decimals, within bounds that `rule` states.
pub(crate) fn decimal(entry: &Entry, example: &str, within: fn(f64) -> bool, rule: &str, cx: &Ctxt) -> Option<f64> {
    let value = value(entry, example, cx)?;
    let number = match value {
        Expr::Lit(ExprLit { lit: Lit::Float(literal), .. }) => literal.base10_parse::<f64>().ok(),
        Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) => literal.base10_parse::<f64>().ok(),
        // A negative number of any kind is out of all our bounds.
        Expr::Unary(_) => Some(-1.0),
        _ => None,
    };
    match number {
        Some(number) if number.is_finite() && within(number) => return Some(number),
        Some(_) => cx.error(value, format!("`{}` must be {rule}", entry.name)),
        None => cx.error(value, format!("`{}` takes a number: `{} = {example}`", entry.name, entry.name)),
    }
    None
}

/// True by its name alone, or `true` or `false`.
pub(crate) fn flag(entry: &Entry, cx: &Ctxt) -> Option<bool> {
    match entry.given {
        Given::Nothing => Some(true),
        _ => switch(entry, cx),
    }
}

/// `true` or `false`.
pub(crate) fn switch(entry: &Entry, cx: &Ctxt) -> Option<bool> {
    match value(entry, "false", cx)? {
        Expr::Lit(ExprLit { lit: Lit::Bool(literal), .. }) => Some(literal.value),
        value => {
            cx.error(value, format!("`{}` takes `true` or `false`", entry.name));
            None
        }
    }
}

/// One of a few words in quotes.
pub(crate) fn word<T: Copy>(entry: &Entry, words: &[(&str, T)], cx: &Ctxt) -> Option<T> {
    let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    let example = format!("{:?}", names[0]);
    let value = value(entry, &example, cx)?;
    let quoted = names.iter().map(|name| format!("`{name:?}`")).collect::<Vec<_>>().join(", ");
    let Some(literal) = string(value) else {
        cx.error(value, format!("`{}` takes one of {quoted}", entry.name));
        return None;
    };
    let written = literal.value();
    let found = words.iter().find(|(word, _)| *word == written).map(|(_, value)| *value);
    if found.is_none() {
        let guess = nearest_word(&written, &names).map(|near| format!("did you mean {near:?}? ")).unwrap_or_default();
        cx.error(literal, format!("`{}` cannot be {written:?}: {guess}it is one of {quoted}", entry.name));
    }
    found
}

/// As [`nearest`], over words with dashes: `AT_LEAST_ONCE` is near `at-least-once`.
fn nearest_word<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    let written = written.replace('_', "-");
    let shouted = written.chars().all(|c| !c.is_lowercase());
    nearest(&if shouted { written.to_lowercase() } else { written.replace(char::is_whitespace, "-") }, names)
}

/// The path of a function.
pub(crate) fn function(entry: &Entry, cx: &Ctxt) -> Option<ExprPath> {
    match value(entry, "is_large", cx)? {
        Expr::Path(path) => Some(path.clone()),
        value => {
            let message =
                format!("`{}` takes the path of a `fn(&RawRecord) -> bool`: `{} = is_large`", entry.name, entry.name);
            cx.error(value, message);
            None
        }
    }
}

/// The path of a module: `crate = other`.
pub(crate) fn module(entry: &Entry, cx: &Ctxt) -> Option<Path> {
    match value(entry, "kafka_app", cx)? {
        Expr::Path(path) => Some(path.path.clone()),
        value => {
            cx.error(value, "`crate` takes the path of the `kafka_app` crate: `crate = other`");
            None
        }
    }
}

/// `"key" = "value"` pairs; numbers and booleans are taken as their text.
pub(crate) fn properties(entry: &Entry, cx: &Ctxt) -> Option<Vec<(LitStr, LitStr)>> {
    let tokens = nested(entry, "\"fetch.min.bytes\" = \"1024\"", cx)?;
    let mut properties: Vec<(LitStr, LitStr)> = Vec::new();
    for (key, value) in pairs(tokens, cx) {
        if key.value().trim().is_empty() {
            cx.error(&key, "a property needs a name");
        } else if properties.iter().any(|(earlier, _)| earlier.value() == key.value()) {
            cx.error(&key, format!("the property {} is given twice", quote!(#key)));
        } else if let Some(value) = property(&value, cx) {
            properties.push((key, value));
        }
    }
    Some(properties)
}

fn property(value: &Expr, cx: &Ctxt) -> Option<LitStr> {
    match peeled(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => {
            checked(literal, placeholder::pieces(&literal.value()).map(drop), cx)
        }
        Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) => Some(LitStr::new(literal.base10_digits(), literal.span())),
        Expr::Lit(ExprLit { lit: Lit::Bool(literal), .. }) => {
            Some(LitStr::new(if literal.value { "true" } else { "false" }, literal.span))
        }
        value => {
            cx.error(value, "a property's value is a string, a whole number, `true` or `false`");
            None
        }
    }
}
