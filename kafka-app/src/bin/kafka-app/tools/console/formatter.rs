//! [`Formatter`]: what the console consumer prints of a record.

use std::collections::BTreeMap;

use kafka_app::{RawRecord, Timestamp};

use super::{deserializer::Deserializer, offsets_formatter};

/// The formatters that Apache's tool has, by their classes.
#[derive(Debug)]
pub(super) enum Formatter {
    Default(Columns),
    NoOp,
    Offsets,
}

impl Formatter {
    /// By the name of its class, told by `properties`. What it has no use for is noted.
    ///
    /// # Errors
    /// There is no such class; the text is its name, as Java's.
    pub(super) fn named(
        class: &str,
        properties: &BTreeMap<String, String>,
        notes: &mut Vec<String>,
    ) -> Result<Self, String> {
        let name = class.strip_prefix("org.apache.kafka.tools.consumer.").unwrap_or(class);
        match name.strip_prefix("kafka.tools.").unwrap_or(name) {
            "DefaultMessageFormatter" | "LoggingMessageFormatter" => {
                Ok(Self::Default(Columns::configured(properties, notes)))
            }
            "NoOpMessageFormatter" => Ok(Self::NoOp),
            "OffsetsMessageFormatter" => Ok(Self::Offsets),
            _ => Err(class.to_owned()),
        }
    }

    /// Appends what is printed of a record.
    ///
    /// # Errors
    /// The record is not what its deserializer or this formatter takes; some of it may have been appended.
    pub(super) fn print(&self, partition: i32, record: &RawRecord, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Default(columns) => columns.print(partition, record, out),
            Self::NoOp => Ok(()),
            Self::Offsets => {
                let Some(key) = record.key() else { return Ok(()) };
                let json = offsets_formatter::json(key, record.payload())
                    .map_err(|error| format!("Could not read record at offset {} due to: {error}", record.offset()))?;
                out.extend_from_slice(json.unwrap_or_default().as_bytes());
                Ok(())
            }
        }
    }
}

/// The columns of `DefaultMessageFormatter`, in the order in which they are printed.
#[derive(Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column that is printed or not, as its property says")]
pub(super) struct Columns {
    timestamp: bool,
    partition: bool,
    offset: bool,
    delivery: bool,
    epoch: bool,
    headers: bool,
    key: bool,
    value: bool,
    key_separator: Vec<u8>,
    line_separator: Vec<u8>,
    headers_separator: Vec<u8>,
    null_literal: Vec<u8>,
    key_deserializer: Option<Deserializer>,
    value_deserializer: Option<Deserializer>,
    headers_deserializer: Option<Deserializer>,
}

impl Columns {
    fn configured(properties: &BTreeMap<String, String>, notes: &mut Vec<String>) -> Self {
        let flag = |name: &str, default| {
            properties.get(name).map_or(default, |value| value.trim().eq_ignore_ascii_case("true"))
        };
        let text = |name: &str, default: &str| properties.get(name).map_or(default, String::as_str).as_bytes().to_vec();
        let mut deserializer = |name: &str| {
            let class = properties.get(name)?;
            let named = Deserializer::named(class);
            if named.is_none() {
                notes.push(format!("Unable to instantiate a deserializer from {class}"));
            }
            named
        };
        Self {
            timestamp: flag("print.timestamp", false),
            partition: flag("print.partition", false),
            offset: flag("print.offset", false),
            delivery: flag("print.delivery", false),
            epoch: flag("print.epoch", false),
            headers: flag("print.headers", false),
            key: flag("print.key", false),
            value: flag("print.value", true),
            key_separator: text("key.separator", "\t"),
            line_separator: text("line.separator", "\n"),
            headers_separator: text("headers.separator", ","),
            null_literal: text("null.literal", "null"),
            key_deserializer: deserializer("key.deserializer"),
            value_deserializer: deserializer("value.deserializer"),
            headers_deserializer: deserializer("headers.deserializer"),
        }
    }

    fn print(&self, partition: i32, record: &RawRecord, out: &mut Vec<u8>) -> Result<(), String> {
        // Each column ends with the separator of columns if another follows, else with that of lines.
        let follow = [self.partition, self.offset, self.delivery, self.epoch, self.headers, self.key, self.value];
        let end = |after: usize, out: &mut Vec<u8>| {
            let more = follow[after..].contains(&true);
            out.extend_from_slice(if more { &self.key_separator } else { &self.line_separator });
        };
        if self.timestamp {
            match record.timestamp() {
                Timestamp::NotAvailable => out.extend_from_slice(b"NO_TIMESTAMP"),
                Timestamp::CreateTime(ms) => number(b"CreateTime:", ms, out),
                Timestamp::LogAppendTime(ms) => number(b"LogAppendTime:", ms, out),
            }
            end(0, out);
        }
        if self.partition {
            number(b"Partition:", partition.into(), out);
            end(1, out);
        }
        if self.offset {
            number(b"Offset:", record.offset(), out);
            end(2, out);
        }
        if self.delivery {
            out.extend_from_slice(b"Delivery:NOT_PRESENT");
            end(3, out);
        }
        if self.epoch {
            // Apache's tool loses it on the way to its formatter.
            out.extend_from_slice(b"Epoch:NOT_PRESENT");
            end(4, out);
        }
        if self.headers {
            self.print_headers(record, out)?;
            end(5, out);
        }
        if self.key {
            self.print_bytes(record.key(), self.key_deserializer, out)?;
            end(6, out);
        }
        if self.value {
            self.print_bytes(record.payload(), self.value_deserializer, out)?;
            out.extend_from_slice(&self.line_separator);
        }
        Ok(())
    }

    fn print_headers(&self, record: &RawRecord, out: &mut Vec<u8>) -> Result<(), String> {
        let mut printed = Ok(());
        let mut is_first = true;
        record.for_each_header(|name, value| {
            if printed.is_err() {
                return;
            }
            if !is_first {
                out.extend_from_slice(&self.headers_separator);
            }
            is_first = false;
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            printed = self.print_bytes(value, self.headers_deserializer, out);
        });
        if is_first {
            out.extend_from_slice(b"NO_HEADERS");
        }
        printed
    }

    /// Null is printed as its literal, which goes through the deserializer too, as in Apache's tool.
    fn print_bytes(
        &self,
        bytes: Option<&[u8]>,
        deserializer: Option<Deserializer>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        deserializer.unwrap_or(Deserializer::Bytes).print(bytes.unwrap_or(&self.null_literal), out)
    }
}

fn number(label: &[u8], number: i64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    out.extend_from_slice(label);
    // A vector takes all.
    let _ = write!(out, "{number}");
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kafka_app::{Headers, OwnedRecord};

    use super::*;

    fn record(key: Option<&[u8]>, payload: Option<&[u8]>, headers: &[(&str, Option<&str>)]) -> RawRecord {
        let mut all = Headers::new();
        for (name, value) in headers {
            all.push(*name, value.map(|value| Bytes::copy_from_slice(value.as_bytes())));
        }
        RawRecord::from(OwnedRecord {
            offset: 7,
            timestamp: Timestamp::CreateTime(1_795_244_892_451),
            key: key.map(<[u8]>::to_vec),
            payload: payload.map(<[u8]>::to_vec),
            headers: all,
            leader_epoch: None,
        })
    }

    fn printed(properties: &[(&str, &str)], record: &RawRecord) -> Vec<u8> {
        let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let formatter =
            Formatter::named("org.apache.kafka.tools.consumer.DefaultMessageFormatter", &properties, &mut Vec::new())
                .unwrap();
        let mut out = Vec::new();
        formatter.print(3, record, &mut out).unwrap();
        out
    }

    #[test]
    fn a_value_is_a_line_byte_for_byte() {
        assert_eq!(printed(&[], &record(None, Some(b"one"), &[])), b"one\n");
        assert_eq!(printed(&[], &record(None, Some(b"\xff\0\n"), &[])), b"\xff\0\n\n");
        assert_eq!(printed(&[], &record(None, None, &[])), b"null\n");
    }

    #[test]
    fn all_columns_are_in_the_order_of_apaches() {
        let all = ["key", "value", "timestamp", "partition", "offset", "headers", "epoch", "delivery"];
        let all: Vec<_> = all.iter().map(|column| (format!("print.{column}"), "True ")).collect();
        let all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let one = record(None, Some(b""), &[("h1", Some("a")), ("h2", None)]);
        let expected = b"CreateTime:1795244892451\tPartition:3\tOffset:7\tDelivery:NOT_PRESENT\tEpoch:NOT_PRESENT\th1:a,h2:null\tnull\t\n";
        assert_eq!(printed(&all, &one), expected);
    }

    #[test]
    fn separators_and_the_literal_of_null_can_be_chosen() {
        let chosen = [
            ("print.key", "true"),
            ("print.value", "false"),
            ("null.literal", "NIL"),
            ("line.separator", "|"),
            ("print.headers", "true"),
            ("key.separator", "="),
        ];
        assert_eq!(printed(&chosen, &record(None, None, &[])), b"NO_HEADERS=NIL|");
        assert_eq!(printed(&[("print.value", "false")], &record(None, None, &[])), b"");
    }

    #[test]
    fn deserializers_print_what_bytes_mean_and_refuse_what_they_do_not() {
        let long = [("value.deserializer", "org.apache.kafka.common.serialization.LongDeserializer")];
        assert_eq!(printed(&long, &record(None, Some(&5_i64.to_be_bytes()), &[])), b"5\n");
        let properties = long.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let formatter = Formatter::named("DefaultMessageFormatter", &properties, &mut Vec::new()).unwrap();
        let refused = formatter.print(0, &record(None, Some(b"one"), &[]), &mut Vec::new()).unwrap_err();
        assert_eq!(refused, "Size of data received by LongDeserializer is not 8");
        let (unknown, mut notes) = ([("key.deserializer".to_owned(), "no.Such".to_owned())].into(), Vec::new());
        Formatter::named("DefaultMessageFormatter", &unknown, &mut notes).unwrap();
        assert_eq!(notes, ["Unable to instantiate a deserializer from no.Such"]);
    }

    #[test]
    fn a_class_that_there_is_not_is_named() {
        let refused = Formatter::named("nosuch.Class", &BTreeMap::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(refused, "nosuch.Class");
    }
}
