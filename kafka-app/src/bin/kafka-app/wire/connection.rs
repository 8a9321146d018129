//! [`Connection`]: to one node, a request at a time.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader},
    protocol::{Decodable, Encodable, HeaderVersion, Message, Request, StrBytes, VersionRange},
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::Mutex,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{ClientSettings, KafkaError, WireError};

/// An answer that is longer than this is none: something else than a broker is at the other end.
const MAX_ANSWER: usize = 1 << 30;

/// UNSUPPORTED_VERSION: the broker is older than the first ApiVersions that was sent.
const UNSUPPORTED_VERSION: i16 = 35;

/// A connection that is logged in and knows what its node understands.
pub(crate) struct Connection {
    address: String,
    client_id: StrBytes,
    request_timeout: Duration,
    /// Versions by the key of a request.
    versions: BTreeMap<i16, VersionRange>,
    /// What the node said of itself, and its features.
    api_versions: ApiVersionsResponse,
    stream: Mutex<Option<Box<dyn Stream>>>,
    last_id: AtomicI32,
}

impl Connection {
    /// Connects to `host:port`, logs in, and asks what the node understands.
    ///
    /// # Errors
    /// Nothing listens there, or what does is not a Kafka, or it refuses the login.
    pub(super) async fn open(address: &str, settings: &ClientSettings) -> Result<Self, WireError> {
        let stream = timeout(settings.request_timeout, stream(address, settings)).await;
        let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let mut connection = Self {
            address: address.to_owned(),
            client_id: StrBytes::from_string(settings.client_id.clone()),
            request_timeout: settings.request_timeout,
            versions: BTreeMap::new(),
            api_versions: ApiVersionsResponse::default(),
            stream: Mutex::new(Some(stream.map_err(|error| broken(address, &error))?)),
            last_id: AtomicI32::new(0),
        };
        connection.api_versions = connection.ask_versions().await?;
        connection.versions = connection
            .api_versions
            .api_keys
            .iter()
            .map(|api| (api.api_key, VersionRange { min: api.min_version, max: api.max_version }))
            .collect();
        if let Some(login) = &settings.login {
            login.on(&connection).await?;
        }
        Ok(connection)
    }

    async fn ask_versions(&self) -> Result<ApiVersionsResponse, WireError> {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("kafka-app"))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        let response = match self.exchange(4, &request).await? {
            // A node that does not know the version answers in version 0.
            mut body if body.starts_with(&UNSUPPORTED_VERSION.to_be_bytes()) => {
                body.clear();
                let body = self.exchange(0, &ApiVersionsRequest::default()).await?;
                self.decode::<ApiVersionsResponse>(0, body)?
            }
            body => self.decode::<ApiVersionsResponse>(4, body)?,
        };
        KafkaError::check(response.error_code, None)?;
        Ok(response)
    }

    /// What the node says it understands, and its features.
    pub(crate) fn api_versions(&self) -> &ApiVersionsResponse {
        &self.api_versions
    }

    /// Whether the connection has broken: the next request needs another one.
    pub(super) async fn is_broken(&self) -> bool {
        self.stream.lock().await.is_none()
    }

    /// The newest version of a request that both sides know.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn version<Q: Request>(&self) -> Result<i16, WireError> {
        let unsupported = || WireError::Unsupported { request: request_name(Q::KEY) };
        let theirs = self.versions.get(&Q::KEY).ok_or_else(unsupported)?;
        let common = theirs.intersect(&Q::VERSIONS);
        if common.is_empty() { Err(unsupported()) } else { Ok(common.max) }
    }

    /// Sends the request that `build` makes for the version both sides know, and waits for the answer.
    ///
    /// # Errors
    /// The connection breaks, no answer comes in time, or it cannot be read. Errors in the answer are for the caller.
    pub(crate) async fn send<Q: Request>(&self, build: impl FnOnce(i16) -> Q) -> Result<Q::Response, WireError> {
        let version = self.version::<Q>()?;
        let body = self.exchange(version, &build(version)).await?;
        self.decode::<Q::Response>(version, body)
    }

    /// The body of the answer, without its header.
    async fn exchange<Q: Request>(&self, version: i16, request: &Q) -> Result<Bytes, WireError> {
        let correlation_id = self.last_id.fetch_add(1, Ordering::Relaxed);
        let frame = self.frame(version, correlation_id, request)?;
        // Taken out while it is under way: an exchange that is given up in between leaves no half of an answer behind.
        let mut slot = self.stream.lock().await;
        let Some(mut stream) = slot.take() else {
            return Err(WireError::Broken { node: self.address.clone(), problem: "is disconnected".to_owned() });
        };
        let answer = timeout(self.request_timeout, round_trip(&mut stream, &frame)).await;
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {:?}", self.request_timeout));
        let mut answer = answer.unwrap_or_else(|_| Err(late())).map_err(|error| broken(&self.address, &error))?;
        *slot = Some(stream);
        drop(slot);
        let header = ResponseHeader::decode(&mut answer, Q::Response::header_version(version));
        match header {
            Ok(header) if header.correlation_id == correlation_id => Ok(answer),
            _ => Err(self.not_understood("the header of an answer")),
        }
    }

    fn frame<Q: Request>(&self, version: i16, correlation_id: i32, request: &Q) -> Result<BytesMut, WireError> {
        let header = RequestHeader::default()
            .with_request_api_key(Q::KEY)
            .with_request_api_version(version)
            .with_correlation_id(correlation_id)
            .with_client_id(Some(self.client_id.clone()));
        let mut frame = BytesMut::from(&[0; 4][..]);
        let encoded =
            header.encode(&mut frame, Q::header_version(version)).and_then(|()| request.encode(&mut frame, version));
        let length = i32::try_from(frame.len() - 4);
        match (encoded, length) {
            (Ok(()), Ok(length)) => frame[..4].copy_from_slice(&length.to_be_bytes()),
            (Ok(()), Err(_)) => return Err(WireError::Settings("the request is too long".to_owned())),
            // Something is asked for that the node is too old for.
            (Err(_), _) => {
                return Err(WireError::Unsupported { request: request_name(Q::KEY) });
            }
        }
        Ok(frame)
    }

    fn decode<R: Decodable + Message>(&self, version: i16, mut body: Bytes) -> Result<R, WireError> {
        R::decode(&mut body, version).map_err(|_| self.not_understood("an answer"))
    }

    fn not_understood(&self, what: &str) -> WireError {
        WireError::Broken { node: self.address.clone(), problem: format!("sent {what} that cannot be read") }
    }
}

/// What bytes go through: plain, or encrypted.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

async fn stream(address: &str, settings: &ClientSettings) -> io::Result<Box<dyn Stream>> {
    let plain = TcpStream::connect(address).await?;
    plain.set_nodelay(true)?;
    let Some(config) = &settings.tls else { return Ok(Box::new(plain)) };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(Arc::clone(config)).connect(name, plain).await?))
}

async fn round_trip(stream: &mut Box<dyn Stream>, frame: &[u8]) -> io::Result<Bytes> {
    stream.write_all(frame).await?;
    stream.flush().await?;
    let length = stream.read_i32().await?;
    let length = usize::try_from(length).ok().filter(|&length| length <= MAX_ANSWER);
    let length = length
        .ok_or_else(|| io::Error::other("sent what no Kafka sends: is it one, and is it spoken to in plain text?"))?;
    let mut body = Vec::new();
    // It grows with what comes, not with what is announced.
    stream.take(length as u64).read_to_end(&mut body).await?;
    if body.len() == length { Ok(body.into()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn broken(address: &str, error: &io::Error) -> WireError {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return refused_by_tls(address, tls);
    }
    let problem = match error.kind() {
        io::ErrorKind::UnexpectedEof => "closed the connection".to_owned(),
        _ => error.to_string(),
    };
    WireError::Broken { node: address.to_owned(), problem }
}

/// As in Java, to try again would come to the same.
fn refused_by_tls(address: &str, error: &rustls::Error) -> WireError {
    let hint = match error {
        rustls::Error::AlertReceived(_) => {
            "; the broker wants a certificate of this client, or does not take the one it has (ssl.keystore.location)"
        }
        rustls::Error::InvalidCertificate(_) => {
            "; the broker's certificate has to come from an authority that is trusted here (ssl.truststore.location) and be for this name"
        }
        rustls::Error::InvalidMessage(_) => "; is TLS spoken there?",
        _ => "",
    };
    WireError::Tls(format!("SSL handshake failed: {address}: {error}{hint}"))
}

/// The name of a request as Kafka logs it: `LIST_TRANSACTIONS`.
fn request_name(key: i16) -> String {
    let Ok(key) = ApiKey::try_from(key) else { return format!("the request with the key {key}") };
    let mut name = String::new();
    for letter in format!("{key:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_named_as_kafka_logs_them() {
        assert_eq!(request_name(ApiKey::Metadata as i16), "METADATA");
        assert_eq!(request_name(ApiKey::ListConfigResources as i16), "LIST_CONFIG_RESOURCES");
        assert_eq!(request_name(9_999), "the request with the key 9999");
    }
}
