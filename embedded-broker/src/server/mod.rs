//! The threads of the broker: one that accepts, one for each connection.
//!
//! A connection's thread blocks in `read`, or on its [`Waiter`](crate::clock::Waiter) while a request waits for
//! something. That is the shortest way from a request to its answer: no queue, no second thread, no reactor.

mod connection;
mod faulty;
mod frame;
mod login;
mod recording;
mod socket;
mod transport;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
#[cfg(feature = "fuzzing")]
use std::sync::Weak;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::{Timestamp, Waiter, Woken};
use crate::cluster::Cluster;
use crate::connections::{Admission, Counted};
use crate::open_connections::OpenConnection;
use crate::security::sasl::login::Login;
use crate::security::session::Session;
use crate::security::settings::ListenerSettings;
use connection::Connection;
use socket::Socket;

/// Packing and unpacking batches takes up to 300 KiB in a debug build, everything else little. What is not touched is never
/// given memory.
const STACK: usize = 1 << 20;

/// A listener, its accept thread and the connections it took.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where a connection of our own reaches it.
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
    open: Arc<Mutex<Vec<Open>>>,
    cluster: Arc<Cluster>,
}

/// What all connections of one listener have in common.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) node_id: i32,
    pub(crate) listener: ListenerSettings,
    pub(crate) cluster: Arc<Cluster>,
}

/// A connection as the server remembers it, to end it.
#[derive(Debug)]
struct Open {
    known: Arc<OpenConnection>,
    thread: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(listener: TcpListener, door: Door) -> io::Result<Self> {
        let address = reachable(listener.local_addr()?);
        let open = Arc::new(Mutex::new(Vec::new()));
        let cluster = Arc::clone(&door.cluster);
        let acceptor = {
            let open = Arc::clone(&open);
            let name = format!("kafka-accept-{}", door.node_id);
            let door = Arc::new(door);
            Builder::new().name(name).stack_size(STACK).spawn(move || accept(&listener, &door, &open))?
        };
        Ok(Self { address, acceptor: Some(acceptor), open, cluster })
    }

    /// Closes the listener and every connection, and waits until their threads have ended.
    ///
    /// The cluster must be stopping already: that is what blocked requests look at when they are woken.
    pub(crate) fn stop(&mut self) {
        debug_assert!(self.cluster.is_stopping());
        let Some(acceptor) = self.acceptor.take() else { return };
        // First the connections, so that there is a descriptor for the one below, then those that came meanwhile.
        self.close_connections();
        while !acceptor.is_finished() {
            // `accept` can only be woken by a connection.
            if TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok() {
                break;
            }
        }
        join(acceptor);
        self.close_connections();
    }

    fn close_connections(&self) {
        let open = std::mem::take(&mut *self.open.lock());
        open.iter().for_each(|connection| connection.known.shut_down());
        for connection in open {
            join(connection.thread);
        }
    }
}

/// Serves a connection whose bytes are there already, on the calling thread, until they end or it is closed.
#[cfg(feature = "fuzzing")]
pub(crate) fn serve_bytes(door: Door, stream: &mut (impl io::Read + io::Write)) -> io::Result<()> {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let session = Session::anonymous(Arc::clone(&door.listener.spec.name), peer.ip(), peer.ip());
    let login = door.listener.sasl.clone().map(Login::new);
    let door = Arc::new(door);
    let (number, waiter) = door.cluster.register_waiter();
    let known = door.cluster.open_connections.opened(door.node_id, &door.listener.spec.name, peer, Weak::new());
    let served = Connection::new(Arc::clone(&door), session, peer, waiter, Arc::clone(&known)).serve(stream, login);
    door.cluster.open_connections.closed(&known);
    door.cluster.unregister_waiter(number);
    served
}

/// Binds a listener; a host that is empty is every address of the machine, of both families where there are two.
pub(crate) fn bind(host: &str, port: u16) -> io::Result<TcpListener> {
    if host.is_empty() {
        return TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
            .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)));
    }
    // One address only: where it is taken, another of the same name would leave a broker that half of the clients miss.
    // Java takes the first of IPv4, and so do its clients.
    let all: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    let chosen = all.iter().find(|address| address.is_ipv4()).or(all.first());
    TcpListener::bind(chosen.ok_or_else(|| io::Error::other("the host has no address"))?)
}

/// An address this process can connect to: one that stands for all of them becomes loopback.
fn reachable(mut bound: SocketAddr) -> SocketAddr {
    if bound.ip().is_unspecified() {
        let loopback = if bound.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        bound.set_ip(loopback);
    }
    bound
}

fn join(thread: JoinHandle<()>) {
    let name = thread.thread().name().unwrap_or_default().to_owned();
    if thread.join().is_err() {
        tracing::error!(thread = name, "a thread of the embedded broker has panicked");
    }
}

fn accept(listener: &TcpListener, door: &Arc<Door>, open: &Mutex<Vec<Open>>) {
    let (number, waiter) = door.cluster.register_waiter();
    while !door.cluster.is_stopping() {
        match listener.accept() {
            Ok(_) if door.cluster.is_stopping() => break,
            Ok((stream, peer)) => {
                if let Err(error) = admit(stream, peer, door, open, &waiter) {
                    tracing::warn!(%peer, %error, "a connection could not be served");
                }
            }
            // The peer went away between its connect and our accept: the next one may do. Or descriptors have run out,
            // which nobody tells us the end of: without a pause this thread would take a core for itself.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                std::thread::park_timeout(Duration::from_millis(10));
            }
        }
    }
    door.cluster.unregister_waiter(number);
}

/// Serves a connection unless there are too many.
fn admit(
    stream: TcpStream,
    peer: SocketAddr,
    door: &Arc<Door>,
    open: &Mutex<Vec<Open>>,
    waiter: &Arc<Waiter>,
) -> io::Result<()> {
    let (cluster, name) = (&door.cluster, &door.listener.spec.name);
    match cluster.connections.admit(cluster, waiter, name, peer.ip().to_canonical()) {
        Admission::Admitted(counted) => serve(stream, peer, door, open, counted),
        Admission::TooMany { max } => {
            tracing::info!(%peer, max, "refused: there are as many connections from its address as there may be");
            Ok(())
        }
        Admission::TooFast { until } => {
            tracing::debug!(%peer, "refused: its address opens connections too fast");
            spawn(stream, peer, door, open, move |door, socket, (_, waiter), _| {
                hold(&door.cluster, waiter, until);
                drop(socket);
            })
        }
        Admission::Stopping => Ok(()),
    }
}

fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    door: &Arc<Door>,
    open: &Mutex<Vec<Open>>,
    counted: Counted,
) -> io::Result<()> {
    let session = Session::anonymous(Arc::clone(&door.listener.spec.name), peer.ip(), stream.local_addr()?.ip());
    let login = door.listener.sasl.clone().map(Login::new);
    spawn(stream, peer, door, open, move |door, socket, (number, waiter), known| {
        let mut connection = Connection::new(Arc::clone(door), session, peer, Arc::clone(waiter), known);
        if let Some(handshake) = connection.arrives(number) {
            connection.run(socket, handshake, login);
        }
        drop(counted);
    })
}

/// Blocks until a point of time, or until the broker stops.
fn hold(cluster: &Cluster, waiter: &Arc<Waiter>, until: Timestamp) {
    while !cluster.is_stopping() && waiter.wait(&cluster.clock, Some(until)) != Woken::Deadline {}
}

/// Gives a connection a thread of its own.
fn spawn(
    stream: TcpStream,
    peer: SocketAddr,
    door: &Arc<Door>,
    open: &Mutex<Vec<Open>>,
    run: impl FnOnce(&Arc<Door>, Socket, (u64, &Arc<Waiter>), Arc<OpenConnection>) + Send + 'static,
) -> io::Result<()> {
    let socket = Arc::new(stream);
    let (name, weak) = (&door.listener.spec.name, Arc::downgrade(&socket));
    let known = door.cluster.open_connections.opened(door.node_id, name, peer, weak);
    let (own_door, own) = (Arc::clone(door), Arc::clone(&known));
    let thread = Builder::new().name(format!("kafka-conn-{}", peer.port())).stack_size(STACK).spawn(move || {
        let (number, waiter) = own_door.cluster.register_waiter();
        run(&own_door, Socket(socket), (number, &waiter), Arc::clone(&own));
        own_door.cluster.open_connections.closed(&own);
        own_door.cluster.unregister_waiter(number);
    });
    let thread = thread.inspect_err(|_| door.cluster.open_connections.closed(&known))?;
    let ended: Vec<Open>;
    {
        let mut open = open.lock();
        let (done, running) = std::mem::take(&mut *open).into_iter().partition(|one| one.thread.is_finished());
        *open = running;
        open.push(Open { known, thread });
        ended = done;
    }
    ended.into_iter().for_each(|one| join(one.thread));
    Ok(())
}
