//! Arguments of our own, so that these tests need none of `kafka_app`'s.
#![allow(dead_code, reason = "each test uses some of them")]

use kafka_app::{
    __private::{BatchContext, FromBatch, Rejection},
    FromRecord, RawRecord, RecordContext,
};

fn rejected(argument: &'static str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Rejection {
    Rejection::new(argument, error)
}

/// The payload as text.
#[derive(Debug)]
pub(crate) struct Words<'r>(pub(crate) &'r str);

impl<'r> FromRecord<'r> for Words<'r> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        let payload = cx.record().payload().unwrap_or_default();
        std::str::from_utf8(payload).map(Self).map_err(|error| rejected("Words", error))
    }
}

impl<'r> FromRecord<'r> for &'r Words<'r> {
    fn from_record(_: &RecordContext<'r>) -> Result<Self, Rejection> {
        Ok(&Words("borrowed"))
    }
}

/// The topic's name.
#[derive(Debug)]
pub(crate) struct Topic(pub(crate) String);

impl FromRecord<'_> for Topic {
    fn from_record(cx: &RecordContext<'_>) -> Result<Self, Rejection> {
        Ok(Self(cx.topic().to_string()))
    }
}

/// Which delivery it is.
#[derive(Debug)]
pub(crate) struct Attempt(pub(crate) u32);

impl FromRecord<'_> for Attempt {
    fn from_record(cx: &RecordContext<'_>) -> Result<Self, Rejection> {
        Ok(Self(cx.attempt()))
    }
}

/// As `kafka_app`'s, since the attribute goes by the name.
#[derive(Debug)]
pub(crate) struct Batch<T>(pub(crate) Vec<T>);

impl<'r, T: FromRecord<'r>> FromBatch<'r> for Batch<T> {
    fn from_batch(cx: &BatchContext<'r>, rejected: &mut Vec<(usize, Rejection)>) -> Result<Self, Rejection> {
        let mut taken = Vec::new();
        for (index, record) in cx.records().iter().enumerate() {
            match T::from_record(record) {
                Ok(value) => taken.push(value),
                Err(rejection) => rejected.push((index, rejection)),
            }
        }
        Ok(Self(taken))
    }
}

/// A filter.
pub(crate) fn keep(record: &RawRecord) -> bool {
    record.payload().is_some()
}
