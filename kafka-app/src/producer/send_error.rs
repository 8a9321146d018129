//! [`SendError`]: why a record was not sent, with the record.

use std::{error::Error as StdError, fmt};

use crate::{
    error::{Error, ErrorKind},
    record::ProducerRecord,
};

/// A record that was not acknowledged, and why; the record comes back so that it can be sent again or kept.
///
/// Whether the broker has it all the same is unknown after a timeout, and where librdkafka takes it for written without
/// knowing its offset (both are [`ErrorKind::Unavailable`]): an idempotent producer does not append a record twice by its
/// own retries, but a record sent again by hand is another record. `docs/librdkafka.md` has the exceptions.
pub struct SendError(Box<(ProducerRecord, Error)>);

impl SendError {
    pub(crate) fn new(record: ProducerRecord, error: Error) -> Self {
        Self(Box::new((record, error)))
    }

    /// The record as it would have gone out: encoded, with its topic.
    #[must_use]
    pub fn record(&self) -> &ProducerRecord {
        &self.0.0
    }

    /// Why it was not sent.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.1
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.error().kind()
    }

    /// The record and the reason.
    #[must_use]
    pub fn into_parts(self) -> (ProducerRecord, Error) {
        *self.0
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl fmt::Debug for SendError {
    /// Shows the reason and sizes, never contents: payloads do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.record();
        f.debug_struct("SendError")
            .field("error", self.error())
            .field("topic", &record.topic)
            .field("payload_len", &record.payload.as_ref().map(bytes::Bytes::len))
            .finish_non_exhaustive()
    }
}

impl StdError for SendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error().source()
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        error.into_parts().1
    }
}
