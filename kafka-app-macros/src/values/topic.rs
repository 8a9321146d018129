//! Topics by name or by the path of a constant.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, ExprPath, LitStr, spanned::Spanned};

use super::{
    checked,
    placeholder::{Piece, pieces},
    string, value,
};
use crate::{
    ctxt::Ctxt,
    options::{Entry, Given},
};

/// Kafka's bound on the length of a topic's name.
const MAX_LENGTH: usize = 249;

/// A topic as written.
#[derive(Debug)]
pub(crate) enum TopicName {
    Literal(LitStr),
    /// Of a `Topic<K, V>` or of a `&'static str`.
    Path(ExprPath),
}

impl TopicName {
    /// A literal as it is; a constant's name through the one function that knows what may name a topic.
    pub(crate) fn to_name(&self, private: &TokenStream) -> TokenStream {
        match self {
            Self::Literal(literal) => quote!(#literal),
            Self::Path(path) => {
                quote_spanned! {Span::mixed_site().located_at(path.span())=> #private::topic_name(&#path) }
            }
        }
    }
}

/// One topic.
pub(crate) fn topic(entry: &Entry, cx: &Ctxt) -> Option<TopicName> {
    let value = value(entry, "\"orders\"", cx)?;
    if let Expr::Array(_) = value {
        let plural = if entry.name == "topic" { "; `topics` takes several" } else { "" };
        cx.error(value, format!("`{}` takes one topic{plural}", entry.name));
        return None;
    }
    name(value, entry, cx)
}

/// Where dead letters go: a topic, or `*-dlt` for the record's topic with `-dlt`.
pub(crate) fn dead_letter_topic(entry: &Entry, cx: &Ctxt) -> Option<TopicName> {
    if let Given::Value(value) = &entry.given
        && let Some(literal) = string(super::peeled(value))
        && let Some(suffix) = literal.value().strip_prefix('*')
    {
        let verdict =
            if suffix.is_empty() { Err("`*` needs a suffix: `*-dlt`".to_owned()) } else { characters(suffix) };
        return checked(literal, verdict, cx).map(TopicName::Literal);
    }
    topic(entry, cx)
}

/// A list of topics in brackets.
pub(crate) fn topics(entry: &Entry, cx: &Ctxt) -> Option<Vec<TopicName>> {
    let value = value(entry, "[\"orders\", \"returns\"]", cx)?;
    let Expr::Array(array) = value else {
        cx.error(value, "`topics` takes a list: `topics = [\"orders\", \"returns\"]`; `topic` takes one");
        return None;
    };
    if array.elems.is_empty() {
        cx.error(array, "`topics` is empty");
        return None;
    }
    let topics: Vec<_> = array.elems.iter().filter_map(|value| name(super::peeled(value), entry, cx)).collect();
    said_once(&topics, cx);
    Some(topics)
}

fn said_once(topics: &[TopicName], cx: &Ctxt) {
    let literals = topics.iter().filter_map(|topic| match topic {
        TopicName::Literal(literal) => Some(literal),
        TopicName::Path(_) => None,
    });
    let mut seen: Vec<String> = Vec::new();
    for literal in literals {
        let name = literal.value();
        if seen.contains(&name) {
            cx.error(literal, format!("the topic {name:?} is listed twice"));
        }
        seen.push(name);
    }
}

fn name(value: &Expr, entry: &Entry, cx: &Ctxt) -> Option<TopicName> {
    match value {
        Expr::Path(path) => Some(TopicName::Path(path.clone())),
        value => match string(value) {
            Some(literal) => checked(literal, check(&literal.value()), cx).map(TopicName::Literal),
            None => {
                let message = "a topic is a string or the path of a `Topic<K, V>` constant";
                cx.error(value, format!("`{}`: {message}", entry.name));
                None
            }
        },
    }
}

/// Kafka's rules for a topic's name, as far as they can be known before placeholders are resolved.
pub(super) fn check(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a topic needs a name".to_owned());
    }
    let pieces = pieces(name)?;
    for piece in &pieces {
        match piece {
            Piece::Text(text) => characters(text)?,
            // A placeholder may stand for several topics.
            Piece::Placeholder { default: Some(default) } if !default.contains("${") => {
                default.split(',').try_for_each(|topic| characters(topic.trim()))?;
            }
            Piece::Placeholder { .. } => {}
        }
    }
    match pieces.as_slice() {
        [Piece::Text("." | "..")] => Err(format!("a topic cannot be named {name:?}")),
        [Piece::Text(text)] if text.len() > MAX_LENGTH => {
            Err(format!("a topic's name has at most {MAX_LENGTH} characters, not {}", text.len()))
        }
        _ => Ok(()),
    }
}

fn characters(text: &str) -> Result<(), String> {
    let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) else {
        return Ok(());
    };
    let advice = if c == '*' { "; `topic_pattern` takes a pattern" } else { "" };
    Err(format!("{c:?} cannot be in a topic's name, which has letters, digits, `.`, `_` and `-`{advice}"))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_are_kafkas() {
        for name in ["orders", "a.b_c-D9", "${topic:orders}-v1", "${topic}", "${topics:a, b}", "${a:${b:c}}"] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
        for name in ["", ".", "..", "two words", "${topic:a b}", "ü", &"x".repeat(250)] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }
}
