//! What all mechanisms have in common: tokens in, tokens out, until the client is known or refused.

use super::oauthbearer::OAuthBearer;
use super::plain::{self, Users};
use super::scram::ScramServer;
use super::scram::credentials::ScramCredential;

/// What one token of the client led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The client has to answer this.
    Challenge(Vec<u8>),
    /// The client is who it says.
    Done(Proven),
}

/// A client that has proven who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Proven {
    pub(crate) name: String,
    /// The last word of the conversation, which may be empty.
    pub(crate) token: Vec<u8>,
    /// When the proof loses its worth, in milliseconds since 1970.
    pub(crate) expires_ms: Option<i64>,
}

/// Why a client is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The client is told this.
    Told(String),
    /// The client is told no more than that its credentials are not valid: it must not learn, for example, which users
    /// there are. The reason is for our log.
    Hidden(String),
}

impl Failure {
    pub(crate) fn told(why: impl Into<String>) -> Self {
        Self::Told(why.into())
    }

    pub(crate) fn hidden(why: impl Into<String>) -> Self {
        Self::Hidden(why.into())
    }
}

/// What a conversation needs from outside.
pub(crate) struct Surroundings<'a> {
    pub(crate) wall_ms: i64,
    /// A random text that was never used before.
    pub(crate) nonce: &'a dyn Fn() -> String,
    /// The SCRAM credential of a user for the mechanism of this conversation.
    pub(crate) credential: &'a dyn Fn(super::scram::ScramHash, &str) -> Option<ScramCredential>,
}

/// The conversation of one mechanism.
#[derive(Debug)]
pub(crate) enum Exchange {
    Plain(std::sync::Arc<Users>),
    Scram(Box<ScramServer>),
    OAuthBearer(Box<OAuthBearer>),
}

impl Exchange {
    /// Takes the client's next token.
    ///
    /// # Errors
    ///
    /// When the client is refused; the conversation is over then.
    pub(crate) fn evaluate(&mut self, token: &[u8], around: &Surroundings<'_>) -> Result<Step, Failure> {
        match self {
            Self::Plain(users) => plain::evaluate(users, token),
            Self::Scram(server) => server.evaluate(token, around),
            Self::OAuthBearer(server) => server.evaluate(token, around.wall_ms),
        }
    }
}
