//! Records as a test looks at them.

use bytes::Bytes;

use crate::log::for_each_record;
use crate::partition::{Isolation, Partition, ReadFrom};

/// A record as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The partition it lies in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970; whose time it is the topic's `message.timestamp.type` says.
    pub timestamp: i64,
    /// The key, if it has one.
    pub key: Option<Bytes>,
    /// The value; `None` of a tombstone.
    pub value: Option<Bytes>,
    /// The headers in their order; a name may come more than once.
    pub headers: Vec<(String, Option<Bytes>)>,
}

impl Record {
    /// The key as text, if it is there and UTF-8.
    #[must_use]
    pub fn key_str(&self) -> Option<&str> {
        std::str::from_utf8(self.key.as_ref()?).ok()
    }

    /// The value as text, if it is there and UTF-8.
    #[must_use]
    pub fn value_str(&self) -> Option<&str> {
        std::str::from_utf8(self.value.as_ref()?).ok()
    }

    /// The last value of a header, as Kafka's clients read it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().rev().find(|(known, _)| known == name)?.1.as_deref()
    }
}

/// Adds all records that a partition holds to `records`.
///
/// # Errors
///
/// If a batch cannot be unpacked, or a header cannot be read.
pub(super) fn read_partition(partition: &Partition, index: i32, records: &mut Vec<Record>) -> std::io::Result<()> {
    let offset = partition.offsets().log_start;
    let mut pieces = Vec::new();
    let everything = ReadFrom::everything(offset, Isolation::ReadUncommitted);
    if partition.read(everything, &mut pieces).is_err() {
        // Deleted in this moment.
        return Ok(());
    }
    for piece in pieces {
        let mut malformed = false;
        for_each_record(&piece, |at| {
            let headers = at.record.headers();
            malformed |= headers.is_none();
            if at.offset >= offset {
                records.push(Record {
                    partition: index,
                    offset: at.offset,
                    timestamp: at.timestamp,
                    key: at.record.key.map(Bytes::copy_from_slice),
                    value: at.record.value.map(Bytes::copy_from_slice),
                    headers: headers.unwrap_or_default().into_iter().map(owned).collect(),
                });
            }
            true
        })?;
        if malformed {
            return Err(std::io::Error::other("the headers of a record are malformed"));
        }
    }
    Ok(())
}

fn owned((name, value): (&str, Option<&[u8]>)) -> (String, Option<Bytes>) {
    (name.to_owned(), value.map(Bytes::copy_from_slice))
}
