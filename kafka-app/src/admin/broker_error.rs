//! [`BrokerError`]: what a broker says of one thing it was asked to do.

use std::{borrow::Cow, collections::BTreeMap, error::Error as StdError, fmt};

use super::codes;
use crate::error::{Error, ErrorKind};

/// What became of each of the things that one call was about: some may fail, and the others not.
pub type PerItem<K, T> = BTreeMap<K, Result<T, BrokerError>>;

/// Why a broker did not do what it was asked for: Kafka's code and its name, and the broker's words.
///
/// It becomes an [`Error`] of kind [`ErrorKind::Refused`] by `?`.
///
/// ```
/// # use kafka_app::admin::AdminClient;
/// # async fn example(admin: AdminClient) -> kafka_app::Result<()> {
/// for (topic, deleted) in admin.delete_topics(["orders", "invoices"]).await? {
///     match deleted {
///         Ok(()) => println!("{topic} is deleted"),
///         Err(error) if error.name() == "UNKNOWN_TOPIC_OR_PARTITION" => println!("there was no {topic}"),
///         Err(error) => return Err(error.into()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerError {
    code: i16,
    name: Cow<'static, str>,
    message: String,
}

impl BrokerError {
    /// `local_name` is that of a code of the client's own.
    pub(crate) fn new(code: i16, local_name: Option<&str>, message: impl Into<String>) -> Self {
        let name = match (codes::name(code), local_name) {
            (Some(name), _) => Cow::Borrowed(name),
            (None, Some(name)) => Cow::Owned(name.to_owned()),
            (None, None) => Cow::Owned(format!("CODE_{code}")),
        };
        Self { code, name, message: message.into() }
    }

    /// No answer came.
    pub(crate) fn timed_out() -> Self {
        Self::new(-185, Some("_TIMED_OUT"), "no answer came in time")
    }

    /// A partition that a topic of so many does not have.
    pub(crate) fn unknown_partition(n_partitions: usize) -> Self {
        Self::new(3, None, format!("the topic has {n_partitions} partitions"))
    }

    /// A partition that nobody leads now.
    pub(crate) fn no_leader() -> Self {
        Self::new(5, None, "the partition has no leader now")
    }

    /// Kafka's number of it; below -1 it is one of the client's own.
    #[must_use]
    pub fn code(&self) -> i16 {
        self.code
    }

    /// Kafka's name of it: `UNKNOWN_TOPIC_OR_PARTITION`. One that the client says by itself begins with `_`: `_TIMED_OUT`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the broker says of it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        codes::is_retriable(&self.name)
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        codes::advice(&self.name)
    }

    /// Whether no broker was reached, or none answered in time.
    pub(crate) fn is_of_connection(&self) -> bool {
        matches!(&*self.name, "_TIMED_OUT" | "_TIMED_OUT_QUEUE" | "_TRANSPORT" | "_ALL_BROKERS_DOWN" | "_RESOLVE")
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)?;
        match self.advice() {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

impl StdError for BrokerError {}

impl From<BrokerError> for Error {
    fn from(error: BrokerError) -> Self {
        let kind = if error.is_of_connection() { ErrorKind::Unavailable } else { ErrorKind::Refused };
        Self::new(kind, "the cluster refused").with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_with_kafkas_name_the_brokers_words_and_what_to_do() {
        let error = BrokerError::new(54, None, "No Authorizer is configured.");
        let told = "SECURITY_DISABLED: No Authorizer is configured. \
                    (the cluster checks no rights: set `authorizer.class.name` on its nodes)";
        assert_eq!(error.to_string(), told);
        let error = Error::from(error);
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(error.to_string(), format!("the cluster refused: {told}"));
        assert_eq!(error.broker_error().map(BrokerError::code), Some(54));
    }

    #[test]
    fn codes_of_the_client_and_of_a_later_kafka_have_names_too() {
        let timed_out = BrokerError::new(-185, Some("_TIMED_OUT"), "Local: Timed out");
        assert!(timed_out.is_retriable() && timed_out.is_of_connection());
        assert_eq!(Error::from(timed_out).kind(), ErrorKind::Unavailable);
        assert_eq!(BrokerError::new(999, None, "").name(), "CODE_999");
    }
}
