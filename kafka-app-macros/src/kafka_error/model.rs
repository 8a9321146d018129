//! What the attributes of an error type said.

use std::time::Duration;

use syn::{Fields, Ident, Member, Path};

use crate::{options::Slot, values::TopicName};

/// The type: its own class, and those of its variants.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) own: Vec<Said>,
    /// Empty for a struct.
    pub(crate) variants: Vec<Variant>,
    pub(crate) is_struct: bool,
    pub(crate) krate: Slot<Path>,
}

/// One variant of an enum.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) fields: Fields,
    pub(crate) said: Vec<Said>,
}

/// One of the five attributes, where it was said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) class: Class,
    pub(crate) name: Ident,
    /// Where the record is given up to.
    pub(crate) topic: Slot<TopicName>,
    /// When it comes again.
    pub(crate) after: Slot<After>,
}

/// `after = ..` of `not_now`
#[derive(Debug)]
pub(crate) enum After {
    Fixed(Duration),
    /// A field of the error that is a `Duration`.
    Field(Member),
}

/// What is to be done about an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Class {
    #[default]
    Retry,
    DeadLetter,
    Skip,
    Stop,
    NotNow,
}

impl Class {
    /// The class that an attribute of this name says.
    pub(crate) fn named(name: &Ident) -> Option<Self> {
        match name.to_string().as_str() {
            "retry" => Some(Self::Retry),
            "dead_letter" => Some(Self::DeadLetter),
            "skip" => Some(Self::Skip),
            "stop" => Some(Self::Stop),
            "not_now" => Some(Self::NotNow),
            _ => None,
        }
    }
}
