//! One connection: reads a request, has it answered, writes the answer; one at a time and in order, as Kafka does.

use std::cell::Cell;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use bytes::{Buf, BufMut, BytesMut};

use super::Door;
use super::frame::FrameReader;
use super::login::{self, Next};
use super::socket::Socket;
use super::transport::{Handshake, Transport};
use crate::api::{self, Delivery, Refusal, Reply, RequestContext};
use crate::clock::{Timestamp, Waiter};
use crate::fault::links::Meters;
use crate::fault::target::Struck;
use crate::inspect::violations::Violation;
use crate::open_connections::OpenConnection;
use crate::protocol::ApiKey;
use crate::security::sasl::login::Login;
use crate::security::session::Session;

/// What a connection keeps to write its next answer into.
const KEPT: usize = 1 << 20;

pub(super) struct Connection {
    pub(super) door: Arc<Door>,
    pub(super) session: Session,
    pub(super) peer: SocketAddr,
    pub(super) waiter: Arc<Waiter>,
    /// What a fault makes of some of what the present request asks.
    pub(super) struck: Option<Struck>,
    /// As those see it who look at connections.
    pub(super) known: Arc<OpenConnection>,
    /// What limits of the network have counted.
    pub(super) meters: Meters,
    /// Its end is a reset.
    pub(super) resets: bool,
}

impl Connection {
    pub(super) fn new(
        door: Arc<Door>,
        session: Session,
        peer: SocketAddr,
        waiter: Arc<Waiter>,
        known: Arc<OpenConnection>,
    ) -> Self {
        let (struck, meters, resets) = (None, Meters::default(), false);
        Self { door, session, peer, waiter, struck, known, meters, resets }
    }

    /// Serves requests until the peer closes the connection, breaks the protocol, or the broker stops.
    pub(super) fn run(&mut self, socket: Socket, handshake: Handshake, login: Option<Login>) {
        let opened = Transport::open(socket, &self.door.listener, handshake);
        let served = opened.and_then(|(mut transport, principal)| {
            self.session.principal = principal.unwrap_or_else(|| self.session.principal.clone());
            // A mistake of ours costs its connection, which is closed, and nobody else.
            let served = panic::catch_unwind(AssertUnwindSafe(|| self.serve(&mut transport, login)));
            self.close_late();
            if self.resets {
                transport.reset();
            } else {
                transport.close();
            }
            served.unwrap_or_else(|_| {
                tracing::error!(peer = %self.peer, "serving a connection of the embedded broker has panicked");
                Err(io::Error::other("serving it has panicked"))
            })
        });
        if let Err(error) = served {
            let peer = self.peer;
            let Session { principal, listener, .. } = &self.session;
            tracing::debug!(%peer, %principal, %listener, %error, "connection closed");
        }
    }

    pub(super) fn serve(&mut self, transport: &mut (impl Read + Write), mut login: Option<Login>) -> io::Result<()> {
        let mut frames = FrameReader::new(self.door.cluster.settings.max_frame_len);
        let mut reply = Reply::default();
        loop {
            if let Some(login) = &login {
                let limits = login::frame_limits(login, self.door.listener.max_receive);
                frames.set_limits(limits.unwrap_or((Header::LEN, self.door.cluster.settings.max_frame_len)));
            }
            let frame = frames.next(transport).inspect_err(|error| {
                // No other error of a socket is of this kind: the length cannot be, or TLS was broken.
                if error.kind() == io::ErrorKind::InvalidData {
                    self.blame(error.to_string());
                }
            })?;
            let Some(frame) = frame else { return Ok(()) };
            if self.waiter.has_ended() {
                return Ok(());
            }
            reply.clear();
            match self.answer(login.as_mut(), frame, &mut reply) {
                Ok(Next::GoesOn) => {
                    let written = self.deliver(&mut reply, transport);
                    // What the request decided comes true now that its answer is on the way, whether or not it arrives.
                    self.door.cluster.transactions.write_markers(&self.door.cluster);
                    written?;
                    let until = reply.hold_until;
                    reply.give_back();
                    self.hold(until);
                }
                Ok(end @ (Next::ClosesAfter(_) | Next::Resets | Next::Hangs)) => {
                    self.door.cluster.transactions.write_markers(&self.door.cluster);
                    return self.end(end, transport);
                }
                Ok(Next::Refused) => {
                    self.hold_back();
                    return reply.write_to(transport);
                }
                // A request that waited when the broker, or its node, was told to stop is no trouble of anybody's.
                Err(_) if self.waiter.has_ended() => return Ok(()),
                Err(refusal) => {
                    let peer = self.peer;
                    if refusal.blames_client {
                        self.blame(refusal.to_string());
                    }
                    tracing::warn!(%peer, %refusal, "request refused: the connection is closed without an answer");
                    return Ok(());
                }
            }
        }
    }

    /// Takes note of what the client may not do.
    fn blame(&self, what: String) {
        let client_id = self.known.client_id().to_owned();
        self.door.cluster.violations.note(Violation { client_id, peer: self.peer, what });
    }

    fn deliver(&self, reply: &mut Reply, transport: &mut impl Write) -> io::Result<()> {
        if reply.delivery == Delivery::default() {
            reply.write_to(transport)
        } else {
            self.deliver_oddly(reply, transport)
        }
    }

    /// Reads nothing more for a while, as a client that has used up its quota is told.
    pub(super) fn hold(&self, until: Option<Timestamp>) {
        let Some(until) = until else { return };
        super::hold(&self.door.cluster, &self.waiter, until);
    }

    fn answer(&mut self, login: Option<&mut Login>, frame: &[u8], reply: &mut Reply) -> Result<Next, Refusal> {
        if self.door.cluster.recorder.is_on() {
            self.record(login.as_deref(), frame);
        }
        if self.door.cluster.faults.is_armed() {
            return self.answer_faulty(login, frame, reply);
        }
        self.answer_truly(login, frame, reply)
    }

    /// Answers as Kafka does, whatever faults a test has set.
    pub(super) fn answer_truly(
        &mut self,
        login: Option<&mut Login>,
        frame: &[u8],
        reply: &mut Reply,
    ) -> Result<Next, Refusal> {
        if let Some(login) = login
            && login::takes(login, frame, self.door.cluster.clock.now())?
        {
            return self.log_in(login, frame, reply);
        }
        self.request(&Header::read(frame)?, reply).map(|()| Next::GoesOn)
    }

    /// The header was read by hand, so that a key or version nobody knows is never given to the codec.
    pub(super) fn request(&self, header: &Header<'_>, reply: &mut Reply) -> Result<(), Refusal> {
        let Some(api) = api::api(header.key) else {
            return Err(Refusal::new(format!("request key {} is not served", header.key)));
        };
        let version = header.version;
        let ceilings = &self.door.cluster.settings.ceilings;
        if !api.serves(version, ceilings) {
            if api.key == ApiKey::ApiVersions {
                reply.begin(header.correlation_id);
                api::unsupported_version(ceilings, &mut reply.head);
                return Ok(());
            }
            return Err(Refusal::new(format!("version {version} of {:?} is not served", api.key)));
        }
        if self.door.cluster.loggers.tell_requests() {
            tracing::info!(key = ?api.key, version, id = header.correlation_id, peer = %self.peer, "request");
        }
        let (client_id, body) = header.rest(api.key.request_header_version(version))?;
        if !self.known.is_known() {
            self.door.cluster.open_connections.introduce(&self.known, client_id.unwrap_or_default());
        }
        reply.begin_response(api.key, version, header.correlation_id);
        let cx = RequestContext {
            cluster: &self.door.cluster,
            node_id: self.door.node_id,
            session: &self.session,
            version,
            client_id,
            peer: self.peer,
            waiter: &self.waiter,
            mutation_throttle: Cell::default(),
            struck: self.struck.as_ref(),
        };
        let started = cx.cluster.quotas.is_set().then(|| cx.cluster.clock.now());
        (api.run)(&cx, body, reply)?;
        if cx.cluster.state.is_broken() {
            // What the answer would promise may be gone after a restart.
            return Err(Refusal::without_blame("the data directory cannot be written"));
        }
        if let Some(started) = started {
            api::charge(&cx, api.key, Header::LEN + header.rest.len(), started, reply);
        }
        Ok(())
    }
}

/// The part of a request header that is the same in every version, and what follows it.
pub(super) struct Header<'a> {
    pub(super) key: i16,
    pub(super) version: i16,
    pub(super) correlation_id: i32,
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    /// Key, version and correlation id take eight bytes: nothing shorter can be a request.
    pub(super) const LEN: usize = 8;

    pub(super) fn read(mut frame: &'a [u8]) -> Result<Self, Refusal> {
        if frame.len() < Self::LEN {
            return Err(Refusal::new("a request is shorter than its header"));
        }
        let key = frame.get_i16();
        let version = frame.get_i16();
        let correlation_id = frame.get_i32();
        Ok(Self { key, version, correlation_id, rest: frame })
    }

    /// The client's id and the body.
    pub(super) fn rest(&self, header_version: i16) -> Result<(Option<&'a str>, &'a [u8]), Refusal> {
        let short = || Refusal::new("a request ends inside its header");
        let mut rest = self.rest;
        if header_version == 0 {
            return Ok((None, rest));
        }
        let len = rest.try_get_i16().map_err(|_| short())?;
        let client_id = match usize::try_from(len) {
            Err(_) => None,
            Ok(len) => {
                let (id, after) = rest.split_at_checked(len).ok_or_else(short)?;
                rest = after;
                Some(std::str::from_utf8(id).map_err(|_| Refusal::new("a client id is not UTF-8"))?)
            }
        };
        if header_version >= 2 {
            crate::wire::skip_tagged_fields(&mut rest).ok_or_else(short)?;
        }
        Ok((client_id, rest))
    }
}

impl Reply {
    pub(super) fn clear(&mut self) {
        self.head.clear();
        self.pieces.clear();
        self.suppressed = false;
        self.delivery = Delivery::default();
        self.hold_until = None;
        self.throttle_at = None;
    }

    /// Holds nothing more, once it was sent: a connection that has nothing to do must not keep records that were deleted,
    /// nor the room that a large answer took.
    fn give_back(&mut self) {
        self.clear();
        if self.head.capacity() > KEPT {
            self.head = BytesMut::new();
        }
    }

    /// Leaves room for the length and writes the correlation id.
    pub(crate) fn begin(&mut self, correlation_id: i32) {
        self.head.put_i32(0);
        self.head.put_i32(correlation_id);
    }

    /// Fills in the length and sends everything.
    fn write_to(&mut self, stream: &mut impl Write) -> io::Result<()> {
        if self.suppressed {
            return Ok(());
        }
        let total = self.len() - 4;
        let len = i32::try_from(total).map_err(|_| io::Error::other(format!("a response of {total} bytes")))?;
        if self.pieces.is_empty() {
            self.head[..4].copy_from_slice(&len.to_be_bytes());
            stream.write_all(&self.head)?;
            return stream.flush();
        }
        // The first four bytes are in a piece that is already shared, so the length goes out beside it.
        let first = self.pieces[0].slice(4..);
        let len = len.to_be_bytes();
        let mut slices = Vec::with_capacity(self.pieces.len() + 2);
        slices.push(IoSlice::new(&len));
        slices.push(IoSlice::new(&first));
        slices.extend(self.pieces[1..].iter().filter(|piece| !piece.is_empty()).map(|piece| IoSlice::new(piece)));
        slices.push(IoSlice::new(&self.head));
        write_all_vectored(stream, &mut slices)?;
        stream.flush()
    }

    /// Everything in one piece, with its length in front.
    pub(super) fn frame(&mut self) -> io::Result<&[u8]> {
        let total = self.len() - 4;
        let len = i32::try_from(total).map_err(|_| io::Error::other(format!("a response of {total} bytes")))?;
        let whole = self.gather();
        whole[..4].copy_from_slice(&len.to_be_bytes());
        Ok(whole)
    }

    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.pieces.iter().map(bytes::Bytes::len).sum::<usize>()
    }
}

fn write_all_vectored(stream: &mut impl Write, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match stream.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => IoSlice::advance_slices(&mut slices, n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn an_answer_that_was_sent_holds_neither_records_nor_much_room() {
        let mut reply = Reply::default();
        reply.begin(1);
        reply.share(Bytes::from_static(b"records"));
        reply.head.put_bytes(0, 2 * KEPT);
        let mut sent = Vec::new();
        reply.write_to(&mut sent).unwrap();
        assert_eq!(sent.len(), 8 + 7 + 2 * KEPT);
        reply.give_back();
        assert!(reply.pieces.is_empty() && reply.head.capacity() <= KEPT);
    }
}
