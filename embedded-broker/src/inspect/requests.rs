//! What clients have asked, as a test looks at it.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::awaiting::{Awaited, Waiting};
use super::version_report::VersionReport;
use crate::clock::Waiter;
use crate::cluster::Cluster;
use crate::error::{Error, ErrorCode};
use crate::fault::api_name::Api;

/// How long [`RequestLog::await_requests`] waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request that a client has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// What was asked.
    pub api: Api,
    /// The version the client chose.
    pub version: i16,
    /// The node that was asked.
    pub node_id: i32,
    /// The client's `client.id`; empty if it has none.
    pub client_id: Arc<str>,
    /// The listener it came in by.
    pub listener: Arc<str>,
    /// When it was read, by the broker's clock: milliseconds since 1970.
    pub timestamp: i64,
}

/// The requests that have come since this was made: [`EmbeddedBroker::requests`](crate::EmbeddedBroker::requests).
///
/// Requests are kept as long as any of these is there, the last 65,536 of them. Requests that are refused without being
/// looked at, such as those of a version that is not served, are not among them.
///
/// ```
/// use embedded_broker::{Api, EmbeddedBroker};
///
/// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
/// let requests = broker.requests();
/// // … a client does something …
/// assert_eq!(requests.on(Api::Produce).client("checkout").count(), 0);
/// requests.on(Api::Fetch).await_requests(0).wait()?;
/// println!("{}", requests.version_report());
/// # Ok::<(), embedded_broker::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "requests are only kept while somebody looks at them"]
pub struct RequestLog {
    looker: Arc<Looker>,
    from: u64,
    api: Option<Api>,
    client_id: Option<String>,
}

/// Keeps the recorder on.
struct Looker(Arc<Cluster>);

impl Drop for Looker {
    fn drop(&mut self) {
        self.0.recorder.end();
    }
}

impl RequestLog {
    pub(crate) fn new(cluster: &Arc<Cluster>) -> Self {
        let from = cluster.recorder.begin();
        Self { looker: Arc::new(Looker(Arc::clone(cluster))), from, api: None, client_id: None }
    }

    /// Only requests of this kind.
    pub fn on(&self, api: Api) -> Self {
        Self { api: Some(api), ..self.clone() }
    }

    /// Only requests of clients with this `client.id`.
    pub fn client(&self, id: impl Into<String>) -> Self {
        Self { client_id: Some(id.into()), ..self.clone() }
    }

    /// The requests, the oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<RecordedRequest> {
        self.look(|requests, _| requests.cloned().collect())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.look(|requests, _| requests.count())
    }

    /// How many requests, of every kind, have been forgotten because too many came.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.look(|_, forgotten| forgotten)
    }

    /// Which versions of each request the broker offers, and which of them were used, how often.
    #[must_use]
    pub fn version_report(&self) -> VersionReport {
        VersionReport::of(self)
    }

    pub(super) fn cluster(&self) -> &Arc<Cluster> {
        &self.looker.0
    }

    /// Waits until there are at least `n` and returns all there are then. It gives up after 10 s, or what
    /// [`within`](AwaitRequests::within) says.
    pub fn await_requests(&self, n: usize) -> AwaitRequests {
        AwaitRequests { requests: self.clone(), n, patience: PATIENCE }
    }

    fn look<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &RecordedRequest>, u64) -> T) -> T {
        let fits = |request: &&RecordedRequest| {
            self.api.is_none_or(|api| api == request.api)
                && self.client_id.as_deref().is_none_or(|id| id == &*request.client_id)
        };
        self.looker.0.recorder.look(self.from, |requests, forgotten| look(&mut requests.filter(fits), forgotten))
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLog").field("api", &self.api).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Requests that are waited for: await it, or call [`wait`](Self::wait).
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for until it is awaited or `wait` is called"]
pub struct AwaitRequests {
    requests: RequestLog,
    n: usize,
    patience: Duration,
}

impl AwaitRequests {
    /// Gives up after `patience` of the broker's clock instead of 10 s.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Blocks this thread until the requests have come.
    ///
    /// # Errors
    ///
    /// If they have not come in time, or the broker stops.
    pub fn wait(self) -> Result<Vec<RecordedRequest>, Error> {
        let patience = self.patience;
        Waiting::begin(self, patience).wait()
    }

    /// What is waited for, in words.
    fn what(&self) -> String {
        let RequestLog { api, client_id, .. } = &self.requests;
        let kind = api.map_or(String::new(), |api| format!("{api:?} "));
        let whose = client_id.as_ref().map_or(String::new(), |id| format!(" of client {id}"));
        format!("{} {kind}requests{whose}", self.n)
    }
}

impl IntoFuture for AwaitRequests {
    type Output = Result<Vec<RecordedRequest>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let patience = self.patience;
        Box::pin(Waiting::begin(self, patience))
    }
}

impl Awaited for AwaitRequests {
    type Output = Vec<RecordedRequest>;
    type Watch = ();

    fn cluster(&self) -> &Arc<Cluster> {
        self.requests.cluster()
    }

    fn watch(&self, number: u64, waiter: &Arc<Waiter>) {
        self.cluster().recorder.watches.add(number, waiter);
    }

    fn unwatch(&self, number: u64) {
        self.cluster().recorder.watches.remove(number);
    }

    fn watch_next(&self, _waiter: &Arc<Waiter>) {}

    fn look(&self) -> Option<Result<Self::Output, Error>> {
        if self.requests.count() >= self.n {
            return Some(Ok(self.requests.all()));
        }
        let stopped = || Err(Error::new(format!("the broker stopped before {} had come", self.what())));
        self.cluster().is_stopping().then(stopped)
    }

    fn too_late(&self) -> Error {
        let message =
            format!("{} did not come within {:?}: {} are there", self.what(), self.patience, self.requests.count());
        Error::with_code(ErrorCode::RequestTimedOut, message)
    }
}
