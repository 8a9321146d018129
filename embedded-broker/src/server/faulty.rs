//! What a fault that a test has set does to a connection.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::BufMut;

use super::connection::{Connection, Header};
use super::login::Next;
use super::transport::Handshake;
use crate::api::{self, Api, Delivery, Refusal, Reply};
use crate::cluster::Cluster;
use crate::error::ErrorCode;
use crate::fault::api_name;
use crate::fault::links::{Arrival, End, Message, Passage, Way};
use crate::fault::outcome::{Happening, InterceptedRequest, Outcome, Rewrite};
use crate::fault::rules::Asked;
use crate::fault::target::{Struck, Target};
use crate::security::sasl::login::{Expects, Login};

/// In front of each message.
const LENGTH_LEN: usize = 4;

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
        if !api.serves(header.version, &cluster.settings.ceilings) {
            return None;
        }
        let (client_id, body) = header.rest(api.key.request_header_version(header.version)).ok()?;
        Some(Self { api, header, client_id: client_id.unwrap_or_default(), body })
    }

    /// Begins the answer anew.
    fn begin(&self, reply: &mut Reply) {
        reply.clear();
        reply.begin_response(self.api.key, self.header.version, self.header.correlation_id);
    }

    /// Puts the response that says it failed in the place of whatever the reply holds.
    fn fail(&self, code: ErrorCode, reply: &mut Reply) -> Result<(), Refusal> {
        self.begin(reply);
        (self.api.fail)(self.header.version, self.body, code, &mut reply.head)
    }

    /// Where the body of its answer begins.
    fn answer_at(&self) -> usize {
        8 + usize::from(self.api.key.response_header_version(self.header.version) >= 1)
    }

    fn message(&self, way: Way, len: usize) -> Message<'a> {
        Message { client_id: self.client_id, way, len }
    }

    fn intercepted(&self, node_id: i32) -> Option<InterceptedRequest<'_>> {
        let Self { header, client_id, body, .. } = self;
        let api = api_name::Api::from_key(header.key)?;
        Some(InterceptedRequest { api, version: header.version, node_id, client_id, body })
    }
}

impl Passage {
    /// How a connection ends whose request does not arrive, or not whole.
    fn end(&self) -> Option<Next> {
        let torn = self.cut.map(|_| Next::ClosesAfter(Duration::ZERO));
        self.end.map(Next::from).or(torn)
    }
}

impl From<End> for Next {
    fn from(end: End) -> Self {
        match end {
            End::Hangs => Self::Hangs,
            End::Closes(time) => Self::ClosesAfter(time),
            End::Resets => Self::Resets,
        }
    }
}

/// What becomes of a request, once functions of tests were asked.
enum Happens {
    Outcome(Outcome, Target),
    Rewrite(Rewrite),
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
        let len = frame.len() + LENGTH_LEN;
        let there = cluster.faults.pass(request.message(Way::ToBroker, len), &mut self.meters);
        self.hold_for(there.time);
        if let Some(end) = there.end() {
            return Ok(end);
        }
        let next = self.answer_with_fault(&request, login, frame, reply)?;
        if !matches!(next, Next::GoesOn | Next::Refused) || reply.suppressed {
            return Ok(next);
        }
        let back = cluster.faults.pass(request.message(Way::ToClient, reply.len()), &mut self.meters);
        self.hold_for(back.time);
        (reply.delivery.slices, reply.delivery.cut) = (back.slices, back.cut);
        Ok(back.end.map_or(next, Next::from))
    }

    fn hold_for(&self, time: Duration) {
        if !time.is_zero() {
            self.hold(Some(self.door.cluster.clock.now().saturating_add(time)));
        }
    }

    /// Waits until the connection may be served, and says how its handshake goes; `None` if it is not served at all.
    pub(super) fn arrives(&self, number: u64) -> Option<Handshake> {
        let cluster = &self.door.cluster;
        if !cluster.faults.is_armed() {
            return Some(Handshake::Succeeds);
        }
        cluster.faults.gate.add(number, &self.waiter);
        let arrival = loop {
            match cluster.faults.arrive(cluster.open_connections.count()) {
                Arrival::Waits if !self.waiter.has_ended() => _ = self.waiter.wait(&cluster.clock, None),
                arrival => break arrival,
            }
        };
        cluster.faults.gate.remove(number);
        match arrival {
            Arrival::Taken => Some(Handshake::Succeeds),
            Arrival::HandshakeFails => Some(Handshake::Fails),
            Arrival::Refused | Arrival::Waits => None,
        }
    }

    /// Keeps the connection open for as long as a fault says.
    pub(super) fn close_late(&self) {
        let faults = &self.door.cluster.faults;
        if faults.is_armed() {
            self.hold_for(faults.close(self.known.client_id()));
        }
    }

    /// Ends the connection without an answer.
    pub(super) fn end(&mut self, end: Next, transport: &mut impl Read) -> io::Result<()> {
        match end {
            Next::Hangs => return hang(transport),
            Next::Resets => self.resets = true,
            Next::ClosesAfter(time) => self.hold_for(time),
            Next::GoesOn | Next::Refused => {}
        }
        Ok(())
    }

    /// Sends an answer twice, in pieces or in part.
    pub(super) fn deliver_oddly(&self, reply: &mut Reply, transport: &mut impl Write) -> io::Result<()> {
        if reply.suppressed {
            return Ok(());
        }
        let Delivery { twice, slices, cut } = reply.delivery;
        let mut bytes = reply.frame()?.to_vec();
        if twice {
            bytes.extend_from_within(..);
        }
        bytes.truncate(cut.unwrap_or(usize::MAX));
        let (len, pause) = slices.unwrap_or((bytes.len().max(1), Duration::ZERO));
        for piece in bytes.chunks(len) {
            transport.write_all(piece)?;
            transport.flush()?;
            self.hold_for(pause);
        }
        match cut {
            Some(limit) => Err(io::Error::other(format!("a fault lets {limit} bytes of an answer through"))),
            None => Ok(()),
        }
    }

    fn answer_with_fault(
        &mut self,
        request: &Request<'_>,
        login: Option<&mut Login>,
        frame: &[u8],
        reply: &mut Reply,
    ) -> Result<Next, Refusal> {
        let (outcome, target) = match self.what_happens(request)? {
            None => return self.answer_truly(login, frame, reply),
            Some(Happens::Outcome(outcome, target)) => (outcome, target),
            Some(Happens::Rewrite(rewrite)) => {
                let next = self.answer_truly(login, frame, reply)?;
                self.rewrite(request, &rewrite, reply);
                return Ok(next);
            }
        };
        let Request { api, header, client_id, .. } = request;
        let version = header.version;
        tracing::info!(key = ?api.key, version, client_id, ?outcome, "a fault that was set happens to a request");
        match outcome {
            Outcome::Error(code) | Outcome::ApplyThenError(code) if !target.is_everything() => {
                let applied = matches!(outcome, Outcome::ApplyThenError(_));
                self.struck = Some(Struck { target, code, applied });
                let next = self.answer_truly(login, frame, reply);
                self.struck = None;
                next
            }
            Outcome::Error(code) => request.fail(code, reply).map(|()| Next::GoesOn),
            Outcome::Answer(body) => {
                request.begin(reply);
                reply.head.put_slice(&body);
                Ok(Next::GoesOn)
            }
            Outcome::DisconnectBefore => Ok(Next::ClosesAfter(Duration::ZERO)),
            Outcome::Silence => Ok(Next::Hangs),
            Outcome::Delay(time) => {
                self.hold_for(time);
                self.answer_truly(login, frame, reply)
            }
            after => {
                let next = self.answer_truly(login, frame, reply)?;
                self.spoil(&after, request, next, reply)
            }
        }
    }

    /// What the faults that are set make of a request: functions of tests are asked here, without any lock.
    fn what_happens(&self, request: &Request<'_>) -> Result<Option<Happens>, Refusal> {
        let cluster = &self.door.cluster;
        let Request { api, header, client_id, body } = request;
        let (version, node_id) = (header.version, self.door.node_id);
        let look = cluster.faults.look_at_parts();
        let parts = if look { (api.parts)(cluster, version, body)? } else { Vec::new() };
        let asked = Asked { key: header.key, version, client_id, node_id, parts: &parts };
        let topics = cluster.topics();
        let mut after = None;
        while let Some(met) = cluster.faults.meet(&asked, after, &|id| topics.name_of(id)) {
            after = Some(met.rule);
            let outcome = match met.happening {
                Happening::Outcome(outcome) => outcome,
                Happening::Intercept(decide) => {
                    request.intercepted(node_id).map_or(Outcome::Pass, |request| decide(&request))
                }
                Happening::Rewrite(rewrite) => return Ok(Some(Happens::Rewrite(rewrite))),
            };
            if outcome != Outcome::Pass {
                return Ok(Some(Happens::Outcome(outcome, met.target)));
            }
        }
        Ok(None)
    }

    fn rewrite(&self, request: &Request<'_>, rewrite: &Rewrite, reply: &mut Reply) {
        let Some(intercepted) = request.intercepted(self.door.node_id).filter(|_| !reply.suppressed) else { return };
        let whole = reply.gather();
        let body = rewrite(&intercepted, whole.split_off(request.answer_at().min(whole.len())).to_vec());
        whole.put_slice(&body);
    }

    /// What becomes of a request that was served, and of its answer.
    fn spoil(
        &mut self,
        outcome: &Outcome,
        request: &Request<'_>,
        next: Next,
        reply: &mut Reply,
    ) -> Result<Next, Refusal> {
        let Request { api, header, .. } = request;
        let cluster = &self.door.cluster;
        match outcome {
            Outcome::ApplyThenError(code) => request.fail(*code, reply)?,
            Outcome::Throttle(time) => {
                api::hold_up(api.key, header.version, *time, cluster.clock.now(), reply);
            }
            Outcome::CorruptCrc if header.key == api_name::Api::Fetch.key() => {
                api::corrupt_crc(header.version, reply)?;
            }
            Outcome::Truncate(len) => {
                let kept = request.answer_at().saturating_add(*len);
                reply.gather().truncate(kept);
            }
            Outcome::WrongCorrelationId => {
                if let Some(id) = reply.gather().get_mut(4..8) {
                    id.copy_from_slice(&(header.correlation_id ^ i32::MAX).to_be_bytes());
                }
            }
            Outcome::Duplicate => reply.delivery.twice = true,
            Outcome::DisconnectAfter => return Ok(Next::ClosesAfter(Duration::ZERO)),
            Outcome::SilenceAfter => return Ok(Next::Hangs),
            _ => {}
        }
        Ok(next)
    }
}

/// Takes whatever comes and answers nothing, until the peer or the broker closes the connection.
fn hang(stream: &mut impl Read) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}
