//! Waiting until a group has come to rest.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::group::{GroupMember, look_at};
use crate::clock::{Timestamp, Waiter, Woken};
use crate::cluster::Cluster;
use crate::coordinator::TimerKey;
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
        let waiting = Waiting::new(self);
        loop {
            if let Some(done) = waiting.look() {
                return done;
            }
            if waiting.waiter.wait(&waiting.asked.cluster.clock, Some(waiting.deadline)) == Woken::Deadline {
                return waiting.look().unwrap_or_else(|| Err(waiting.too_late()));
            }
        }
    }
}

impl IntoFuture for AwaitStable {
    type Output = Result<Vec<GroupMember>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(Waiting::new(self))
    }
}

/// A wait that has begun. The broker's threads wake it; no runtime's timers are needed.
struct Waiting {
    asked: AwaitStable,
    deadline: Timestamp,
    number: u64,
    waiter: Arc<Waiter>,
    timer_is_set: bool,
}

impl Waiting {
    fn new(asked: AwaitStable) -> Self {
        let cluster = &asked.cluster;
        let deadline = cluster.clock.now() + asked.patience;
        let (number, waiter) = cluster.register_waiter();
        cluster.groups.watch(number, &waiter);
        Self { asked, deadline, number, waiter, timer_is_set: false }
    }

    /// The members, once the group is stable with as many as were asked for.
    fn look(&self) -> Option<Result<Vec<GroupMember>, Error>> {
        let AwaitStable { cluster, group_id, members: n, .. } = &self.asked;
        if cluster.is_stopping() {
            let message = format!("the broker stopped before group {group_id} was stable with {n} members");
            return Some(Err(Error::new(message)));
        }
        let (state, members) = look_at(cluster, group_id);
        let at_rest = if *n == 0 { GroupState::Empty } else { GroupState::Stable };
        (state == at_rest && members.len() == *n).then_some(Ok(members))
    }

    fn too_late(&self) -> Error {
        let AwaitStable { cluster, group_id, members: n, patience } = &self.asked;
        let (state, members) = look_at(cluster, group_id);
        let message = format!(
            "group {group_id} was not stable with {n} members within {patience:?}: it is {} with {}",
            state.name(),
            members.len()
        );
        Error::with_code(ErrorCode::RequestTimedOut, message)
    }
}

impl Future for Waiting {
    type Output = Result<Vec<GroupMember>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(done) = self.look() {
                return Poll::Ready(done);
            }
            if self.asked.cluster.clock.now() >= self.deadline {
                return Poll::Ready(Err(self.too_late()));
            }
            if !self.timer_is_set {
                self.timer_is_set = true;
                self.asked.cluster.timers.schedule(TimerKey::Await(self.number), self.deadline);
            }
            if !self.waiter.poll_wake(cx.waker()) {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let cluster = &self.asked.cluster;
        cluster.timers.cancel(&TimerKey::Await(self.number));
        cluster.groups.unwatch(self.number);
        cluster.unregister_waiter(self.number);
    }
}
