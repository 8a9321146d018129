//! From an error type's attributes to what they said.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Fields, Meta, Path};

use super::model::{After, Class, Error, Said, Variant};
use crate::{
    ctxt::Ctxt,
    options::{Slot, Table},
    values::{self, TopicName},
};

/// Options of `#[kafka_error(..)]` on the type.
const OPTIONS: Table<Slot<Path>> = Table {
    of: " of `kafka_error`",
    rows: &[("crate", |krate, entry, cx| krate.set(entry, values::module(entry, cx), cx))],
    retired: &[
        ("retry", "the class is an attribute of its own: `#[retry]`"),
        ("dead_letter", "the class is an attribute of its own: `#[dead_letter]`"),
        ("skip", "the class is an attribute of its own: `#[skip]`"),
        ("stop", "the class is an attribute of its own: `#[stop]`"),
        ("not_now", "the class is an attribute of its own: `#[not_now(after = \"30s\")]`"),
    ],
};

/// Options of `#[dead_letter(..)]`.
const DEAD_LETTER: Table<Slot<TopicName>> = Table {
    of: " of `dead_letter`",
    rows: &[("topic", |topic, entry, cx| topic.set(entry, values::dead_letter_topic(entry, cx), cx))],
    retired: &[("suffix", "it is `topic = \"*-fraud\"`: the record's topic with `-fraud`")],
};

/// Options of `#[retry(..)]`.
const RETRY: Table<Slot<TopicName>> = Table {
    of: " of `retry`",
    rows: &[("dead_letter", |topic, entry, cx| topic.set(entry, values::dead_letter_topic(entry, cx), cx))],
    retired: &[
        ("attempts", "how often is said by the listener: `retry(attempts = 3)`"),
        ("backoff", "how often is said by the listener: `retry(backoff = \"1s\")`"),
    ],
};

/// Options of `#[not_now(..)]`.
const NOT_NOW: Table<Slot<After>> = Table {
    of: " of `not_now`",
    rows: &[("after", |after, entry, cx| after.set(entry, values::duration_or_field(entry, cx), cx))],
    retired: &[("pause", "it is `after`, as in `#[not_now(after = \"30s\")]`")],
};

/// An error has no configuration at hand to resolve placeholders.
fn destination(topic: Slot<TopicName>, cx: &Ctxt) -> Slot<TopicName> {
    if let Some(TopicName::Literal(literal)) = topic.get()
        && literal.value().contains("${")
    {
        cx.error(
            literal,
            "placeholders are not resolved here: name the topic, or say `\"*-fraud\"` for the record's with `-fraud`",
        );
    }
    topic
}

/// What was said, past every mistake.
pub(crate) fn error(input: &DeriveInput, cx: &Ctxt) -> Error {
    let variants = match &input.data {
        Data::Enum(data) => data.variants.iter().map(|variant| self::variant(variant, cx)).collect(),
        Data::Struct(data) => {
            refuse_in_fields(&data.fields, cx);
            Vec::new()
        }
        Data::Union(data) => {
            cx.error(
                data.union_token,
                "`KafkaError` is derived for an enum or a struct: a union does not know which error it is",
            );
            Vec::new()
        }
    };
    Error {
        own: classes(&input.attrs, cx),
        variants,
        is_struct: !matches!(input.data, Data::Enum(_)),
        krate: krate(&input.attrs, cx),
    }
}

fn variant(variant: &syn::Variant, cx: &Ctxt) -> Variant {
    refuse_in_fields(&variant.fields, cx);
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("kafka_error")) {
        cx.error(
            attribute,
            "`#[kafka_error(..)]` goes on the type; a variant has `#[retry]`, `#[not_now]`, `#[dead_letter]`, `#[skip]` or `#[stop]`",
        );
    }
    Variant { ident: variant.ident.clone(), fields: variant.fields.clone(), said: classes(&variant.attrs, cx) }
}

fn refuse_in_fields(fields: &Fields, cx: &Ctxt) {
    for attribute in fields.iter().flat_map(|field| &field.attrs) {
        if let Some(name) = attribute.path().get_ident()
            && (Class::named(name).is_some() || name == "kafka_error")
        {
            cx.error(attribute, format!("`#[{name}]` goes on the variant or the type, not on a field"));
        }
    }
}

fn classes(attributes: &[Attribute], cx: &Ctxt) -> Vec<Said> {
    let mut said = Vec::new();
    for attribute in attributes {
        let Some(name) = attribute.path().get_ident() else { continue };
        let Some(class) = Class::named(name) else { continue };
        let mut after = Slot::default();
        let topic = match (&attribute.meta, class) {
            (Meta::List(list), Class::NotNow) => {
                after = NOT_NOW.read(list.tokens.clone(), cx);
                if list.tokens.is_empty() {
                    not_now_takes_a_time(attribute, cx);
                }
                Slot::default()
            }
            (_, Class::NotNow) => {
                not_now_takes_a_time(attribute, cx);
                Slot::default()
            }
            (Meta::Path(_), _) => Slot::default(),
            (Meta::List(list), Class::DeadLetter) => destination(DEAD_LETTER.read(list.tokens.clone(), cx), cx),
            (Meta::List(list), Class::Retry) => destination(RETRY.read(list.tokens.clone(), cx), cx),
            (Meta::NameValue(_), Class::DeadLetter | Class::Retry) => {
                let example = if class == Class::Retry { "dead_letter" } else { "topic" };
                cx.error(attribute, format!("`#[{name}]` takes a list: `#[{name}({example} = \"fraud\")]`"));
                Slot::default()
            }
            (_, Class::Skip | Class::Stop) => {
                cx.error(attribute, format!("`#[{name}]` takes nothing"));
                Slot::default()
            }
        };
        said.push(Said { class, name: name.clone(), topic, after });
    }
    said
}

fn not_now_takes_a_time(attribute: &Attribute, cx: &Ctxt) {
    cx.error(
        attribute,
        "`#[not_now]` says when the record comes again: `#[not_now(after = \"30s\")]`, or a field that is a `Duration`",
    );
}

/// `#[kafka_error(crate = path)]`
fn krate(attributes: &[Attribute], cx: &Ctxt) -> Slot<Path> {
    let mut tokens = TokenStream::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("kafka_error")) {
        match &attribute.meta {
            Meta::List(list) => {
                let list = &list.tokens;
                tokens.extend(quote!(#list,));
            }
            Meta::Path(_) | Meta::NameValue(_) => {
                cx.error(attribute, "`kafka_error` takes a list: `#[kafka_error(crate = other)]`")
            }
        }
    }
    OPTIONS.read(tokens, cx)
}
