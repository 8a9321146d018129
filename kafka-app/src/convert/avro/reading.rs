//! [`Readings`]: how a type is read from what each schema wrote.

use std::collections::HashMap;

use apache_avro::{Schema, from_value, reader::datum::GenericDatumReader, schema_compatibility::SchemaCompatibility};
use parking_lot::RwLock;
use serde::de::DeserializeOwned;

use super::written::{Written, resolved};
use crate::schema::SchemaError;

/// How a type is read from what each schema wrote, by the address of that.
#[derive(Default)]
pub(super) struct Readings(RwLock<HashMap<usize, Result<&'static Reading, NotRead>>>);

/// How a type is read from what one schema wrote.
pub(super) enum Reading {
    /// By the same schema: straight into the type.
    Same,
    /// By another one: the two are resolved.
    Resolved {
        reader: Box<GenericDatumReader<'static>>,
        /// What does not fit, by the schemas alone: told when a record is not read.
        complaint: Option<String>,
    },
}

/// Why a record is not read; of schemas, never of values.
#[derive(Debug, Clone)]
pub(super) enum NotRead {
    Incompatible(String),
    Malformed,
}

impl NotRead {
    pub(super) fn about(self, id: u32) -> SchemaError {
        match self {
            Self::Incompatible(reason) => SchemaError::Incompatible { id, reason },
            Self::Malformed => {
                SchemaError::Malformed { id, what: "they are no value of it that the type can hold".to_owned() }
            }
        }
    }
}

impl Readings {
    pub(super) fn of(&self, avro: &'static Schema, written: &'static Written) -> Result<&'static Reading, NotRead> {
        let address = std::ptr::from_ref(written).addr();
        if let Some(known) = self.0.read().get(&address) {
            return known.clone();
        }
        let reading = Reading::of(avro, written).map(|reading| &*Box::leak(Box::new(reading)));
        self.0.write().entry(address).or_insert(reading).clone()
    }
}

impl Reading {
    fn of(avro: &'static Schema, written: &'static Written) -> Result<Self, NotRead> {
        if !is_named_alike(avro, written.avro) {
            let (found, expected) = (super::full_name(written.avro), super::full_name(avro));
            let text = format!("it is a `{found}`, and not a `{expected}`; an alias would make them the same");
            return Err(NotRead::Incompatible(text));
        }
        if written.all.len() == 1 && avro.canonical_form() == written.avro.canonical_form() {
            return Ok(Self::Same);
        }
        let names = resolved(&written.all).map_err(NotRead::Incompatible)?;
        let reader = GenericDatumReader::builder(written.avro)
            .resolved_writer_schemata(names)
            .reader_schema(avro)
            .build()
            .map_err(|error| NotRead::Incompatible(error.to_string()))?;
        let complaint = SchemaCompatibility::can_read(written.avro, avro).err().map(|error| error.to_string());
        Ok(Self::Resolved { reader: Box::new(reader), complaint })
    }

    pub(super) fn read<T: DeserializeOwned>(&self, written: &Written, mut body: &[u8]) -> Result<T, NotRead> {
        // Avro's own errors tell values.
        match self {
            Self::Same => written.reader.read_deser(&mut body).map_err(|_| NotRead::Malformed),
            Self::Resolved { reader, complaint } => {
                let value = reader.read_value(&mut body).and_then(|value| from_value(&value));
                value.map_err(|_| complaint.clone().map_or(NotRead::Malformed, NotRead::Incompatible))
            }
        }
    }
}

/// Whether the names agree, as the specification wants them to: without their namespaces, or by an alias of the reader's.
fn is_named_alike(reader: &Schema, writer: &Schema) -> bool {
    let (Some(reader_name), Some(writer_name)) = (reader.name(), writer.name()) else { return true };
    let aliases = reader.aliases().into_iter().flatten();
    reader_name.name() == writer_name.name() || aliases.into_iter().any(|alias| alias.name() == writer_name.name())
}
