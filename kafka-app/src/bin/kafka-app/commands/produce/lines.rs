//! [`LineFormat`]: lines as records: pure.

use std::sync::Arc;

use bytes::Bytes;
use kafka_app::{Headers, ProducerRecord};

use super::super::record_json;

/// What a line is, and what every record gets.
#[derive(Debug, Clone)]
pub(crate) struct LineFormat {
    pub(crate) form: LineForm,
    /// Where records go; without it, a line says so.
    pub(crate) topic: Option<Arc<str>>,
    pub(crate) partition: Option<i32>,
    /// The partition that a line names does not count.
    pub(crate) any_partition: bool,
    pub(crate) key: Option<Bytes>,
    pub(crate) headers: Headers,
    /// An empty value is a tombstone.
    pub(crate) tombstones: bool,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineForm {
    /// A value.
    Value,
    /// A key and a value, with this between them.
    Keyed(Vec<u8>),
    /// An object.
    Json,
}

impl LineFormat {
    /// The record of a line, which shares its memory; none if it is blank and a blank line is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn record(&self, line: Bytes) -> Result<Option<ProducerRecord>, String> {
        let record = match &self.form {
            LineForm::Value => self.value(line),
            LineForm::Keyed(separator) => {
                let at = find(&line, separator)
                    .ok_or_else(|| format!("there is no separator {:?} in it", String::from_utf8_lossy(separator)))?;
                let key = line.slice(..at);
                ProducerRecord { key: Some(key), ..self.value(line.slice(at + separator.len()..)) }
            }
            LineForm::Json if line.trim_ascii().is_empty() => return Ok(None),
            LineForm::Json => record_json::read(&line)?,
        };
        let topic = self.topic.clone().or(record.topic).ok_or("it names no topic, and none was given")?;
        let of_line = record.partition.filter(|_| !self.any_partition);
        let partition = self.partition.or(of_line);
        if let Some(partition) = partition.filter(|partition| *partition < 0) {
            return Err(format!("there is no partition {partition}"));
        }
        let mut headers = record.headers;
        for (name, value) in self.headers.iter() {
            headers.push(name, value.map(Bytes::copy_from_slice));
        }
        Ok(Some(ProducerRecord { topic: Some(topic), partition, headers, ..record }))
    }

    fn value(&self, value: Bytes) -> ProducerRecord {
        let is_null = self.tombstones && value.is_empty();
        ProducerRecord { key: self.key.clone(), payload: (!is_null).then_some(value), ..ProducerRecord::default() }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    match part {
        [byte] => text.iter().position(|other| other == byte),
        _ => text.windows(part.len()).position(|window| window == part),
    }
}

/// Of records to the topic `orders`.
#[cfg(test)]
pub(super) fn format(form: LineForm) -> LineFormat {
    LineFormat {
        form,
        topic: Some("orders".into()),
        partition: None,
        any_partition: false,
        key: None,
        headers: Headers::new(),
        tombstones: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(format: &LineFormat, line: &'static str) -> ProducerRecord {
        format.record(Bytes::from(line)).unwrap().unwrap()
    }

    fn expected(key: Option<&'static str>, value: Option<&'static str>) -> ProducerRecord {
        let (key, payload) = (key.map(Bytes::from), value.map(Bytes::from));
        ProducerRecord { topic: Some("orders".into()), key, payload, ..ProducerRecord::default() }
    }

    #[test]
    fn a_line_is_a_value_or_a_key_and_a_value() {
        assert_eq!(record(&format(LineForm::Value), "a:b"), expected(None, Some("a:b")));
        assert_eq!(record(&format(LineForm::Value), ""), expected(None, Some("")));
        let keyed = format(LineForm::Keyed(b":".to_vec()));
        assert_eq!(record(&keyed, "a:b:c"), expected(Some("a"), Some("b:c")));
        assert_eq!(record(&keyed, ":"), expected(Some(""), Some("")));
        assert_eq!(record(&format(LineForm::Keyed(b"=>".to_vec())), "a=b=>c"), expected(Some("a=b"), Some("c")));
        assert_eq!(keyed.record(Bytes::from("ab")).unwrap_err(), "there is no separator \":\" in it");
    }

    #[test]
    fn an_empty_value_may_be_a_tombstone() {
        let keyed = LineFormat { tombstones: true, ..format(LineForm::Keyed(b":".to_vec())) };
        assert_eq!(record(&keyed, "a:"), expected(Some("a"), None));
        assert_eq!(record(&keyed, "a: "), expected(Some("a"), Some(" ")));
        let with_key = LineFormat { key: Some("k".into()), tombstones: true, ..format(LineForm::Value) };
        assert_eq!(record(&with_key, ""), expected(Some("k"), None));
    }

    #[test]
    fn what_is_given_counts_before_what_a_line_names() {
        let line = r#"{"topic":"invoices","partition":3,"key":"k","value":"v","headers":{"a":"1"},"timestamp":5}"#;
        let json = format(LineForm::Json);
        let of = |format: &LineFormat| {
            let record = record(format, line);
            (record.topic.unwrap().to_string(), record.partition, record.headers.len(), record.timestamp)
        };
        assert_eq!(of(&json), ("orders".to_owned(), Some(3), 1, Some(5)));
        assert_eq!(
            of(&LineFormat { topic: None, any_partition: true, ..json.clone() }),
            ("invoices".to_owned(), None, 1, Some(5))
        );
        let mut headers = Headers::new();
        headers.push("b", Some("2".into()));
        assert_eq!(
            of(&LineFormat { partition: Some(1), headers, ..json.clone() }),
            ("orders".to_owned(), Some(1), 2, Some(5))
        );
        assert_eq!(json.record(Bytes::from(" \r")).unwrap(), None);
        let homeless = LineFormat { topic: None, ..json };
        assert!(homeless.record(Bytes::from(r#"{"value":"v"}"#)).unwrap_err().contains("no topic"));
        assert!(homeless.record(Bytes::from(r#"{"topic":"t","partition":-1,"value":"v"}"#)).is_err());
    }
}
