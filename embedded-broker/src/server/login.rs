//! A connection whose client has to say who it is: its frames go to the login until that is done.

use std::time::Duration;

use bytes::{BufMut, Bytes};
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use uuid::Uuid;

use super::connection::{Connection, Header};
use crate::api::{self, Refusal, Reply};
use crate::cluster::Cluster;
use crate::protocol::{self, ApiKey};
use crate::security::principal::Principal;
use crate::security::sasl::exchange::Surroundings;
use crate::security::sasl::login::{Answer, Expects, Login};

/// What becomes of a connection after its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    GoesOn,
    /// The client is refused: it gets the answer when it has waited for it, and the connection is closed.
    Refused,
    /// It is closed after this time, without an answer: a fault that a test has set.
    ClosesAfter(Duration),
    /// It is reset: a fault that a test has set.
    Resets,
    /// It stays open, and nothing is answered on it any more: a fault that a test has set.
    Hangs,
}

/// Whether a frame is for the login; other frames are requests. A request of a client that should have logged in again is
/// refused.
pub(super) fn takes(login: &mut Login, frame: &[u8], now: crate::clock::Timestamp) -> Result<bool, Refusal> {
    if login.expects() != Expects::Requests {
        return Ok(true);
    }
    let is_handshake = frame.starts_with(&(ApiKey::SaslHandshake as i16).to_be_bytes());
    if is_handshake && login.may_begin_again(now) {
        return Ok(true);
    }
    if login.has_expired(now) {
        return Err(Refusal::without_blame("the client has not logged in again in time"));
    }
    Ok(false)
}

/// The lengths of the frames that a login takes next.
pub(super) fn frame_limits(login: &Login, max_receive: usize) -> Option<(usize, usize)> {
    match login.expects() {
        Expects::Requests => None,
        Expects::Tokens => Some((0, max_receive)),
        Expects::Handshake | Expects::Authenticate => Some((Header::LEN, max_receive)),
    }
}

impl Connection {
    /// Lets the login answer a frame.
    pub(super) fn log_in(&mut self, login: &mut Login, frame: &[u8], reply: &mut Reply) -> Result<Next, Refusal> {
        if login.expects() == Expects::Tokens {
            return self.bare_token(login, frame, reply);
        }
        let header = Header::read(frame)?;
        let again = login.expects() == Expects::Requests;
        match (ApiKey::try_from(header.key), login.expects()) {
            (Ok(ApiKey::ApiVersions), Expects::Handshake) if login.may_ask_versions() => {
                self.request(&header, reply)?;
                // The first field of the answer in every version, behind its length and the correlation id.
                if reply.head.get(8..10) == Some(&[0, 0]) {
                    login.versions_told();
                }
                Ok(Next::GoesOn)
            }
            (Ok(ApiKey::SaslHandshake), Expects::Handshake | Expects::Requests) => {
                handshake(&self.door.cluster, login, &header, reply)
            }
            (Ok(ApiKey::SaslAuthenticate), Expects::Authenticate) => self.authenticate(login, &header, reply),
            (Ok(key), Expects::Authenticate) => illegal(key, &header, reply),
            (key, _) => {
                debug_assert!(!again, "only a handshake begins a login again");
                Err(Refusal::new(format!("request {key:?} came before the client has logged in")))
            }
        }
    }

    /// Keeps a refused client waiting, so that guessing passwords takes time.
    pub(super) fn hold_back(&self) {
        let cluster = &self.door.cluster;
        self.hold(Some(cluster.clock.now() + cluster.settings.security.failed_delay));
    }

    /// A client that shook hands in version 0: tokens go to and fro without headers, and a refusal is told by silence.
    fn bare_token(&mut self, login: &mut Login, token: &[u8], reply: &mut Reply) -> Result<Next, Refusal> {
        match self.evaluate(login, token) {
            Ok(answer) => {
                reply.head.put_i32(0);
                reply.head.put_slice(&answer.token);
                Ok(Next::GoesOn)
            }
            Err(_) => {
                reply.suppressed = true;
                Ok(Next::Refused)
            }
        }
    }

    fn authenticate(&mut self, login: &mut Login, header: &Header<'_>, reply: &mut Reply) -> Result<Next, Refusal> {
        let request: SaslAuthenticateRequest = body(&self.door.cluster, ApiKey::SaslAuthenticate, header)?;
        let (next, response) = match self.evaluate(login, &request.auth_bytes) {
            Ok(answer) => (Next::GoesOn, api::sasl_authenticate::accepted(answer.token, answer.lifetime_ms)),
            Err(Some(why)) => (Next::Refused, api::sasl_authenticate::refused(why)),
            Err(None) => return Err(Refusal::new("a token came that leads to nothing")),
        };
        reply.begin_response(ApiKey::SaslAuthenticate, header.version, header.correlation_id);
        protocol::encode(&response, header.version, &mut reply.head)?;
        Ok(next)
    }

    fn evaluate(&mut self, login: &mut Login, token: &[u8]) -> Result<Answer, Option<String>> {
        let cluster = &self.door.cluster;
        let around = Surroundings {
            wall_ms: cluster.clock.wall_ms(),
            nonce: &|| format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
            credential: &|hash, user| cluster.scram.read().get(hash, user).cloned(),
        };
        let answer = login.token(token, cluster.clock.now(), &around)?;
        if let Some(name) = &answer.name {
            self.session.principal = Principal::user(name.as_str());
        }
        Ok(answer)
    }
}

fn handshake(cluster: &Cluster, login: &mut Login, header: &Header<'_>, reply: &mut Reply) -> Result<Next, Refusal> {
    let request: SaslHandshakeRequest = body(cluster, ApiKey::SaslHandshake, header)?;
    let agreed = login.handshake(&request.mechanism, header.version);
    reply.begin(header.correlation_id);
    let response = api::sasl_handshake::answer(agreed.is_ok(), login.mechanisms());
    protocol::encode(&response, header.version, &mut reply.head)?;
    Ok(if agreed.is_ok() { Next::GoesOn } else { Next::Refused })
}

/// As Kafka: a request that is none of the login's is answered before the connection is closed. Left out: answers to
/// requests that no client sends here.
fn illegal(key: ApiKey, header: &Header<'_>, reply: &mut Reply) -> Result<Next, Refusal> {
    reply.begin(header.correlation_id);
    match key {
        ApiKey::SaslHandshake => {
            protocol::encode(&api::sasl_handshake::illegal(), header.version, &mut reply.head)?;
        }
        ApiKey::ApiVersions => protocol::encode(&api::illegal_versions(), header.version, &mut reply.head)?,
        _ => return Err(Refusal::new(format!("Unexpected Kafka request of type {key:?} during SASL authentication."))),
    }
    Ok(Next::Refused)
}

fn body<T: protocol::Decodable>(cluster: &Cluster, key: ApiKey, header: &Header<'_>) -> Result<T, Refusal> {
    let version = header.version;
    if api::api(key as i16).is_none_or(|api| !api.serves(version, &cluster.settings.ceilings)) {
        return Err(Refusal::new(format!("version {version} of {key:?} is not served")));
    }
    let (_, body) = header.rest(key.request_header_version(version))?;
    Ok(protocol::decode(&Bytes::copy_from_slice(body), version)?)
}
