//! [`WireError`]: why no answer came, or which error it told.

use std::{fmt, time::Duration};

use kafka_protocol::protocol::StrBytes;

use super::error_codes::ErrorCode;

/// An error that a broker told, with its words if it had any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KafkaError {
    code: ErrorCode,
    message: Option<String>,
}

impl KafkaError {
    /// `Ok` for code 0.
    ///
    /// # Errors
    /// The error that the code and the broker's words stand for.
    pub(crate) fn check(code: i16, message: Option<&StrBytes>) -> Result<(), Self> {
        match ErrorCode::of(code) {
            None => Ok(()),
            Some(code) => Err(Self { code, message: message.map(|message| message.as_str().to_owned()) }),
        }
    }

    /// The same error in other words.
    pub(crate) fn in_words(self, message: String) -> Self {
        Self { message: Some(message), ..self }
    }

    /// The code on the wire.
    pub(crate) fn code(&self) -> i16 {
        self.code.code()
    }

    /// The Java class, with its package, as `org.apache.kafka.common.errors.TopicExistsException`.
    pub(crate) fn exception(&self) -> String {
        self.code.exception()
    }

    /// The broker's words, or those of Java clients for its code.
    pub(crate) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_else(|| self.code.message())
    }

    /// Whether asking again, perhaps another broker, may help.
    pub(crate) fn is_retriable(&self) -> bool {
        self.code.is_retriable()
    }
}

/// As Java prints an exception: class and message.
impl fmt::Display for KafkaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.exception(), self.message())
    }
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WireError {
    /// The broker answered with an error.
    Kafka(KafkaError),
    /// What was asked for cannot be, as Java's `IllegalArgumentException` says.
    Illegal(String),
    /// A property of the client is wrong.
    Settings(String),
    /// The broker does not know the request, or not in a version that this program knows.
    Unsupported { request: String },
    /// The login was refused.
    Login(String),
    /// A certificate was refused, or what is spoken there is not TLS.
    Tls(String),
    /// Nobody answered in time.
    TimedOut { call: String, within: Duration, last: Option<String> },
    /// The connection failed, or what came was not an answer.
    Broken { node: String, problem: String },
}

impl WireError {
    pub(crate) fn is_retriable(&self) -> bool {
        match self {
            Self::Kafka(error) => error.is_retriable(),
            Self::Broken { .. } => true,
            Self::Illegal(_)
            | Self::Settings(_)
            | Self::Unsupported { .. }
            | Self::Login(_)
            | Self::Tls(_)
            | Self::TimedOut { .. } => false,
        }
    }

    /// The Java class that a Java client throws for it, with its package.
    pub(crate) fn exception(&self) -> String {
        let simple = match self {
            Self::Kafka(error) => return error.exception(),
            Self::Illegal(_) => return "java.lang.IllegalArgumentException".to_owned(),
            Self::Settings(_) => return "org.apache.kafka.common.KafkaException".to_owned(),
            Self::Unsupported { .. } => "UnsupportedVersionException",
            Self::Login(_) => "SaslAuthenticationException",
            Self::Tls(_) => "SslAuthenticationException",
            Self::TimedOut { .. } => "TimeoutException",
            Self::Broken { .. } => "DisconnectException",
        };
        format!("org.apache.kafka.common.errors.{simple}")
    }

    /// What a Java client says, without its class.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Kafka(error) => error.message().to_owned(),
            Self::Illegal(problem) | Self::Settings(problem) | Self::Login(problem) | Self::Tls(problem) => {
                problem.clone()
            }
            Self::Unsupported { request } => format!("The node does not support {request}"),
            Self::TimedOut { call, .. } => format!("Timed out waiting for a node assignment. Call: {call}"),
            Self::Broken { node, problem } => format!("{node}: {problem}"),
        }
    }
}

impl From<KafkaError> for WireError {
    fn from(error: KafkaError) -> Self {
        Self::Kafka(error)
    }
}

/// As Java prints an exception: class and message.
impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.exception(), self.message())
    }
}

impl WireError {
    /// What it was that did not pass until the time was over, as Java does not tell it.
    pub(crate) fn last(&self) -> Option<&str> {
        match self {
            Self::TimedOut { last, .. } => last.as_deref(),
            _ => None,
        }
    }
}

impl std::error::Error for WireError {}
