//! [`Table`]: what a command lists, for people or for programs.

use std::fmt::Display;

use clap::ValueEnum;
use comfy_table::presets::NOTHING;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::Failure;

/// The form of what is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Columns with a head, for people
    #[default]
    Table,
    /// An array of objects
    Json,
    /// A list of mappings
    Yaml,
    /// A head and a line a row, as RFC 4180 has it
    Csv,
}

/// Rows under named columns.
///
/// The names are lower snake case, as the keys of programs are; the head of the table for people has them in capitals with
/// hyphens, as Kafka's tools print theirs.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = &'static str>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// One more row, with a value for each column; what is not known is null.
    pub(crate) fn row(&mut self, values: impl IntoIterator<Item = Value>) {
        self.rows.push(values.into_iter().collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The whole of it in a form, with an end of line.
    ///
    /// # Errors
    /// A value has no such form.
    pub(crate) fn render(&self, format: Format) -> Result<String, Failure> {
        match format {
            Format::Table => Ok(self.columns_for_people()),
            Format::Csv => self.csv(),
            Format::Json => json(&self.objects()),
            Format::Yaml => yaml(&self.objects()),
        }
    }

    fn objects(&self) -> Vec<Map<String, Value>> {
        let object =
            |row: &Vec<Value>| self.columns.iter().map(|&column| column.to_owned()).zip(row.iter().cloned()).collect();
        self.rows.iter().map(object).collect()
    }

    fn columns_for_people(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(NOTHING);
        table.set_header(self.columns.iter().map(|column| column.to_uppercase().replace('_', "-")));
        table.add_rows(self.rows.iter().map(|row| row.iter().map(|value| cell(value, "-"))));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.lines().map(|line| with_end(line.trim_end().to_owned())).collect()
    }

    fn csv(&self) -> Result<String, Failure> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(&self.columns).map_err(not_so)?;
        for row in &self.rows {
            csv.write_record(row.iter().map(|value| cell(value, ""))).map_err(not_so)?;
        }
        String::from_utf8(csv.into_inner().map_err(not_so)?).map_err(not_so)
    }
}

/// Something with several parts: for people its tables one after the other, each under a line that says what it is; for
/// programs one object, in CSV the first table.
#[derive(Debug, Default)]
pub(crate) struct Document {
    fields: Map<String, Value>,
    tables: Vec<(&'static str, String, Table)>,
}

impl Document {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Something that programs are told under this name, and people in the line above a table.
    pub(crate) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// A table with its name for programs, and the line above it for people.
    pub(crate) fn table(mut self, name: &'static str, head: &str, table: Table) -> Self {
        self.tables.push((name, head.to_owned(), table));
        self
    }

    /// The whole of it in a form.
    ///
    /// # Errors
    /// A value has no such form.
    pub(crate) fn render(&self, format: Format) -> Result<String, Failure> {
        Self::render_all(std::slice::from_ref(self), format)
    }

    /// Several in a form: for programs a list of objects, unless it is one.
    ///
    /// # Errors
    /// A value has no such form.
    pub(crate) fn render_all(documents: &[Self], format: Format) -> Result<String, Failure> {
        let objects = || documents.iter().map(Self::object).collect::<Vec<_>>();
        match (format, documents) {
            (Format::Table, _) => {
                let tables = documents.iter().flat_map(|document| &document.tables);
                let part = |(_, head, table): &(_, String, Table)| format!("{head}\n{}", table.columns_for_people());
                Ok(tables.map(part).collect::<Vec<_>>().join("\n"))
            }
            (Format::Csv, _) => {
                documents.iter().filter_map(|document| document.tables.first()).map(|(.., table)| table.csv()).collect()
            }
            (Format::Json, [one]) => json(&one.object()),
            (Format::Yaml, [one]) => yaml(&one.object()),
            (Format::Json, _) => json(&objects()),
            (Format::Yaml, _) => yaml(&objects()),
        }
    }

    fn object(&self) -> Map<String, Value> {
        let mut object = self.fields.clone();
        let tables = self
            .tables
            .iter()
            .map(|(name, _, table)| ((*name).to_owned(), table.objects().into_iter().map(Value::Object).collect()));
        object.extend(tables);
        object
    }
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map(with_end).map_err(not_so)
}

fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    yaml_serde::to_string(value).map_err(not_so)
}

fn not_so(error: impl Display) -> Failure {
    Failure::Failed(format!("what was found cannot be written so: {error}"))
}

fn with_end(line: String) -> String {
    line + "\n"
}

/// A value as one cell: lists with commas in between.
fn cell(value: &Value, unknown: &str) -> String {
    match value {
        Value::Null => unknown.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(|item| cell(item, unknown)).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["topic", "log_end_offset", "replicas"]);
        table.row([json!("orders"), json!(12), json!([1, 2])]);
        table.row([json!("a,\"b\""), Value::Null, json!([])]);
        table
    }

    #[test]
    fn people_read_columns_with_kafkas_heads() {
        let expected = "TOPIC   LOG-END-OFFSET  REPLICAS\norders  12              1,2\na,\"b\"   -\n";
        assert_eq!(table().render(Format::Table).unwrap(), expected);
    }

    #[test]
    fn programs_read_json_yaml_and_csv() {
        let json: Value = serde_json::from_str(&table().render(Format::Json).unwrap()).unwrap();
        let row = json!({"topic": "a,\"b\"", "log_end_offset": null, "replicas": []});
        assert_eq!(json[1], row);
        let yaml: Value = yaml_serde::from_str(&table().render(Format::Yaml).unwrap()).unwrap();
        assert_eq!(yaml, json);
        let csv = "topic,log_end_offset,replicas\norders,12,\"1,2\"\n\"a,\"\"b\"\"\",,\n";
        assert_eq!(table().render(Format::Csv).unwrap(), csv);
    }

    #[test]
    fn nothing_is_a_head_alone_and_an_empty_list() {
        let table = Table::new(["topic"]);
        assert!(table.is_empty());
        assert_eq!(table.render(Format::Table).unwrap(), "TOPIC\n");
        assert_eq!(table.render(Format::Json).unwrap(), "[]\n");
        assert_eq!(table.render(Format::Csv).unwrap(), "topic\n");
    }
}
