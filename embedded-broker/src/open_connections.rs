//! The connections that are open: whose they are, and a way to end them.

use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use crate::watches::Watches;

/// All connections of a cluster.
#[derive(Debug, Default)]
pub(crate) struct OpenConnections {
    taken: AtomicU64,
    open: Mutex<BTreeMap<u64, Arc<OpenConnection>>>,
    /// Who wants to know of connections that come and go.
    pub(crate) watches: Watches,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    number: u64,
    pub(crate) node_id: i32,
    pub(crate) listener: Arc<str>,
    pub(crate) peer: SocketAddr,
    /// Its thread has the socket.
    socket: Weak<TcpStream>,
    client_id: OnceLock<Box<str>>,
}

impl OpenConnections {
    /// Takes note of a connection, until it has [closed](Self::closed).
    pub(crate) fn opened(
        &self,
        node_id: i32,
        listener: &Arc<str>,
        peer: SocketAddr,
        socket: Weak<TcpStream>,
    ) -> Arc<OpenConnection> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let listener = Arc::clone(listener);
        let opened = OpenConnection { number, node_id, listener, peer, socket, client_id: OnceLock::new() };
        let opened = Arc::new(opened);
        self.open.lock().insert(number, Arc::clone(&opened));
        self.watches.wake();
        opened
    }

    pub(crate) fn closed(&self, connection: &OpenConnection) {
        self.open.lock().remove(&connection.number);
        self.watches.wake();
    }

    /// Those that are open, of this client or of all, the oldest first.
    pub(crate) fn of(&self, client_id: Option<&str>) -> Vec<Arc<OpenConnection>> {
        let open = self.open.lock();
        let own = open.values().filter(|one| client_id.is_none_or(|id| one.client_id() == id));
        own.cloned().collect()
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.open.lock().len()
    }

    /// Knows from now on whose a connection is.
    pub(crate) fn introduce(&self, connection: &OpenConnection, client_id: &str) {
        _ = connection.client_id.set(client_id.into());
        self.watches.wake();
    }
}

impl OpenConnection {
    /// As its first request says; empty before that.
    pub(crate) fn client_id(&self) -> &str {
        self.client_id.get().map_or("", |id| id)
    }

    /// Whether its first request has come.
    pub(crate) fn is_known(&self) -> bool {
        self.client_id.get().is_some()
    }

    /// Takes nothing more from the client; its thread notices, after what it has begun.
    pub(crate) fn stop_reading(&self) {
        if let Some(socket) = self.socket.upgrade() {
            drop(socket.shutdown(Shutdown::Read));
        }
    }

    /// Ends both directions; its thread notices and does the rest.
    pub(crate) fn shut_down(&self) {
        if let Some(socket) = self.socket.upgrade() {
            // Fails if the peer was faster, which is as well.
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}
