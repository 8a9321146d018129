//! The grammar of options: `name = value` and `name(..)`, each at most once, from a table that knows every name.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::{
    Expr, Ident, LitStr, Token,
    ext::IdentExt,
    parenthesized,
    parse::{ParseStream, Parser},
};

use crate::ctxt::Ctxt;

/// One option as written.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Ident,
    pub(crate) given: Given,
}

/// What follows an option's name.
#[derive(Debug)]
pub(crate) enum Given {
    /// `= value`
    Value(Expr),
    /// `(..)`
    List(TokenStream),
    /// Nothing at all.
    Nothing,
    /// Something that could not be read, and is already reported.
    Malformed,
}

/// An option that may be said once.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    name: Option<Ident>,
    value: Option<T>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { name: None, value: None }
    }
}

impl<T> Slot<T> {
    /// Notes that `entry` was said; a value that could not be read is `None`, and already reported.
    pub(crate) fn set(&mut self, entry: &Entry, value: Option<T>, cx: &Ctxt) {
        if self.name.is_some() {
            if !matches!(entry.given, Given::Malformed) {
                cx.error(&entry.name, format!("`{}` is given twice", entry.name));
            }
            return;
        }
        self.name = Some(entry.name.clone());
        self.value = value;
    }

    /// The name where it was said.
    pub(crate) fn name(&self) -> Option<&Ident> {
        self.name.as_ref()
    }

    /// What was said, if it could be read.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

/// Reads one option into what collects them.
pub(crate) type Reader<O> = fn(&mut O, &Entry, &Ctxt);

/// The options of one list.
pub(crate) struct Table<O: 'static> {
    /// What has these options: `` `retry` ``, or nothing for the attribute itself.
    pub(crate) of: &'static str,
    /// One row an option.
    pub(crate) rows: &'static [(&'static str, Reader<O>)],
    /// Names that people know from elsewhere, with the answer.
    pub(crate) retired: &'static [(&'static str, &'static str)],
}

impl<O: Default> Table<O> {
    /// Reads a whole list, past every mistake.
    pub(crate) fn read(&self, tokens: TokenStream, cx: &Ctxt) -> O {
        let mut options = O::default();
        for entry in entries(tokens, cx) {
            match self.row(&entry.name.to_string()) {
                Some(reader) => reader(&mut options, &entry, cx),
                None => self.unknown(&mut options, entry.name, cx),
            }
        }
        options
    }

    fn row(&self, name: &str) -> Option<Reader<O>> {
        self.rows.iter().find(|(row, _)| *row == name).map(|(_, reader)| *reader)
    }

    /// Answers a name that is no option. If it is near to one, that one counts as said, lest it be called missing.
    fn unknown(&self, options: &mut O, name: Ident, cx: &Ctxt) {
        let written = name.to_string();
        if let Some((_, answer)) = self.retired.iter().find(|(retired, _)| *retired == written) {
            cx.error(&name, format!("there is no option `{written}`{}: {answer}", self.of));
            return;
        }
        let names: Vec<_> = self.rows.iter().map(|(name, _)| *name).collect();
        let near = nearest(&written, &names);
        let guess = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        cx.error(&name, format!("unknown option `{written}`{}: {guess}options are {}", self.of, list(&names)));
        if let Some(reader) = near.and_then(|near| self.row(near)) {
            reader(options, &Entry { name, given: Given::Malformed }, cx);
        }
    }
}

/// The right name nearest to what was written, if any is near.
pub(crate) fn nearest<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    let written = snake_case(written);
    let scored = names.iter().map(|name| (strsim::jaro_winkler(&written, name), *name));
    scored.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// Names in backquotes, with commas.
pub(crate) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// `ackMode` as `ack_mode`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// The options of a list; what is none is reported and skipped.
fn entries(tokens: TokenStream, cx: &Ctxt) -> Vec<Entry> {
    chunks(tokens).into_iter().flat_map(|chunk| read(chunk, cx, |input| chunk_entries(input, cx))).collect()
}

/// `"key" = value` pairs.
pub(crate) fn pairs(tokens: TokenStream, cx: &Ctxt) -> Vec<(LitStr, Expr)> {
    let pair = |input: ParseStream<'_>| {
        if !input.peek(LitStr) {
            return Err(input.error("expected a property in quotes, as in `\"fetch.min.bytes\" = \"1\"`"));
        }
        let key: LitStr = input.parse()?;
        if input.parse::<Token![=]>().is_err() || input.is_empty() {
            return Err(syn::Error::new_spanned(&key, format!("{} needs a value, as in `= \"1\"`", quote!(#key))));
        }
        Ok(vec![(key, input.parse()?)])
    };
    chunks(tokens).into_iter().flat_map(|chunk| read(chunk, cx, pair)).collect()
}

/// Parses one chunk; an error is reported and yields nothing.
fn read<T>(chunk: TokenStream, cx: &Ctxt, parser: impl FnOnce(ParseStream<'_>) -> syn::Result<Vec<T>>) -> Vec<T> {
    parser.parse2(chunk).unwrap_or_else(|error| {
        cx.push(error);
        Vec::new()
    })
}

/// What stands between commas. Groups are one token, so no comma inside of brackets is seen.
fn chunks(tokens: TokenStream) -> Vec<TokenStream> {
    let mut chunks = vec![TokenStream::new()];
    for token in tokens {
        match (&token, chunks.last_mut()) {
            (TokenTree::Punct(punct), _) if punct.as_char() == ',' => chunks.push(TokenStream::new()),
            (_, Some(chunk)) => chunk.extend([token]),
            (_, None) => {}
        }
    }
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

/// The options between two commas: one, unless a comma is missing.
fn chunk_entries(input: ParseStream<'_>, cx: &Ctxt) -> syn::Result<Vec<Entry>> {
    let mut entries = vec![entry(input, cx)?];
    while !input.is_empty() {
        cx.push(input.error("expected a comma between options"));
        if input.parse::<Token![;]>().is_err() && !input.peek(Ident::peek_any) {
            input.parse::<TokenStream>()?;
            break;
        }
        if !input.is_empty() {
            entries.push(entry(input, cx)?);
        }
    }
    Ok(entries)
}

fn entry(input: ParseStream<'_>, cx: &Ctxt) -> syn::Result<Entry> {
    if input.peek(LitStr) {
        let literal: LitStr = input.parse()?;
        cx.error(&literal, format!("this needs a name, as in `topic = {}`", quote!(#literal)));
        // It was meant as the topic, so that one is not missing.
        return Ok(Entry { name: Ident::new("topic", literal.span()), given: Given::Malformed });
    }
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected an option, as in `topic = \"orders\"`"));
    }
    let name = input.call(Ident::parse_any)?;
    let given = if input.peek(syn::token::Paren) {
        let content;
        parenthesized!(content in input);
        Given::List(content.parse()?)
    } else if input.peek(Token![=]) {
        value(&name, input).unwrap_or_else(|error| {
            cx.push(error);
            Given::Malformed
        })
    } else {
        Given::Nothing
    };
    Ok(Entry { name, given })
}

/// `= value`; after an error, nothing of the chunk is left.
fn value(name: &Ident, input: ParseStream<'_>) -> syn::Result<Given> {
    let equals: Token![=] = input.parse()?;
    if input.is_empty() {
        return Err(syn::Error::new_spanned(equals, format!("`{name}` has no value after its `=`")));
    }
    input.parse().map(Given::Value).inspect_err(|_| drop(input.parse::<TokenStream>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_from_java_find_their_option() {
        let names = ["topic", "topics", "topic_pattern", "send_to", "dead_letter", "ack"];
        assert_eq!(nearest("topicPattern", &names), Some("topic_pattern"));
        assert_eq!(nearest("sendTo", &names), Some("send_to"));
        assert_eq!(nearest("tpoic", &names), Some("topic"));
        assert_eq!(nearest("colour", &names), None);
    }

    #[test]
    fn a_missing_comma_costs_one_message_and_no_option() {
        let cx = Ctxt::default();
        let entries = entries(quote!(group = "g" topic = "t"), &cx);
        assert_eq!(entries.iter().map(|entry| entry.name.to_string()).collect::<Vec<_>>(), ["group", "topic"]);
        assert_eq!(cx.messages(), ["expected a comma between options"]);
    }
}
