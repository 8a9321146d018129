//! How the bytes of a connection travel: as they are, or by TLS.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

#[cfg(feature = "tls")]
use rustls::{ServerConnection, StreamOwned};

use super::socket::Socket;
use crate::security::principal::Principal;
use crate::security::settings::ListenerSettings;

/// A connection's two streams of bytes.
pub(super) enum Transport {
    Plain(Socket),
    #[cfg(feature = "tls")]
    Tls(Box<StreamOwned<ServerConnection, Socket>>),
}

/// How a handshake goes, where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handshake {
    Succeeds,
    /// A fault that a test has set.
    Fails,
}

impl Transport {
    /// Shakes hands where the listener asks for it; says who the client is, if it is known by that.
    pub(super) fn open(
        socket: Socket,
        listener: &ListenerSettings,
        handshake: Handshake,
    ) -> io::Result<(Self, Option<Principal>)> {
        socket.0.set_nodelay(true)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = listener.tls.as_ref().map(|tls| tls.now()) {
            if handshake == Handshake::Fails {
                return Err(refuse_handshake(socket));
            }
            let server = ServerConnection::new(std::sync::Arc::clone(&tls.server)).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(server, socket);
            let shaken = shake_hands(&mut stream).and_then(|()| {
                let principal = tls.principal(stream.conn.peer_certificates());
                principal.ok_or_else(|| io::Error::other("no rule names the owner of the certificate"))
            });
            let mut transport = Self::Tls(Box::new(stream));
            return match shaken {
                Ok(principal) => Ok((transport, Some(principal))),
                Err(error) => {
                    transport.close();
                    Err(error)
                }
            };
        }
        #[cfg(not(feature = "tls"))]
        let _ = (listener, handshake);
        Ok((Self::Plain(socket), None))
    }

    /// Has the peer told, when this is dropped, that the connection was reset. If that cannot be, it just ends.
    pub(super) fn reset(&self) {
        let socket = match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => &stream.sock,
        };
        _ = socket.reset_at_close();
    }

    /// Ends both directions; fails if the peer was faster, which is as well.
    pub(super) fn close(&mut self) {
        match self {
            Self::Plain(socket) => drop(socket.0.shutdown(Shutdown::Both)),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                while stream.conn.wants_write() && stream.conn.write_tls(&mut stream.sock).is_ok() {}
                drop(stream.sock.0.shutdown(Shutdown::Both));
            }
        }
    }
}

#[cfg(feature = "tls")]
fn shake_hands(stream: &mut StreamOwned<ServerConnection, Socket>) -> io::Result<()> {
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(())
}

/// Reads what the client begins with, answers with a fatal alert and ends the connection.
#[cfg(feature = "tls")]
fn refuse_handshake(mut socket: Socket) -> io::Error {
    /// A record of an alert (21) of TLS 1.2, two bytes long: fatal (2), `handshake_failure` (40).
    const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];
    let mut header = [0; 5];
    let refused = socket.read_exact(&mut header).and_then(|()| {
        let len = u64::from(u16::from_be_bytes([header[3], header[4]]));
        io::copy(&mut Read::by_ref(&mut socket).take(len), &mut io::sink())?;
        socket.write_all(&ALERT)?;
        socket.0.shutdown(Shutdown::Both)
    });
    refused.err().unwrap_or_else(|| io::Error::other("a fault has a TLS handshake fail"))
}

impl Read for Transport {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(out),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(out),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write_vectored(pieces),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write_vectored(pieces),
        }
    }

    /// Nothing is kept back in plain text; TLS sends what it has encrypted.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
        }
    }
}
