//! Who a client is.

use std::fmt;
use std::sync::Arc;

/// A principal as Kafka's: a type, which is `User` for all that log in, and a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Principal {
    pub(crate) kind: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl Principal {
    pub(crate) fn user(name: impl Into<Arc<str>>) -> Self {
        Self { kind: Arc::from("User"), name: name.into() }
    }

    /// Whoever comes without saying who they are.
    pub(crate) fn anonymous() -> Self {
        Self::user("ANONYMOUS")
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}
