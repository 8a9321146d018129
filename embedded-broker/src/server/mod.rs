//! The threads of the broker: one that accepts, one for each connection.
//!
//! A connection's thread blocks in `read`, or on its [`Waiter`](crate::clock::Waiter) while a request waits for
//! something. That is the shortest way from a request to its answer: no queue, no second thread, no reactor.

mod connection;
mod faulty;
mod frame;
mod login;
pub(crate) mod probe;
mod recording;
mod socket;
mod transport;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
#[cfg(feature = "fuzzing")]
use std::sync::Weak;
use std::sync::mpsc::{self, Receiver};
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
    /// What the accept thread waits on.
    waiter: Arc<Waiter>,
    open: Arc<Mutex<Vec<Open>>>,
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
    /// What its requests wait on.
    waiter: Arc<Waiter>,
    thread: JoinHandle<()>,
    /// Its other end is gone as soon as it has served its last request.
    served: Receiver<()>,
}

/// How connections are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Whatever is asked or answered on them.
    AtOnce,
    /// When what was asked on them before is answered, unless it waits for something else.
    Answered,
}

/// How long an answer may take to get to a client that is about to lose its connection.
const LAST_ANSWER: Duration = Duration::from_secs(1);

impl Server {
    pub(crate) fn start(listener: TcpListener, door: Door) -> io::Result<Self> {
        let address = reachable(listener.local_addr()?);
        let open = Arc::new(Mutex::new(Vec::new()));
        let (number, waiter) = door.cluster.register_waiter();
        let acceptor = {
            let (open, own) = (Arc::clone(&open), Arc::clone(&waiter));
            let name = format!("kafka-accept-{}", door.node_id);
            let (cluster, door) = (Arc::clone(&door.cluster), Arc::new(door));
            let accepts = move || {
                accept(&listener, &door, &open, &own);
                door.cluster.unregister_waiter(number);
            };
            let spawned = Builder::new().name(name).stack_size(STACK).spawn(accepts);
            spawned.inspect_err(|_| cluster.unregister_waiter(number))?
        };
        Ok(Self { address, acceptor: Some(acceptor), waiter, open })
    }

    /// Closes the listener and every connection, and waits until their threads have ended. Requests that wait are not
    /// answered.
    pub(crate) fn stop(&mut self, closing: Closing) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.waiter.end();
        // First the connections, so that there is a descriptor for the one below, then those that came meanwhile.
        self.close_connections(closing);
        while !acceptor.is_finished() {
            // `accept` can only be woken by a connection.
            if TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok() {
                break;
            }
        }
        join(acceptor);
        self.close_connections(closing);
    }

    fn close_connections(&self, closing: Closing) {
        let open = std::mem::take(&mut *self.open.lock());
        if closing == Closing::Answered {
            for connection in &open {
                connection.known.stop_reading();
                connection.waiter.end();
            }
            // Fails when it was served, which is what is waited for, or when its client does not take the answer.
            open.iter().for_each(|connection| _ = connection.served.recv_timeout(LAST_ANSWER));
        }
        for connection in &open {
            connection.known.shut_down();
            connection.waiter.end();
        }
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
    if thread.thread().id() == std::thread::current().id() {
        // A function of a test stops the node that asked it: this thread ends when the function has returned.
        return;
    }
    let name = thread.thread().name().unwrap_or_default().to_owned();
    if thread.join().is_err() {
        tracing::error!(thread = name, "a thread of the embedded broker has panicked");
    }
}

fn accept(listener: &TcpListener, door: &Arc<Door>, open: &Mutex<Vec<Open>>, waiter: &Arc<Waiter>) {
    while !waiter.has_ended() {
        match listener.accept() {
            Ok(_) if waiter.has_ended() => break,
            Ok((stream, peer)) => {
                if let Err(error) = admit(stream, peer, door, open, waiter) {
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
    // A door is a node's.
    let Some(connections) = cluster.connections.of(door.node_id) else { return Ok(()) };
    match connections.admit(cluster, waiter, (door.node_id, name), peer.ip().to_canonical()) {
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

/// Blocks until a point of time, or until the connection is to be closed.
fn hold(cluster: &Cluster, waiter: &Arc<Waiter>, until: Timestamp) {
    while !waiter.has_ended() && waiter.wait(&cluster.clock, Some(until)) != Woken::Deadline {}
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
    let (number, waiter) = door.cluster.register_waiter();
    let (own_door, own, own_waiter) = (Arc::clone(door), Arc::clone(&known), Arc::clone(&waiter));
    let (serving, served) = mpsc::channel();
    let thread = Builder::new().name(format!("kafka-conn-{}", peer.port())).stack_size(STACK).spawn(move || {
        let _serving: mpsc::Sender<()> = serving;
        run(&own_door, Socket(socket), (number, &own_waiter), Arc::clone(&own));
        own_door.cluster.open_connections.closed(&own);
        own_door.cluster.unregister_waiter(number);
    });
    let thread = thread.inspect_err(|_| {
        door.cluster.open_connections.closed(&known);
        door.cluster.unregister_waiter(number);
    })?;
    let ended: Vec<Open>;
    {
        let mut open = open.lock();
        let (done, running) = std::mem::take(&mut *open).into_iter().partition(|one| one.thread.is_finished());
        *open = running;
        open.push(Open { known, waiter, thread, served });
        ended = done;
    }
    ended.into_iter().for_each(|one| join(one.thread));
    Ok(())
}
