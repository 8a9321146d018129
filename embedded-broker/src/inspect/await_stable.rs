//! Waiting until a group has come to rest.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::awaiting::{Awaited, Waiting};
use super::group::{GroupMember, look_at};
use crate::clock::Waiter;
use crate::cluster::Cluster;
use crate::coordinator::group::state::GroupState;
use crate::error::{Error, ErrorCode};

/// How long [`ConsumerGroup::await_stable`](super::group::ConsumerGroup::await_stable) waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stable group that is waited for: await it, or call [`wait`](Self::wait).
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for until it is awaited or `wait` is called"]
pub struct AwaitStable {
    cluster: Arc<Cluster>,
    group_id: String,
    members: usize,
    patience: Duration,
}

impl AwaitStable {
    pub(crate) fn new(cluster: &Arc<Cluster>, group_id: &str, members: usize) -> Self {
        Self { cluster: Arc::clone(cluster), group_id: group_id.to_owned(), members, patience: PATIENCE }
    }

    /// Gives up after `patience` of the broker's clock instead of 30 s.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Blocks this thread until the group is stable.
    ///
    /// # Errors
    ///
    /// If it is not in time, or the broker stops.
    pub fn wait(self) -> Result<Vec<GroupMember>, Error> {
        let patience = self.patience;
        Waiting::begin(self, patience).wait()
    }
}

impl IntoFuture for AwaitStable {
    type Output = Result<Vec<GroupMember>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let patience = self.patience;
        Box::pin(Waiting::begin(self, patience))
    }
}

impl Awaited for AwaitStable {
    type Output = Vec<GroupMember>;
    type Watch = ();

    fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    fn watch(&self, number: u64, waiter: &Arc<Waiter>) {
        self.cluster.groups.watches.add(number, waiter);
    }

    fn unwatch(&self, number: u64) {
        self.cluster.groups.watches.remove(number);
    }

    fn watch_next(&self, _waiter: &Arc<Waiter>) {}

    /// The members, once the group is stable with as many as were asked for.
    fn look(&self) -> Option<Result<Vec<GroupMember>, Error>> {
        let Self { cluster, group_id, members: n, .. } = self;
        if cluster.is_stopping() {
            let message = format!("the broker stopped before group {group_id} was stable with {n} members");
            return Some(Err(Error::new(message)));
        }
        let (state, members) = look_at(cluster, group_id);
        let at_rest = if *n == 0 { GroupState::Empty } else { GroupState::Stable };
        (state == at_rest && members.len() == *n).then_some(Ok(members))
    }

    fn too_late(&self) -> Error {
        let Self { cluster, group_id, members: n, patience } = self;
        let (state, members) = look_at(cluster, group_id);
        let message = format!(
            "group {group_id} was not stable with {n} members within {patience:?}: it is {} with {}",
            state.name(),
            members.len()
        );
        Error::with_code(ErrorCode::RequestTimedOut, message)
    }
}
