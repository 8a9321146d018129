//! A client that sends exactly what a test says, in the version it says.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

/// How long a broker may take to answer: far longer than any request of these tests is held.
const ANSWER: Duration = Duration::from_secs(120);

pub(crate) struct Client {
    stream: TcpStream,
    /// A connection that is closed does not know it any more.
    address: SocketAddr,
    sent: i32,
    received: i32,
    id: StrBytes,
}

impl Client {
    pub(crate) fn of(broker: &EmbeddedBroker) -> Self {
        Self::connect(broker.bootstrap_servers())
    }

    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the broker listens");
        stream.set_nodelay(true).expect("a fresh socket takes options");
        stream.set_read_timeout(Some(ANSWER)).expect("a fresh socket takes options");
        let address = stream.peer_addr().expect("it is connected");
        Self { stream, address, sent: 0, received: 0, id: StrBytes::from_static_str("wire-test") }
    }

    /// Another client of the same broker, under an id of its own.
    pub(crate) fn another(&self, id: &str) -> Self {
        Self { id: StrBytes::from_string(id.to_owned()), ..Self::connect(&self.address.to_string()) }
    }

    /// Sends a request and reads its answer.
    pub(crate) fn call<Q: Request>(&mut self, version: i16, request: &Q) -> Q::Response {
        self.send(version, request);
        self.receive::<Q>(version)
    }

    /// As [`call`](Self::call), while no other test calls so: for requests in a transaction that make a partition ask the
    /// transaction coordinator. A real broker asks for several at a time, and tells all of them what the client of the
    /// first understands: TRANSACTION_ABORTABLE to one that knows only INVALID_TXN_STATE, or the other way round.
    pub(crate) fn call_alone<Q: Request>(&mut self, version: i16, request: &Q) -> Q::Response {
        static ASKING: Mutex<()> = Mutex::new(());
        let _alone = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        self.call(version, request)
    }

    /// Sends a request and reads its answer; if the broker closes the connection instead, says so and makes a new one.
    pub(crate) fn call_or_reconnect<Q: Request>(&mut self, version: i16, request: &Q) -> Option<Q::Response> {
        // It may be closed already, because of a request before that gets no answer.
        let sent = self.try_send(version, request);
        self.received += 1;
        let Ok(mut body) = sent.and_then(|()| self.read_frame()) else {
            *self = Self::connect(&self.address.to_string());
            return None;
        };
        ResponseHeader::decode(&mut body, Q::Response::header_version(version)).expect("a header");
        Some(Q::Response::decode(&mut body, version).expect("the answer has the version asked for"))
    }

    /// Sends a request without waiting for its answer.
    pub(crate) fn send<Q: Request>(&mut self, version: i16, request: &Q) {
        self.try_send(version, request).expect("the connection is open");
    }

    fn try_send<Q: Request>(&mut self, version: i16, request: &Q) -> std::io::Result<()> {
        let mut body = BytesMut::new();
        request.encode(&mut body, version).expect("the request can be encoded");
        self.try_send_body(Q::KEY, version, Q::header_version(version), &body)
    }

    /// Sends whatever a test takes for the body of a request.
    pub(crate) fn send_body(&mut self, key: i16, version: i16, header_version: i16, body: &[u8]) {
        self.try_send_body(key, version, header_version, body).expect("the connection is open");
    }

    fn try_send_body(&mut self, key: i16, version: i16, header_version: i16, body: &[u8]) -> std::io::Result<()> {
        self.sent += 1;
        let header = RequestHeader::default()
            .with_request_api_key(key)
            .with_request_api_version(version)
            .with_correlation_id(self.sent)
            .with_client_id(Some(self.id.clone()));
        let mut frame = BytesMut::from(&[0; 4][..]);
        header.encode(&mut frame, header_version).expect("the header can be encoded");
        frame.extend_from_slice(body);
        let len = i32::try_from(frame.len() - 4).expect("the request is small");
        frame[..4].copy_from_slice(&len.to_be_bytes());
        self.stream.write_all(&frame)
    }

    /// Reads the answer to the oldest request that has none yet.
    pub(crate) fn receive<Q: Request>(&mut self, version: i16) -> Q::Response {
        self.received += 1;
        let mut body = self.read_frame().expect("the connection is open");
        let header = ResponseHeader::decode(&mut body, Q::Response::header_version(version)).expect("a header");
        assert_eq!(header.correlation_id, self.received);
        let response = Q::Response::decode(&mut body, version).expect("the answer has the version asked for");
        assert!(body.is_empty(), "{} bytes are left of the answer", body.len());
        response
    }

    /// Reads the answer to the oldest request that has none yet, if it begins to come within `patience`.
    #[allow(dead_code, reason = "the differential test, which shares this file, is the only one that needs it")]
    pub(crate) fn receive_within<Q: Request>(&mut self, version: i16, patience: Duration) -> Option<Q::Response> {
        self.stream.set_read_timeout(Some(patience)).expect("more than no time");
        let there = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(Some(ANSWER)).expect("a socket takes options");
        there.is_ok().then(|| self.receive::<Q>(version))
    }

    /// Sends bytes that need not be a request.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the connection is open");
    }

    /// Reads the answer to the oldest request that has none yet, and gives its body; its header must be of version 0.
    pub(crate) fn receive_body(&mut self) -> Bytes {
        self.received += 1;
        let mut body = self.read_frame().expect("the connection is open");
        assert_eq!(body.split_to(4), self.received.to_be_bytes().as_slice(), "correlation id");
        body
    }

    /// Reads a bare token, which has no header.
    pub(crate) fn receive_token(&mut self) -> Bytes {
        self.read_frame().expect("the connection is open")
    }

    /// Takes note that the oldest request without an answer will never get one.
    pub(crate) fn expect_no_answer(&mut self) {
        self.received += 1;
    }

    /// Whether nothing is there to be read, and the connection is not closed either.
    pub(crate) fn is_quiet(&self) -> bool {
        self.stream.set_nonblocking(true).expect("an open socket takes options");
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).expect("an open socket takes options");
        peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether the broker closes the connection without another answer.
    #[expect(clippy::wrong_self_convention, reason = "nothing can follow on this connection")]
    pub(crate) fn is_closed(mut self) -> bool {
        self.read_frame().is_err()
    }

    /// Everything that comes until the broker closes the connection.
    #[allow(dead_code, reason = "the differential test, which shares this file, does not need it")]
    pub(crate) fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("the broker closes the connection");
        rest
    }

    /// How the connection ends, on which no answer comes any more.
    #[allow(dead_code, reason = "the differential test, which shares this file, does not need it")]
    pub(crate) fn end(mut self) -> std::io::Error {
        self.read_frame().expect_err("no answer comes")
    }

    fn read_frame(&mut self) -> std::io::Result<Bytes> {
        let mut len = [0; 4];
        self.read_exact(&mut len)?;
        let mut body = vec![0; usize::try_from(i32::from_be_bytes(len)).expect("a length")];
        self.read_exact(&mut body)?;
        Ok(body.into())
    }

    /// Nothing at all is neither an answer nor the end of the connection.
    fn read_exact(&mut self, bytes: &mut [u8]) -> std::io::Result<()> {
        let read = self.stream.read_exact(bytes);
        let is_late =
            read.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        assert!(!is_late, "answer {} did not come within {ANSWER:?}, and the connection is open", self.received);
        read
    }
}
