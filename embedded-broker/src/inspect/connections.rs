//! The connections that are open, as a test looks at them.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::awaiting::{Awaited, Waiting};
use crate::broker::EmbeddedBroker;
use crate::clock::Waiter;
use crate::cluster::Cluster;
use crate::error::{Error, ErrorCode};
use crate::open_connections::OpenConnection;

/// How long [`ConnectionsView::await_open`] waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientConnection {
    /// `client.id`, as its first request says; empty before that.
    pub client_id: String,
    /// The node it came to.
    pub node_id: i32,
    /// The listener it came in by.
    pub listener: Arc<str>,
    /// Where it came from.
    pub peer: SocketAddr,
}

/// The connections of an [`EmbeddedBroker`]: each call shows the moment.
#[derive(Clone)]
#[must_use = "it only shows connections when it is asked"]
pub struct ConnectionsView {
    cluster: Arc<Cluster>,
    client_id: Option<String>,
}

impl EmbeddedBroker {
    /// The connections that are open, to count them, to wait for them and to end them.
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().start()?;
    /// assert_eq!(broker.connections().count(), 0);
    /// // … a client is closed …
    /// broker.connections().client("checkout").await_open(0).wait()?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn connections(&self) -> ConnectionsView {
        ConnectionsView { cluster: Arc::clone(&self.cluster), client_id: None }
    }
}

impl ConnectionsView {
    /// Only those of clients with this `client.id`.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// Those that are open, the oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<ClientConnection> {
        self.open().iter().map(|connection| ClientConnection::from(&**connection)).collect()
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open().len()
    }

    /// Closes them, as a broker that ends does; clients may connect again.
    pub fn close(&self) {
        self.open().iter().for_each(|connection| connection.shut_down());
    }

    /// Waits until exactly `n` are open. It gives up after 10 s, or what [`within`](AwaitConnections::within) says.
    pub fn await_open(&self, n: usize) -> AwaitConnections {
        AwaitConnections { connections: self.clone(), n, patience: PATIENCE }
    }

    fn open(&self) -> Vec<Arc<OpenConnection>> {
        self.cluster.open_connections.of(self.client_id.as_deref())
    }
}

impl fmt::Debug for ConnectionsView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionsView").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl From<&OpenConnection> for ClientConnection {
    fn from(open: &OpenConnection) -> Self {
        Self {
            client_id: open.client_id().to_owned(),
            node_id: open.node_id,
            listener: Arc::clone(&open.listener),
            peer: open.peer,
        }
    }
}

/// Connections that are waited for: await it, or call [`wait`](Self::wait).
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for until it is awaited or `wait` is called"]
pub struct AwaitConnections {
    connections: ConnectionsView,
    n: usize,
    patience: Duration,
}

impl AwaitConnections {
    /// Gives up after `patience` of the broker's clock instead of 10 s.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Blocks this thread until as many are open.
    ///
    /// # Errors
    ///
    /// If they are not in time, or the broker stops.
    pub fn wait(self) -> Result<Vec<ClientConnection>, Error> {
        let patience = self.patience;
        Waiting::begin(self, patience).wait()
    }

    /// What is waited for, in words.
    fn what(&self) -> String {
        let whose = self.connections.client_id.as_ref().map_or(String::new(), |id| format!(" of client {id}"));
        format!("{} connections{whose}", self.n)
    }
}

impl IntoFuture for AwaitConnections {
    type Output = Result<Vec<ClientConnection>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let patience = self.patience;
        Box::pin(Waiting::begin(self, patience))
    }
}

impl Awaited for AwaitConnections {
    type Output = Vec<ClientConnection>;
    type Watch = ();

    fn cluster(&self) -> &Arc<Cluster> {
        &self.connections.cluster
    }

    fn watch(&self, number: u64, waiter: &Arc<Waiter>) {
        self.cluster().open_connections.watches.add(number, waiter);
    }

    fn unwatch(&self, number: u64) {
        self.cluster().open_connections.watches.remove(number);
    }

    fn watch_next(&self, _waiter: &Arc<Waiter>) {}

    fn look(&self) -> Option<Result<Self::Output, Error>> {
        let open = self.connections.all();
        if open.len() == self.n {
            return Some(Ok(open));
        }
        let stopped = || Err(Error::new(format!("the broker stopped before {} were open", self.what())));
        self.cluster().is_stopping().then(stopped)
    }

    fn too_late(&self) -> Error {
        let (there, patience) = (self.connections.count(), self.patience);
        let message = format!("{} were not open within {patience:?}: {there} are", self.what());
        Error::with_code(ErrorCode::RequestTimedOut, message)
    }
}
