//! The listeners of one node: where they are, and who serves them while the node is up.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};

use crate::cluster::{Cluster, Endpoint};
use crate::error::Error;
use crate::security::listeners::ListenerSpec;
use crate::security::settings::ListenerSettings;
use crate::server::probe::Probed;
use crate::server::{self, Closing, Door, Server};

/// As long as that of the listeners that the standard library makes.
const BACKLOG: i32 = 128;

/// A listener of a node. It has its port for good, so that clients find the node there again when it was down.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) settings: ListenerSettings,
    address: SocketAddr,
    port: Port,
}

#[derive(Debug)]
enum Port {
    /// Somebody connects and waits to be served: nobody is there yet.
    Open(TcpListener),
    Served(Server),
    /// Nobody can connect, and nobody else can take the port.
    Closed(Socket),
    /// Somebody else may have it: it could not be kept.
    Lost,
}

impl Listening {
    /// Binds a listener of a node, where the nodes before it have so many ports: one that is said is the first node's.
    pub(super) fn bind(mut settings: ListenerSettings, ports_before: u16) -> Result<Self, Error> {
        let spec = &mut settings.spec;
        shift(&mut spec.port, ports_before)?;
        if let Some(told) = &mut spec.advertised {
            shift(&mut told.port, ports_before)?;
        }
        let ListenerSpec { host, port, .. } = &*spec;
        let no_socket = |error| Error::io(format!("cannot listen on {host}:{port}"), error);
        let socket = server::bind(host, *port).map_err(no_socket)?;
        let address = socket.local_addr().map_err(|error| Error::io("cannot read the address", error))?;
        Ok(Self { settings, address, port: Port::Open(socket) })
    }

    /// Where a client on this machine finds it, by the name that was said: a certificate may be for that name.
    pub(super) fn reachable_at(&self) -> String {
        let host = &self.settings.spec.host;
        if self.address.ip().is_unspecified() {
            format!("localhost:{}", self.address.port())
        } else if host.parse::<IpAddr>().is_ok() {
            self.address.to_string()
        } else {
            format!("{host}:{}", self.address.port())
        }
    }

    /// What clients are told, with the port that the system chose where none was said.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        let spec = &self.settings.spec;
        let told = spec.advertised.as_ref()?;
        Some(Endpoint {
            listener: Arc::clone(&spec.name),
            host: Some(told.host.clone()).filter(|host| !host.is_empty()),
            port: if told.port == 0 { self.address.port() } else { told.port },
        })
    }

    /// Serves clients, at the address it has always had.
    ///
    /// # Errors
    ///
    /// The port could not be kept and somebody else has it, or there is no thread.
    pub(super) fn serve(&mut self, node_id: i32, cluster: &Arc<Cluster>) -> io::Result<()> {
        let socket = match std::mem::replace(&mut self.port, Port::Lost) {
            Port::Open(socket) => socket,
            Port::Closed(socket) => {
                socket.listen(BACKLOG)?;
                socket.into()
            }
            Port::Lost => TcpListener::bind(self.address)?,
            served @ Port::Served(_) => {
                self.port = served;
                return Ok(());
            }
        };
        let door = Door { node_id, listener: self.settings.clone(), cluster: Arc::clone(cluster) };
        self.port = Port::Served(Server::start(socket, door)?);
        Ok(())
    }

    /// Whom to ask whether clients are served; nobody while the node is down.
    pub(super) fn probed(&self, node_id: i32) -> Option<Probed> {
        let is_served = matches!(self.port, Port::Served(_));
        is_served.then(|| Probed { node_id, listener: self.settings.clone(), address: self.address })
    }

    /// Closes every connection; new ones are refused from now on.
    pub(super) fn close(&mut self, closing: Closing) {
        let Port::Served(server) = &mut self.port else { return };
        server.stop(closing);
        self.port = match keep(self.address) {
            Ok(socket) => Port::Closed(socket),
            Err(error) => {
                tracing::warn!(address = %self.address, %error, "the port of a node that is down could not be kept");
                Port::Lost
            }
        };
    }

    /// Closes every connection, for good.
    pub(super) fn end(&mut self) {
        if let Port::Served(server) = &mut self.port {
            server.stop(Closing::AtOnce);
        }
    }
}

fn shift(port: &mut u16, by: u16) -> Result<(), Error> {
    if *port > 0 {
        let shifted = port.checked_add(by);
        *port = shifted.ok_or_else(|| Error::new(format!("there are not {by} ports behind {port} for more nodes")))?;
    }
    Ok(())
}

/// Has a port without listening on it: connections are refused as where nobody is, and the system gives the port to nobody.
fn keep(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // As the standard library's: connections that have just been closed keep no port. On Windows it means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
