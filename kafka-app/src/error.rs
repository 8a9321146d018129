//! The crate's one error.

use std::{error::Error as StdError, fmt};

use crate::admin::BrokerError;

/// What this crate's fallible functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Anything that keeps the framework from doing what it was told, with the place and the cure in its text.
///
/// It is opaque; [`Error::kind`] says what a caller can do about it.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Configuration or declarations are wrong: mend them and start again.
    Config,
    /// The broker cannot be reached or does not answer in time: try again later.
    Unavailable,
    /// Nobody answered a request in time: whether it was handled is unknown.
    Timeout,
    /// The broker refused: the text says what.
    Refused,
    /// Brokers refuse this client's name or password, or its mechanism: mend them, trying again comes to the same (Kafka's
    /// `SaslAuthenticationException`).
    SaslAuthentication,
    /// Brokers refuse this client's certificate, or it refuses theirs: mend the stores, trying again comes to the same
    /// (Kafka's `SslAuthenticationException`).
    SslAuthentication,
    /// A listener stopped by itself: the text says which and why.
    Listener,
    /// A listener stopped since too many of its records would have become dead letters: no restart policy starts it again.
    DeadLetterBrake,
    /// The application is stopping or has stopped.
    Stopped,
    /// Bytes could not be made of a value, or a value of bytes.
    Codec,
}

impl Error {
    /// An error of a kind with a text; for framework extensions.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether a login or a certificate is refused.
    ///
    /// ```
    /// use kafka_app::{Error, ErrorKind};
    ///
    /// assert!(Error::new(ErrorKind::SslAuthentication, "certificate verify failed").is_authentication());
    /// assert!(!Error::new(ErrorKind::Refused, "the topic does not exist").is_authentication());
    /// ```
    #[must_use]
    pub fn is_authentication(&self) -> bool {
        matches!(self.kind(), ErrorKind::SaslAuthentication | ErrorKind::SslAuthentication)
    }

    /// What a broker said, if it is about that.
    #[must_use]
    pub fn broker_error(&self) -> Option<&BrokerError> {
        self.0.source.as_deref().and_then(|source| source.downcast_ref())
    }

    /// Many mistakes as one configuration error, each on a line of its own.
    pub(crate) fn config_list(mistakes: &[String]) -> Self {
        let head = match mistakes.len() {
            1 => "1 mistake in the configuration".to_owned(),
            n => format!("{n} mistakes in the configuration"),
        };
        let list = mistakes.iter().map(|m| format!("\n  - {m}")).collect::<String>();
        Self::new(ErrorKind::Config, format!("{head}:{list}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    /// As `Display`, with the kind: `main` prints errors with `Debug`, and a list of mistakes must stay readable there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.0.kind)
    }
}

impl StdError for Error {
    /// What lies below the cause that `Display` already tells, so that a chain printed by others repeats nothing.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().and_then(|e| e.source())
    }
}
