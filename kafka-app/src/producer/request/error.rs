//! [`RequestError`]: why a request got no answer.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use super::correlation::CorrelationId;
use crate::{
    error::{Error, ErrorKind},
    producer::SendError,
};

/// Why a request got no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestError {
    /// Nothing was asked, or no reply can come any more: there is no topic for replies, it cannot be read, or the
    /// application stops.
    Unavailable(Error),
    /// The request was not sent; the error holds its record.
    NotSent(SendError),
    /// Not enough replies came in time.
    Timeout(RequestTimeout),
    /// A reply came that is no value of the type that was asked for.
    BadReply(Error),
}

/// A request that was not answered in time. Whether it was handled is unknown: a reply that comes later is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestTimeout {
    /// Where the request was sent.
    pub topic: Arc<str>,
    /// Its id, as in the header `kafka_correlationId`.
    pub correlation_id: CorrelationId,
    /// How long it was waited for.
    pub waited: Duration,
    /// Replies that did come; they were not enough.
    pub n_replies: usize,
}

impl RequestError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(error) | Self::BadReply(error) => error.kind(),
            Self::NotSent(error) => error.kind(),
            Self::Timeout(_) => ErrorKind::Timeout,
        }
    }
}

impl fmt::Display for RequestTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, correlation_id, waited, n_replies } = self;
        write!(f, "request {correlation_id} to `{topic}` was not answered within {waited:?}")?;
        match n_replies {
            0 => Ok(()),
            n => write!(f, "; {n} replies came, which are not enough"),
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(error) | Self::BadReply(error) => error.fmt(f),
            Self::NotSent(error) => error.fmt(f),
            Self::Timeout(timeout) => timeout.fmt(f),
        }
    }
}

impl StdError for RequestTimeout {}

impl StdError for RequestError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unavailable(error) | Self::BadReply(error) => error.source(),
            Self::NotSent(error) => error.source(),
            Self::Timeout(_) => None,
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Unavailable(error) | RequestError::BadReply(error) => error,
            RequestError::NotSent(error) => error.into(),
            RequestError::Timeout(timeout) => Self::new(ErrorKind::Timeout, timeout.to_string()),
        }
    }
}
