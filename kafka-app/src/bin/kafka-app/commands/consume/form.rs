//! [`Printer`]: records as bytes of standard output.

use clap::ValueEnum;
use kafka_app::{RawRecord, TopicPartition};

use super::{
    super::{at_time, record_json},
    columns::Columns,
};

/// The form in which records are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Form {
    /// The bytes of each value, a line each; nothing for null
    #[default]
    Value,
    /// The bytes of the values as they are, with nothing in between
    Raw,
    /// A JSON object a line: topic, partition, offset, timestamp, headers, key, value; produce --format jsonl reads it
    #[value(alias = "json")]
    Jsonl,
    /// Columns for people, with long values cut
    Table,
}

/// What is printed before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Topic,
    Partition,
    Offset,
    /// As RFC 3339 has it
    Timestamp,
    /// Name=value, with commas in between
    Headers,
    Key,
}

/// Prints records in a form.
pub(crate) enum Printer {
    Value { parts: Vec<Part>, separator: Vec<u8>, delimiter: Vec<u8> },
    Jsonl,
    Table(Columns),
}

impl Printer {
    /// Appends a record.
    pub(crate) fn print(&mut self, at: &TopicPartition, record: &RawRecord, out: &mut Vec<u8>) {
        match self {
            Self::Value { parts, separator, delimiter } => {
                for part in parts {
                    part.print(at, record, out);
                    out.extend_from_slice(separator);
                }
                out.extend_from_slice(record.payload().unwrap_or_default());
                out.extend_from_slice(delimiter);
            }
            Self::Jsonl => {
                record_json::write(at, record, out);
                out.push(b'\n');
            }
            Self::Table(columns) => columns.print(at, record, out),
        }
    }
}

impl Part {
    fn print(self, at: &TopicPartition, record: &RawRecord, out: &mut Vec<u8>) {
        match self {
            Self::Topic => out.extend_from_slice(at.topic.as_bytes()),
            Self::Partition => out.extend_from_slice(at.partition.to_string().as_bytes()),
            Self::Offset => out.extend_from_slice(record.offset().to_string().as_bytes()),
            Self::Timestamp => out.extend_from_slice(timestamp(record).as_bytes()),
            Self::Headers => headers(record, out),
            Self::Key => out.extend_from_slice(record.key().unwrap_or_default()),
        }
    }
}

/// When a record was made, for people; nothing if that is not known.
pub(super) fn timestamp(record: &RawRecord) -> String {
    record.timestamp().to_millis().map_or_else(String::new, at_time::readable)
}

/// Headers as `name=value`, with commas in between.
pub(super) fn headers(record: &RawRecord, out: &mut Vec<u8>) {
    let start = out.len();
    record.for_each_header(|name, value| {
        if out.len() > start {
            out.push(b',');
        }
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        out.extend_from_slice(value.unwrap_or_default());
    });
}

#[cfg(test)]
mod tests {
    use kafka_app::{Headers, OwnedRecord, Timestamp};

    use super::*;

    fn record() -> OwnedRecord {
        let mut headers = Headers::new();
        headers.push("a", Some("1".into()));
        headers.push("b", None);
        OwnedRecord {
            offset: 7,
            timestamp: Timestamp::CreateTime(2000),
            key: Some(b"k".to_vec()),
            payload: Some(b"v\xff".to_vec()),
            headers,
            leader_epoch: None,
        }
    }

    fn printed(mut printer: Printer, records: Vec<OwnedRecord>) -> Vec<u8> {
        let mut out = Vec::new();
        let at = TopicPartition::new("orders", 3);
        records.into_iter().for_each(|record| printer.print(&at, &record.into(), &mut out));
        out
    }

    fn values(parts: &[Part], separator: &[u8], delimiter: &[u8]) -> Printer {
        let (parts, separator, delimiter) = (parts.to_vec(), separator.to_vec(), delimiter.to_vec());
        Printer::Value { parts, separator, delimiter }
    }

    #[test]
    fn a_value_is_printed_as_it_is_and_null_as_nothing() {
        let records = || vec![record(), OwnedRecord::default(), record()];
        assert_eq!(printed(values(&[], b"\t", b"\n"), records()), b"v\xff\n\nv\xff\n");
        assert_eq!(printed(values(&[], b"\t", b""), records()), b"v\xffv\xff");
    }

    #[test]
    fn parts_come_before_the_value_in_their_order() {
        let all = [Part::Key, Part::Topic, Part::Partition, Part::Offset, Part::Timestamp, Part::Headers];
        let expected = b"k|orders|3|7|1970-01-01T00:00:02.000Z|a=1,b=|v\xff;";
        assert_eq!(printed(values(&all, b"|", b";"), vec![record()]), expected);
        assert_eq!(printed(values(&all, b"|", b";"), vec![OwnedRecord::default()]), b"|orders|3|0|||;");
    }

    #[test]
    fn json_is_a_line_each() {
        let lines = String::from_utf8(printed(Printer::Jsonl, vec![record(), record()])).unwrap();
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.lines().all(|line| line.starts_with("{\"topic\":\"orders\"") && line.ends_with('}')), "{lines}");
    }
}
