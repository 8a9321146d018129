//! The order of things while a client logs in, and when it does so again. As Kafka's `SaslServerAuthenticator`.
//!
//! ```text
//! Started ── ApiVersions ─▶ Versions told ─┐
//!    └──────────── SaslHandshake ──────────┴─▶ Talking ── SaslAuthenticate … ─▶ In
//! In ── SaslHandshake, if sessions end ─▶ Talking (or BadMechanism)
//! ```
//!
//! A refused client's connection is closed after the answer, if there is one.

use std::sync::Arc;
use std::time::Duration;

use super::exchange::{Exchange, Failure, Proven, Step, Surroundings};
use super::mechanism::Mechanism;
use super::settings::SaslSettings;
use crate::clock::Timestamp;

/// A client cannot log in again more often than this.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum State {
    /// Nothing has come, or versions were asked for in vain.
    Started,
    /// Versions have been told: a handshake must follow.
    VersionsTold,
    /// The mechanism is agreed on.
    Talking { mechanism: Mechanism, exchange: Exchange, framed: bool },
    /// A client that was in wants to change its mechanism: its next frame closes the connection.
    BadMechanism,
    /// The client is known.
    In,
}

/// What a client was known as before it logs in again; neither may change.
#[derive(Debug, Clone)]
struct Known {
    name: String,
    mechanism: Mechanism,
}

/// One connection's login.
#[derive(Debug)]
pub(crate) struct Login {
    settings: Arc<SaslSettings>,
    state: State,
    known: Option<Known>,
    /// When the client must have logged in again.
    session_ends: Option<Timestamp>,
    again_from: Option<Timestamp>,
}

/// What a connection expects next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expects {
    /// ApiVersions, if they have not been told, or SaslHandshake.
    Handshake,
    /// Bare tokens, each with its length in front: the handshake was of version 0.
    Tokens,
    /// SaslAuthenticate.
    Authenticate,
    /// Whatever a client may ask for.
    Requests,
}

/// Our answer to a token of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) token: Vec<u8>,
    /// How long the session lasts: of a login that is complete, unless it lasts for ever.
    pub(crate) lifetime_ms: i64,
    /// Who the client is, once it is known.
    pub(crate) name: Option<String>,
}

impl Login {
    pub(crate) fn new(settings: Arc<SaslSettings>) -> Self {
        Self { settings, state: State::Started, known: None, session_ends: None, again_from: None }
    }

    pub(crate) fn expects(&self) -> Expects {
        match &self.state {
            State::Started | State::VersionsTold => Expects::Handshake,
            State::Talking { framed: false, .. } => Expects::Tokens,
            State::Talking { framed: true, .. } | State::BadMechanism => Expects::Authenticate,
            State::In => Expects::Requests,
        }
    }

    /// Whether versions may be asked for: once, and not after the handshake.
    pub(crate) fn may_ask_versions(&self) -> bool {
        matches!(self.state, State::Started)
    }

    pub(crate) fn versions_told(&mut self) {
        self.state = State::VersionsTold;
    }

    /// The mechanisms that are offered.
    pub(crate) fn mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        self.settings.mechanisms()
    }

    /// Agrees on a mechanism. A client that does so in version 0 sends bare tokens.
    ///
    /// # Errors
    ///
    /// When the mechanism is not offered.
    pub(crate) fn handshake(&mut self, mechanism: &str, version: i16) -> Result<(), ()> {
        let asked: Mechanism = mechanism.parse()?;
        let exchange = self.settings.exchange(asked).ok_or(())?;
        self.state = match &self.known {
            Some(known) if known.mechanism != asked => {
                let was = known.mechanism;
                tracing::debug!(%asked, %was, "a client wants to change its mechanism when it logs in again");
                State::BadMechanism
            }
            _ => State::Talking { mechanism: asked, exchange, framed: version >= 1 },
        };
        Ok(())
    }

    /// Whether a client that is known may log in again now, by a handshake.
    pub(crate) fn may_begin_again(&mut self, now: Timestamp) -> bool {
        if self.session_ends.is_none() || self.again_from.is_some_and(|from| now < from) {
            return false;
        }
        self.again_from = Some(now + AGAIN_AFTER);
        true
    }

    /// Whether the client should have logged in again by now.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        self.session_ends.is_some_and(|end| now > end)
    }

    /// Takes a token of the client.
    ///
    /// # Errors
    ///
    /// When the client is refused. `None` closes the connection without an answer.
    pub(crate) fn token(
        &mut self,
        token: &[u8],
        now: Timestamp,
        around: &Surroundings<'_>,
    ) -> Result<Answer, Option<String>> {
        let State::Talking { mechanism, exchange, .. } = &mut self.state else {
            return Err(None);
        };
        let mechanism = *mechanism;
        match exchange.evaluate(token, around) {
            Ok(Step::Challenge(token)) => Ok(Answer { token, lifetime_ms: 0, name: None }),
            Ok(Step::Done(proven)) => self.let_in(mechanism, proven, now, around.wall_ms).map_err(Some),
            Err(Failure::Told(why)) => Err(Some(why)),
            Err(Failure::Hidden(why)) => {
                tracing::debug!(%mechanism, why, "a client is refused");
                let what = if self.known.is_some() { "re-authentication" } else { "authentication" };
                Err(Some(format!(
                    "Authentication failed during {what} due to invalid credentials with SASL mechanism {mechanism}"
                )))
            }
        }
    }

    fn let_in(&mut self, mechanism: Mechanism, proven: Proven, now: Timestamp, wall_ms: i64) -> Result<Answer, String> {
        let Proven { name, token, expires_ms } = proven;
        if let Some(known) = self.known.as_ref().filter(|known| known.name != name) {
            let old = &known.name;
            return Err(format!("Cannot change principals during re-authentication from User.{old}: User.{name}"));
        }
        let by_config = self.settings.max_reauth(mechanism);
        let by_proof = expires_ms.map(|expires| Duration::from_millis(u64::try_from(expires - wall_ms).unwrap_or(0)));
        let lifetime = [by_config, by_proof].into_iter().flatten().min();
        self.session_ends = lifetime.map(|lifetime| now + lifetime);
        self.known = Some(Known { name: name.clone(), mechanism });
        self.state = State::In;
        let lifetime_ms = lifetime.map_or(0, |lifetime| i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX));
        Ok(Answer { token, lifetime_ms, name: Some(name) })
    }
}

#[cfg(test)]
mod tests;
