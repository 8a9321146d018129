//! [`Record`]: the whole record, decoded; and [`RawRecord`], undecoded.

use super::{FromKey, FromRecord};
use crate::{
    handler::{Declaration, RecordContext, Rejection},
    record::{Headers, RawRecord, RecordMetadata},
};

/// A whole record: key, payload, headers, and where it is. `Option` as key or payload takes nulls, `()` any key.
///
/// ```
/// use kafka_app::{Record, Text};
///
/// async fn audit(record: Record<Option<String>, Text>) {
///     println!("{} at offset {}", record.payload.0, record.metadata.offset);
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Record<K, V> {
    /// The key.
    pub key: K,
    /// The payload.
    pub payload: V,
    /// The headers in their order.
    pub headers: Headers,
    /// Where it is and when it was made.
    pub metadata: RecordMetadata,
}

impl<'r, K: FromKey<'r>, V: FromRecord<'r>> FromRecord<'r> for Record<K, V> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        Ok(Self {
            key: K::from_key_of(cx)?,
            payload: V::from_record(cx)?,
            headers: cx.record.to_headers(),
            metadata: RecordMetadata::from_record(cx)?,
        })
    }

    fn declare(declaration: &mut Declaration) {
        K::declare(declaration);
        V::declare(declaration);
    }
}

impl<'r> FromRecord<'r> for &'r RawRecord {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        Ok(cx.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, test_support::TestRecord};

    #[test]
    fn a_record_has_all_its_parts() {
        let source = TestRecord::new("payload").key("key").header("h", "1").offset(7);
        let record: Record<&str, String> = source.extract().unwrap();
        assert_eq!((record.key, record.payload.as_str(), record.headers.len()), ("key", "payload", 1));
        assert_eq!((&*record.metadata.topic, record.metadata.partition, record.metadata.offset), ("orders", 3, 7));
        assert_eq!(record.metadata.timestamp, Timestamp::CreateTime(1_000));
    }

    #[test]
    fn a_part_that_cannot_be_made_rejects_the_whole() {
        assert!(TestRecord::new("p").extract::<Record<String, String>>().is_err());
        assert!(TestRecord::tombstone().extract::<Record<(), String>>().is_err());
        assert!(TestRecord::tombstone().extract::<Record<Option<String>, Option<String>>>().is_ok());
    }
}
