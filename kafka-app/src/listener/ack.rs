//! [`Ack`]: a handler's word that a record is dealt with, for the manual ack modes.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};

/// Acknowledges one record; what a handler with `ack = "manual"` or `ack = "manual-immediate"` takes as an argument.
///
/// It is moved by value, so that a record cannot be acknowledged twice, and it may be kept longer than the call: the
/// offset is committed when this record and all before it in the partition are acknowledged. After the partition was
/// revoked it does nothing: the new owner handles the record again.
///
/// One that is dropped unused after its handler returned without an error counts as `nack` without a delay, with a
/// warning in the log: otherwise the partition would never be committed again.
///
/// A second use does not compile, and one that is thrown away is warned of:
///
/// ```compile_fail,E0382
/// fn twice(ack: kafka_app::Ack) {
///     ack.nack(std::time::Duration::ZERO);
///     ack.nack(std::time::Duration::ZERO);
/// }
/// ```
///
/// ```compile_fail
/// #![deny(unused_must_use)]
///
/// fn forgets(next: impl Fn() -> kafka_app::Ack) {
///     next();
/// }
/// ```
#[must_use = "a dropped `Ack` has its record delivered again: call `ack` or `nack`"]
pub struct Ack {
    seq: u64,
    /// `None` once used.
    target: Option<Arc<dyn AckTarget>>,
}

/// Makes the `Ack` of one record.
#[derive(Clone, Copy)]
pub(crate) struct AckSource<'r> {
    pub(crate) seq: u64,
    pub(crate) target: &'r Arc<dyn AckTarget>,
}

/// Where an [`Ack`] reports to; outlives the chunk and is dead after a revoke.
pub(crate) trait AckTarget: Send + Sync {
    fn acknowledge(&self, seq: u64) -> Acked;
    /// Redeliver from this record on after the delay.
    fn nack(&self, seq: u64, delay: Duration);
    /// The `Ack` was dropped unused. What that means depends on how the call ended, see `Progress::left_to_ack`.
    fn dropped(&self, seq: u64);
}

impl Ack {
    pub(crate) fn new(source: AckSource<'_>) -> Self {
        Self { seq: source.seq, target: Some(Arc::clone(source.target)) }
    }

    /// Marks the record as dealt with: at once, even when the returned future is never awaited.
    ///
    /// With `manual` the future is ready at once and the offset goes with the next commit; with `manual-immediate` a
    /// commit starts now and the future ends when the broker confirmed it.
    ///
    /// # Errors
    /// The partition was revoked or the listener stopped meanwhile, or the broker refused the commit. The record will
    /// be delivered again.
    #[expect(clippy::must_use_candidate, reason = "it marks at once; whoever does not wait for the commit need not")]
    pub fn ack(mut self) -> Acked {
        match self.target.take() {
            Some(target) => target.acknowledge(self.seq),
            None => Acked::gone(),
        }
    }

    /// Has this record and all after it in the partition delivered again after `delay`. Polling goes on, and so do the
    /// other partitions.
    pub fn nack(mut self, delay: Duration) {
        if let Some(target) = self.target.take() {
            target.nack(self.seq, delay);
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if let Some(target) = self.target.take() {
            target.dropped(self.seq);
        }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").finish_non_exhaustive()
    }
}

/// What [`Ack::ack`] returns; dropping it is without harm.
#[derive(Debug)]
pub struct Acked(State);

#[derive(Debug)]
enum State {
    Ready(Option<Result<()>>),
    Waiting(oneshot::Receiver<Result<()>>),
}

impl Acked {
    /// Marked; goes with the next commit.
    pub(crate) fn marked() -> Self {
        Self(State::Ready(Some(Ok(()))))
    }

    /// The partition is no longer ours.
    pub(crate) fn gone() -> Self {
        Self(State::Ready(Some(Err(Error::new(
            ErrorKind::Stopped,
            "the acknowledgment came after the partition was revoked: the record will be delivered again",
        )))))
    }

    /// Ends with the commit that holds it.
    pub(crate) fn waiting(confirmed: oneshot::Receiver<Result<()>>) -> Self {
        Self(State::Waiting(confirmed))
    }
}

impl Future for Acked {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            State::Ready(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            State::Waiting(confirmed) => match ready!(Pin::new(confirmed).poll(cx)) {
                Ok(result) => Poll::Ready(result),
                // The sender goes with its partition, or with its consumer.
                Err(_) => Poll::Ready(Err(Error::new(
                    ErrorKind::Stopped,
                    "the partition was revoked, or its listener stopped, before the commit was confirmed: the record may be \
                     delivered again",
                ))),
            },
        }
    }
}
