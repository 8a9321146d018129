//! [`Written`]: a schema that records were written by, parsed once.

use std::collections::HashMap;

use apache_avro::{
    Schema, reader::datum::GenericDatumReader, schema::ResolvedSchema, writer::datum::GenericDatumWriter,
};
use parking_lot::Mutex;

use crate::schema::{self, SchemaError, WriterSchema};

/// A schema of the registry, with those it refers to. It lives for ever, as its readers refer to it: there are as many as there
/// are different texts.
pub(super) struct Written {
    pub(super) avro: &'static Schema,
    /// Itself and what it refers to.
    pub(super) all: Vec<&'static Schema>,
    pub(super) reader: GenericDatumReader<'static>,
    rewriters: Mutex<HashMap<usize, Option<&'static Rewriter>>>,
}

/// Makes values of one schema values of another.
struct Rewriter {
    reader: GenericDatumReader<'static>,
    writer: GenericDatumWriter<'static>,
}

type Texts = (String, Vec<String>);

static WRITTEN: Mutex<Option<HashMap<Texts, &'static Written>>> = Mutex::new(None);

impl Written {
    /// Of a text and the texts it refers to; the error says what is wrong with them.
    pub(super) fn of(text: &str, references: &[String]) -> Result<&'static Self, String> {
        let texts = (text.to_owned(), references.to_vec());
        if let Some(known) = WRITTEN.lock().as_ref().and_then(|written| written.get(&texts).copied()) {
            return Ok(known);
        }
        let written: &'static Self = Box::leak(Box::new(Self::parse(text, references)?));
        Ok(WRITTEN.lock().get_or_insert_default().entry(texts).or_insert(written))
    }

    fn parse(text: &str, references: &[String]) -> Result<Self, String> {
        let told = |error: apache_avro::Error| error.to_string();
        let (avro, others) = match references {
            [] => (Schema::parse_str(text).map_err(told)?, Vec::new()),
            references => Schema::parse_str_with_list(text, references).map_err(told)?,
        };
        let avro: &'static Schema = Box::leak(Box::new(avro));
        let others: &'static [Schema] = Box::leak(others.into_boxed_slice());
        let all: Vec<_> = others.iter().chain([avro]).collect();
        let reader =
            GenericDatumReader::builder(avro).resolved_writer_schemata(resolved(&all)?).build().map_err(told)?;
        Ok(Self { avro, all, reader, rewriters: Mutex::default() })
    }

    fn rewriter(&'static self, latest: &'static Self) -> Option<&'static Rewriter> {
        let address = std::ptr::from_ref(latest).addr();
        *self.rewriters.lock().entry(address).or_insert_with(|| {
            let reader = GenericDatumReader::builder(self.avro)
                .resolved_writer_schemata(resolved(&self.all).ok()?)
                .reader_schema(latest.avro)
                .resolved_reader_schemata(resolved(&latest.all).ok()?)
                .build();
            let writer =
                GenericDatumWriter::builder(latest.avro).resolved_schemata(resolved(&latest.all).ok()?).build();
            Some(Box::leak(Box::new(Rewriter { reader: reader.ok()?, writer: writer.ok()? })))
        })
    }
}

/// The names in all of them.
pub(super) fn resolved(all: &[&'static Schema]) -> Result<ResolvedSchema<'static>, String> {
    ResolvedSchema::new_with_schemata(all.to_vec()).map_err(|error| error.to_string())
}

/// A value written by the schema of its type, written by the latest of its subject.
pub(super) fn rewrite(
    own: &'static schema::Schema,
    latest: &WriterSchema,
    body: &[u8],
) -> Result<Vec<u8>, SchemaError> {
    let id = latest.id;
    let unusable = |reason| SchemaError::Unusable { id, reason };
    let own = Written::of(&own.text, &[]).map_err(unusable)?;
    let latest = Written::of(&latest.text, &latest.references).map_err(unusable)?;
    let malformed = |what: &str| SchemaError::Malformed { id, what: what.to_owned() };
    let rewriter = own.rewriter(latest).ok_or_else(|| malformed("the two schemas cannot be used together"))?;
    let value = rewriter.reader.read_value(&mut &*body);
    let value = value
        .map_err(|_| malformed("the latest schema has fields that the type has neither a value nor a default for"))?;
    rewriter.writer.write_value_to_vec(value).map_err(|_| malformed("the value does not fit the latest schema"))
}

/// Of a record, an enum or a fixed its name with its namespace, of others the type.
pub(super) fn full_name(schema: &Schema) -> String {
    match schema.name() {
        Some(name) => name.fullname(None),
        None => serde_json::to_value(schema)
            .ok()
            .and_then(|json| Some(json.as_str().or_else(|| json.get("type")?.as_str())?.to_owned()))
            .unwrap_or_default(),
    }
}
