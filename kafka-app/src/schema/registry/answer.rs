//! What a registry answers, as JSON.

use serde::Deserialize;

/// A schema as it is kept.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Stored {
    /// Not in answers about an id.
    #[serde(default)]
    pub(super) id: Option<u32>,
    pub(super) schema: String,
    /// `None` is Avro.
    #[serde(default, rename = "schemaType")]
    pub(super) schema_type: Option<String>,
    #[serde(default)]
    pub(super) references: Vec<Reference>,
}

/// Another schema that one refers to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Reference {
    pub(super) subject: String,
    pub(super) version: u32,
}

/// The id of a schema.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Registered {
    pub(super) id: u32,
}

/// Why not.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub(super) error_code: Option<u32>,
    #[serde(default)]
    pub(super) message: String,
}
