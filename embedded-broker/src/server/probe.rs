//! Whether a listener serves, seen from outside: a connection of our own asks it which versions it knows.
//!
//! It comes as any client does and says who it is by its client id, so it is recorded, counted and struck by faults as others
//! are. The one thing it cannot do is show a certificate where the listener wants one: there it goes no further than to see the
//! listener prove its own.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Buf, BufMut};

use super::reachable;
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorCode};
use crate::protocol::ApiKey;
use crate::security::settings::ListenerSettings;

/// What requests of a probe name as their client.
const CLIENT_ID: &str = "embedded-broker-ready";
const CORRELATION_ID: i32 = 1;
/// No answer to ApiVersions is nearly as long.
const LONGEST_ANSWER: usize = 64 << 10;

/// A listener of a node, and where it listens.
#[derive(Debug, Clone)]
pub(crate) struct Probed {
    pub(crate) node_id: i32,
    pub(crate) listener: ListenerSettings,
    pub(crate) address: SocketAddr,
}

impl Probed {
    /// Asks the listener for its versions, and waits for the answer no longer than until `deadline` of `clock`.
    ///
    /// # Errors
    ///
    /// It cannot be reached, ends the connection, does not answer in time, or answers with an error.
    pub(crate) fn ask(&self, clock: &Clock, deadline: Timestamp) -> Result<(), Error> {
        let who = || format!("listener {} of node {} at {}", self.listener.spec.name, self.node_id, self.address);
        match self.error_of_answer(clock, deadline) {
            Ok(0) => Ok(()),
            Ok(code) => {
                let message = format!("{} answers ApiVersions with error {code}", who());
                let known = ErrorCode::from_code(code);
                Err(known.map_or_else(|| Error::new(&message), |code| Error::with_code(code, &message)))
            }
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                Err(Error::with_code(ErrorCode::RequestTimedOut, format!("{} did not answer in time", who())))
            }
            Err(error) => Err(Error::io(format!("{} does not answer", who()), error)),
        }
    }

    fn error_of_answer(&self, clock: &Clock, deadline: Timestamp) -> io::Result<i16> {
        let socket = TcpStream::connect_timeout(&reachable(self.address), left(clock, deadline)?)?;
        socket.set_nodelay(true)?;
        let stream = Timed { socket, clock: clock.clone(), deadline };
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.listener.tls {
            return tls::ask(stream, &tls.now());
        }
        error_of_versions(stream)
    }
}

/// Sends ApiVersions, which every listener answers before a login too, and reads the error code of the answer.
fn error_of_versions(mut stream: impl Read + Write) -> io::Result<i16> {
    let mut request = Vec::new();
    request.put_i16(ApiKey::ApiVersions as i16);
    request.put_i16(0);
    request.put_i32(CORRELATION_ID);
    request.put_i16(i16::try_from(CLIENT_ID.len()).unwrap_or(0));
    request.put_slice(CLIENT_ID.as_bytes());
    let mut frame = Vec::new();
    frame.put_u32(u32::try_from(request.len()).unwrap_or(0));
    frame.put_slice(&request);
    stream.write_all(&frame)?;
    stream.flush()?;
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let len = usize::try_from(i32::from_be_bytes(len)).unwrap_or(0);
    let odd = |what: &str| io::Error::new(ErrorKind::InvalidData, format!("its answer {what}"));
    if !(6..=LONGEST_ANSWER).contains(&len) {
        return Err(odd(&format!("cannot be {len} bytes long")));
    }
    let mut answer = vec![0; len];
    stream.read_exact(&mut answer)?;
    let mut answer = answer.as_slice();
    if answer.get_i32() != CORRELATION_ID {
        return Err(odd("is of another request"));
    }
    Ok(answer.get_i16())
}

/// How long there is still to wait.
fn left(clock: &Clock, deadline: Timestamp) -> io::Result<Duration> {
    let left = deadline.saturating_sub(clock.now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A socket that waits until a deadline and no longer, in however many pieces the bytes come.
struct Timed {
    socket: TcpStream,
    clock: Clock,
    deadline: Timestamp,
}

impl Read for Timed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(&self.clock, self.deadline)?))?;
        self.socket.read(out)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left(&self.clock, self.deadline)?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "tls")]
mod tls {
    //! The same behind a handshake, with a listener that is known by its certificate.

    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};

    use super::{Timed, error_of_versions};
    use crate::security::tls::settings::TlsSettings;

    pub(super) fn ask(stream: Timed, listener: &TlsSettings) -> io::Result<i16> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let own = Arc::new(OneCertificate {
            expected: listener.certificate().clone(),
            provider: Arc::clone(&provider),
            is_proved: AtomicBool::new(false),
        });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(own.clone())
            .with_no_client_auth();
        let name = ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
        let client = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let told = error_of_versions(StreamOwned::new(client, stream));
        // Turned away, then, without a certificate; the alert that says so may be lost with the connection.
        if listener.needs_certificates && own.is_proved.load(Ordering::Relaxed) { Ok(0) } else { told }
    }

    /// Trusts the certificate that the listener has, whoever signed it and whatever name it is for.
    #[derive(Debug)]
    struct OneCertificate {
        expected: CertificateDer<'static>,
        provider: Arc<CryptoProvider>,
        /// It is the listener's and no copy: the handshake is signed with its key.
        is_proved: AtomicBool,
    }

    impl OneCertificate {
        fn proved(&self, verified: HandshakeSignatureValid) -> HandshakeSignatureValid {
            self.is_proved.store(true, Ordering::Relaxed);
            verified
        }
    }

    impl ServerCertVerifier for OneCertificate {
        fn verify_server_cert(
            &self,
            shown: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            if *shown == self.expected {
                return Ok(ServerCertVerified::assertion());
            }
            Err(Error::General("the listener shows a certificate that is not its own".to_owned()))
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            own: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            verify_tls12_signature(message, own, signed, algorithms).map(|verified| self.proved(verified))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            own: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            verify_tls13_signature(message, own, signed, algorithms).map(|verified| self.proved(verified))
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    }
}
