//! What a fault that a test has set does to a connection.

use std::io::{self, Read};
use std::sync::Arc;

use super::connection::{Connection, Header};
use super::login::Next;
use crate::api::{self, Api, Refusal, Reply};
use crate::cluster::Cluster;
use crate::error::ErrorCode;
use crate::fault::rules::{Asked, Outcome};
use crate::security::sasl::login::{Expects, Login};

/// A request that a fault can be for: one that is served, in its version.
pub(super) struct Request<'a> {
    pub(super) api: &'static Api,
    pub(super) header: Header<'a>,
    pub(super) client_id: &'a str,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    /// `None` for a bare token, and for what is closed or refused without being looked at.
    pub(super) fn read(cluster: &Cluster, login: Option<&Login>, frame: &'a [u8]) -> Option<Self> {
        if login.is_some_and(|login| login.expects() == Expects::Tokens) {
            return None;
        }
        let header = Header::read(frame).ok()?;
        let api = api::api(header.key)?;
        if !cluster.settings.ceilings.serves(api, header.version) {
            return None;
        }
        let (client_id, body) = header.rest(api.key.request_header_version(header.version)).ok()?;
        Some(Self { api, header, client_id: client_id.unwrap_or_default(), body })
    }

    /// Puts the response that says it failed in the place of whatever the reply holds.
    fn fail(&self, code: ErrorCode, reply: &mut Reply) -> Result<(), Refusal> {
        reply.clear();
        reply.begin_response(self.api.key, self.header.version, self.header.correlation_id);
        (self.api.fail)(self.header.version, self.body, code, &mut reply.head)
    }
}

impl Connection {
    /// Answers a request by the way its client has, and with the fault that is for it, if there is one.
    pub(super) fn answer_faulty(
        &mut self,
        login: Option<&mut Login>,
        frame: &[u8],
        reply: &mut Reply,
    ) -> Result<Next, Refusal> {
        let cluster = Arc::clone(&self.door.cluster);
        let Some(request) = Request::read(&cluster, login.as_deref(), frame) else {
            return self.answer_truly(login, frame, reply);
        };
        if cluster.faults.condition(request.client_id).is_half_open {
            return Ok(Next::Hangs);
        }
        let next = self.answer_with_fault(&request, login, frame, reply)?;
        // Asked again: what the way is like may have changed while the request waited.
        let condition = cluster.faults.condition(request.client_id);
        if condition.is_half_open {
            return Ok(Next::Hangs);
        }
        let time = condition.time_for(frame.len() + reply.len());
        if !time.is_zero() {
            self.hold(Some(cluster.clock.now().saturating_add(time)));
        }
        Ok(next)
    }

    fn answer_with_fault(
        &mut self,
        request: &Request<'_>,
        login: Option<&mut Login>,
        frame: &[u8],
        reply: &mut Reply,
    ) -> Result<Next, Refusal> {
        let Request { api, header, client_id, .. } = request;
        let (key, version, node_id) = (header.key, header.version, self.door.node_id);
        let Some(outcome) = self.door.cluster.faults.meet(&Asked { key, version, client_id, node_id }) else {
            return self.answer_truly(login, frame, reply);
        };
        tracing::info!(key = ?api.key, version, client_id, ?outcome, "a fault that was set happens to a request");
        match outcome {
            Outcome::Error(code) => {
                request.fail(code, reply)?;
                Ok(Next::GoesOn)
            }
            Outcome::DisconnectBefore => Ok(Next::Closes),
            Outcome::Silence => Ok(Next::Hangs),
            Outcome::Delay(time) => {
                self.hold(Some(self.door.cluster.clock.now().saturating_add(time)));
                self.answer_truly(login, frame, reply)
            }
            Outcome::ApplyThenError(_)
            | Outcome::DisconnectAfter
            | Outcome::SilenceAfter
            | Outcome::Throttle(_)
            | Outcome::CorruptCrc => {
                let next = self.answer_truly(login, frame, reply)?;
                self.spoil(outcome, request, next, reply)
            }
        }
    }

    /// What becomes of a request that was served, and of its answer.
    fn spoil(&self, outcome: Outcome, request: &Request<'_>, next: Next, reply: &mut Reply) -> Result<Next, Refusal> {
        let Request { api, header, .. } = request;
        let cluster = &self.door.cluster;
        match outcome {
            Outcome::ApplyThenError(code) => request.fail(code, reply)?,
            Outcome::Throttle(time) => {
                api::hold_up(api.key, header.version, time, cluster.clock.now(), reply);
            }
            Outcome::CorruptCrc => api::corrupt_crc(header.version, reply)?,
            Outcome::DisconnectAfter => return Ok(Next::Closes),
            Outcome::SilenceAfter => return Ok(Next::Hangs),
            Outcome::Error(_) | Outcome::DisconnectBefore | Outcome::Silence | Outcome::Delay(_) => {}
        }
        Ok(next)
    }
}

/// Takes whatever comes and answers nothing, until the peer or the broker closes the connection.
pub(super) fn hang(stream: &mut impl Read) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}
