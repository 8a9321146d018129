//! What becomes of a request that a fault meets.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::api_name::Api;
use crate::error::ErrorCode;

/// What becomes of a request that a fault meets. The verbs of [`FaultBuilder`](crate::FaultBuilder) are these; by name they
/// come in a row ([`in_turn`](crate::FaultBuilder::in_turn)), or from a function
/// ([`intercept`](crate::FaultBuilder::intercept)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing happens: it is served, unless a later fault is for it.
    Pass,
    /// It is not served; its answer has the code wherever clients look for it. A fault that is for some of its topics,
    /// partitions, groups or transactional ids leaves the others alone: they are served.
    Error(ErrorCode),
    /// It is served, and its answer has the code all the same.
    ApplyThenError(ErrorCode),
    /// It is not served; this is the body of its answer, as its version has it.
    Answer(Vec<u8>),
    /// It is served after this time of the broker's clock.
    Delay(Duration),
    /// It is not served, and its connection is closed.
    DisconnectBefore,
    /// It is served, and its connection is closed before the answer.
    DisconnectAfter,
    /// It is not served, and nothing is answered on its connection any more.
    Silence,
    /// It is served, and nothing is answered on its connection any more.
    SilenceAfter,
    /// It is served; the answer says that the client has used up its quota, and nothing is read from it for this time.
    Throttle(Duration),
    /// It is served; batches that a fetch brings do not match their checksums.
    CorruptCrc,
    /// It is served; the body of the answer ends after so many bytes.
    Truncate(usize),
    /// It is served; the answer says that it is one to another request.
    WrongCorrelationId,
    /// It is served, and answered twice.
    Duplicate,
}

/// A request as a function of a test is shown it, before it is served or before it is answered.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct InterceptedRequest<'a> {
    /// What is asked.
    pub api: Api,
    /// In which version.
    pub version: i16,
    /// The node that is asked.
    pub node_id: i32,
    /// The client's `client.id`; empty if it has none.
    pub client_id: &'a str,
    /// What follows the header, to be read with a codec of Kafka's messages.
    pub body: &'a [u8],
}

/// Decides what becomes of each request.
pub(crate) type Intercept = Arc<dyn Fn(&InterceptedRequest<'_>) -> Outcome + Send + Sync>;
/// Makes another answer of each.
pub(crate) type Rewrite = Arc<dyn Fn(&InterceptedRequest<'_>, Vec<u8>) -> Vec<u8> + Send + Sync>;

/// What a rule does to the requests it meets.
#[derive(Clone)]
pub(super) enum Effect {
    Always(Outcome),
    /// One after the other; nothing more when there are none left.
    InTurn(VecDeque<Outcome>),
    Intercept(Intercept),
    Rewrite(Rewrite),
}

/// What a rule does to one request.
#[derive(Clone)]
pub(crate) enum Happening {
    Outcome(Outcome),
    Intercept(Intercept),
    Rewrite(Rewrite),
}

impl Effect {
    /// What happens to the next request; `None` if nothing does any more.
    pub(super) fn next(&mut self) -> Option<Happening> {
        match self {
            Self::Always(outcome) => Some(Happening::Outcome(outcome.clone())),
            Self::InTurn(outcomes) => outcomes.pop_front().map(Happening::Outcome),
            Self::Intercept(ask) => Some(Happening::Intercept(Arc::clone(ask))),
            Self::Rewrite(rewrite) => Some(Happening::Rewrite(Arc::clone(rewrite))),
        }
    }

    pub(super) fn is_spent(&self) -> bool {
        matches!(self, Self::InTurn(outcomes) if outcomes.is_empty())
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always(outcome) => outcome.fmt(f),
            Self::InTurn(outcomes) => f.debug_list().entries(outcomes).finish(),
            Self::Intercept(_) => f.write_str("Intercept"),
            Self::Rewrite(_) => f.write_str("Rewrite"),
        }
    }
}

impl fmt::Debug for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome(outcome) => outcome.fmt(f),
            Self::Intercept(_) => f.write_str("Intercept"),
            Self::Rewrite(_) => f.write_str("Rewrite"),
        }
    }
}
