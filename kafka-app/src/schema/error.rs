//! [`SchemaError`]: why bytes with the id of a schema are not the value that was expected.

use std::{error::Error as StdError, fmt};

use super::SchemaFormat;

/// Bytes that were to begin with the id of a schema are not what was expected; says where and never what they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaError {
    /// The bytes do not begin with magic byte 0 and an id: they were not written by a serializer with a registry.
    NotFramed {
        /// How many bytes there are.
        len: usize,
    },
    /// The application has no registry (`kafka.schema-registry.url`), or the value was made without its application.
    NoRegistry,
    /// The registry has not been asked for the id yet. Listeners never see it: they ask, and decode again.
    NotLoaded {
        /// The id.
        id: u32,
    },
    /// The registry does not know the id, or what it keeps cannot be used.
    Unusable {
        /// The id.
        id: u32,
        /// What is wrong.
        reason: String,
    },
    /// The record was written in another format.
    OtherFormat {
        /// The id.
        id: u32,
        /// The format it was written in.
        found: SchemaFormat,
        /// The format of the type it was to be.
        expected: SchemaFormat,
    },
    /// The record was written by a schema that the type cannot be read from.
    Incompatible {
        /// The id.
        id: u32,
        /// What does not fit; of schemas, not of values.
        reason: String,
    },
    /// The bytes do not fit the schema they name.
    Malformed {
        /// The id.
        id: u32,
        /// What could not be done with them.
        what: String,
    },
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFramed { len } => write!(
                f,
                "the {len} bytes do not begin with magic byte 0 and the id of a schema: they were written without a schema registry"
            ),
            Self::NoRegistry => f.write_str("there is no schema registry: set `kafka.schema-registry.url`"),
            Self::NotLoaded { id } => write!(f, "the schema with id {id} has not been read from the registry yet"),
            Self::Unusable { id, reason } => write!(f, "the schema with id {id} cannot be used: {reason}"),
            Self::OtherFormat { id, found, expected } => {
                write!(f, "the schema with id {id} is {found}, and not {expected}")
            }
            Self::Incompatible { id, reason } => {
                write!(f, "what the schema with id {id} wrote cannot be read: {reason}")
            }
            Self::Malformed { id, what } => write!(f, "the bytes do not fit the schema with id {id}: {what}"),
        }
    }
}

impl StdError for SchemaError {}
