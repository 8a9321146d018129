//! `acks=all`: a batch is acknowledged once all replicas in sync have it.

use std::sync::Arc;
use std::time::Duration;

use super::respond::Outcome;
use crate::api::{Refusal, RequestContext};
use crate::clock::Woken;
use crate::data_wait::Watch;
use crate::error::ErrorCode;
use crate::partition::{Partition, Unacknowledged, append_wait};

/// A batch that is appended and not acknowledged.
pub(super) struct Pending {
    /// Which of the outcomes it is.
    pub(super) place: usize,
    pub(super) partition: Arc<Partition>,
    pub(super) append: Unacknowledged,
}

/// Waits until every batch is acknowledged, or cannot be any more. As Kafka, what is not by the deadline has timed out; the
/// batches are there all the same, and so are their offsets in the answer.
pub(super) fn wait(
    cx: &RequestContext<'_>,
    mut pending: Vec<Pending>,
    timeout: Duration,
    outcomes: &mut [Outcome],
) -> Result<(), Refusal> {
    let deadline = cx.cluster.clock.now() + timeout;
    let mut woken = Woken::Event;
    loop {
        pending.retain(|one| match one.partition.is_acknowledged(one.append) {
            None => true,
            Some(Ok(())) => false,
            Some(Err(code)) => {
                outcomes[one.place].late_error(code);
                false
            }
        });
        if pending.is_empty() {
            return Ok(());
        }
        if woken == Woken::Deadline {
            pending.iter().for_each(|one| outcomes[one.place].late_error(ErrorCode::RequestTimedOut));
            return Ok(());
        }
        let appends = pending.iter().map(|one| (&one.partition, one.append));
        let watch = Watch::appends(append_wait(cx.waiter), appends);
        woken = cx.waiter.wait(&cx.cluster.clock, Some(deadline));
        drop(watch);
        if cx.waiter.has_ended() {
            return Err(Refusal::without_blame("the broker stops"));
        }
    }
}
