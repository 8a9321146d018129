//! How the bytes of a connection travel: as they are, or by TLS.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};

#[cfg(feature = "tls")]
use rustls::{ServerConnection, StreamOwned};

use crate::security::principal::Principal;
use crate::security::settings::ListenerSettings;

/// A connection's two streams of bytes.
pub(super) enum Transport {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Transport {
    /// Shakes hands where the listener asks for it; says who the client is, if it is known by that.
    pub(super) fn open(stream: TcpStream, listener: &ListenerSettings) -> io::Result<(Self, Option<Principal>)> {
        stream.set_nodelay(true)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = listener.tls.as_ref().map(|tls| tls.now()) {
            let server = ServerConnection::new(std::sync::Arc::clone(&tls.server)).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(server, stream);
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
        let _ = listener;
        Ok((Self::Plain(stream), None))
    }

    /// Ends both directions; fails if the peer was faster, which is as well.
    pub(super) fn close(&mut self) {
        match self {
            Self::Plain(stream) => drop(stream.shutdown(Shutdown::Both)),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                while stream.conn.wants_write() && stream.conn.write_tls(&mut stream.sock).is_ok() {}
                drop(stream.sock.shutdown(Shutdown::Both));
            }
        }
    }
}

#[cfg(feature = "tls")]
fn shake_hands(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> io::Result<()> {
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(())
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
