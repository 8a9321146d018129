//! [`Columns`]: records as rows for people, one after the other as they come.

use std::fmt::Write as _;

use kafka_app::{RawRecord, TopicPartition};

use super::form;

/// Characters of a key, of headers and of a value that are shown.
const KEY: usize = 40;
const HEADERS: usize = 60;
const VALUE: usize = 200;

/// Columns under a head. As what follows is not known yet, a column becomes wider when something wider comes.
#[derive(Debug)]
pub(crate) struct Columns {
    has_topic: bool,
    has_head: bool,
    widths: Vec<usize>,
}

impl Columns {
    /// `has_topic`: records of several topics come.
    pub(crate) fn new(has_topic: bool) -> Self {
        Self { has_topic, has_head: false, widths: Vec::new() }
    }

    /// Appends a row, and the head before the first one.
    pub(crate) fn print(&mut self, at: &TopicPartition, record: &RawRecord, out: &mut Vec<u8>) {
        if !self.has_head {
            self.has_head = true;
            let head = ["TOPIC", "PARTITION", "OFFSET", "TIMESTAMP", "KEY", "HEADERS", "VALUE"].map(str::to_owned);
            // Wide enough for most, so that rows do not move.
            self.widths = vec![at.topic.len(), 0, 6, 24, 8, 7, 0];
            self.row(&head, out);
        }
        let mut headers = Vec::new();
        form::headers(record, &mut headers);
        let row = [
            shown(at.topic.as_bytes(), usize::MAX),
            at.partition.to_string(),
            record.offset().to_string(),
            form::timestamp(record),
            record.key().map_or_else(|| "-".to_owned(), |key| shown(key, KEY)),
            shown(&headers, HEADERS),
            record.payload().map_or_else(|| "-".to_owned(), |value| shown(value, VALUE)),
        ];
        self.row(&row, out);
    }

    fn row(&mut self, cells: &[String; 7], out: &mut Vec<u8>) {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&mut self.widths).skip(usize::from(!self.has_topic)) {
            *width = (*width).max(cell.chars().count()).min(KEY.max(HEADERS));
            let _ = write!(line, "{cell:<0$}  ", *width);
        }
        out.extend_from_slice(line.trim_end().as_bytes());
        out.push(b'\n');
    }
}

/// Bytes as one line for people: what cannot be seen is escaped, and what is too long is cut.
pub(in super::super) fn shown(bytes: &[u8], at_most: usize) -> String {
    let mut text = String::new();
    let mut left = at_most;
    // The first few bytes of each character are enough for so many of them.
    let few = bytes.get(..at_most.saturating_mul(4)).unwrap_or(bytes);
    for chunk in few.utf8_chunks() {
        for c in chunk.valid().chars() {
            if left == 0 {
                return text + "…";
            }
            left -= 1;
            if c.is_control() { text.extend(c.escape_default()) } else { text.push(c) }
        }
        for byte in chunk.invalid() {
            if left == 0 {
                return text + "…";
            }
            left -= 1;
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    if few.len() < bytes.len() { text + "…" } else { text }
}

#[cfg(test)]
mod tests {
    use kafka_app::{OwnedRecord, Timestamp};

    use super::*;

    #[test]
    fn rows_stand_below_a_head_and_a_column_becomes_wider() {
        let mut columns = Columns::new(false);
        let mut out = Vec::new();
        for (key, value) in [(Some("42"), Some("shoes")), (None, None), (Some("a-longer-key"), Some("a\nb"))] {
            let record = OwnedRecord {
                timestamp: Timestamp::CreateTime(0),
                key: key.map(Into::into),
                payload: value.map(Into::into),
                ..OwnedRecord::default()
            };
            columns.print(&TopicPartition::new("orders", 3), &record.into(), &mut out);
        }
        let expected = "\
PARTITION  OFFSET  TIMESTAMP                 KEY       HEADERS  VALUE
3          0       1970-01-01T00:00:00.000Z  42                 shoes
3          0       1970-01-01T00:00:00.000Z  -                  -
3          0       1970-01-01T00:00:00.000Z  a-longer-key           a\\nb
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn of_several_topics_the_name_is_shown() {
        let mut out = Vec::new();
        Columns::new(true).print(&TopicPartition::new("orders", 0), &OwnedRecord::default().into(), &mut out);
        assert!(out.starts_with(b"TOPIC   PARTITION  OFFSET"), "{}", String::from_utf8_lossy(&out));
    }

    #[test]
    fn what_cannot_be_seen_is_escaped_and_what_is_long_is_cut() {
        assert_eq!(shown("tschüß\t\x1b[1m".as_bytes(), 20), "tschüß\\t\\u{1b}[1m");
        assert_eq!(shown(b"a\xff\xfe", 20), "a\\xff\\xfe");
        assert_eq!(shown(b"abcdef", 6), "abcdef");
        assert_eq!(shown(b"abcdef", 5), "abcde…");
        assert_eq!(shown("ü".repeat(50).as_bytes(), 5), "üüüüü…");
        assert_eq!(shown(&[0xff; 50], 2), "\\xff\\xff…");
    }
}
