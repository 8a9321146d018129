//! A Kafka client of a few lines, and the brokers that tests of the wire run against: the embedded one always, and a real
//! one as well when `KAFKA_APP_TEST_BOOTSTRAP` names it (`tests/apache-kafka/kafka start` runs one).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

/// One connection. Requests are answered in order, one at a time.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    correlation_id: i32,
}

impl Client {
    pub fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the broker listens");
        stream.set_nodelay(true).expect("a socket takes options");
        // A broker that does not answer fails the test instead of holding it up.
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket takes options");
        Self { stream, correlation_id: 0 }
    }

    /// Sends a request and waits for its response.
    pub fn send<Q: Request>(&mut self, version: i16, request: &Q) -> Q::Response {
        let frame = self.frame(version, request);
        self.stream.write_all(&frame).expect("the broker reads");
        let mut body = self.read_frame();
        let header =
            ResponseHeader::decode(&mut body, Q::Response::header_version(version)).expect("a response header");
        assert_eq!(header.correlation_id, self.correlation_id, "answers come in order");
        let response = Q::Response::decode(&mut body, version).expect("a response body");
        assert!(body.is_empty(), "{} bytes are left after the response", body.len());
        response
    }

    fn frame<Q: Request>(&mut self, version: i16, request: &Q) -> BytesMut {
        self.correlation_id += 1;
        let key = ApiKey::try_from(Q::KEY).expect("a known key");
        let header = RequestHeader::default()
            .with_request_api_key(Q::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("wire-test")));
        let mut body = BytesMut::new();
        header.encode(&mut body, key.request_header_version(version)).expect("an encodable header");
        request.encode(&mut body, version).expect("an encodable request");
        let mut frame = BytesMut::from(&u32::try_from(body.len()).expect("a short frame").to_be_bytes()[..]);
        frame.extend_from_slice(&body);
        frame
    }

    fn read_frame(&mut self) -> Bytes {
        let mut len = [0; 4];
        self.stream.read_exact(&mut len).expect("an answer, not a closed connection");
        let mut body = vec![0; usize::try_from(u32::from_be_bytes(len)).expect("a length")];
        self.stream.read_exact(&mut body).expect("a whole answer");
        Bytes::from(body)
    }
}

/// Runs a test against the embedded broker, and against a real one if there is one.
pub fn on_each_broker(test: impl Fn(&mut Client)) {
    let broker = EmbeddedBroker::builder().start().expect("the broker starts");
    test(&mut Client::connect(broker.bootstrap_servers()));
    let real = std::env::var("KAFKA_APP_TEST_BOOTSTRAP").unwrap_or_default();
    if let Some(first) = real.split(',').next().filter(|address| !address.is_empty()) {
        println!("the embedded broker passed; against the real one at {first}:");
        test(&mut Client::connect(first));
    }
}

/// A name nobody else uses, since a real broker keeps what other tests made.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", uuid::Uuid::new_v4().simple())
}

/// Text as the codec wants it.
pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
