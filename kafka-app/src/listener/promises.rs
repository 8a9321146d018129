//! [`Promises`]: answers that a consumer's thread owes, so that nobody waits for one that is over.
//!
//! A thread may hang in a call of its client for good, with answers in its hands: so others can let those go who wait.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::Result;

type Reply = Mutex<Option<oneshot::Sender<Result<()>>>>;

/// An answer that is owed; whoever waits for it learns also that it was dropped.
pub(crate) struct Promise(Arc<Reply>);

impl Promise {
    /// Nobody waits for it.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    pub(crate) fn keep(self, result: Result<()>) {
        if let Some(reply) = self.0.lock().take() {
            // Whoever asked may have gone.
            let _gone = reply.send(result);
        }
    }
}

/// All that one consumer owes.
#[derive(Default)]
pub(crate) struct Promises(Mutex<Owed>);

#[derive(Default)]
struct Owed {
    replies: Vec<Weak<Reply>>,
    /// With so many it is time to forget those that were kept.
    sweep_at: usize,
    /// It answers no more.
    is_over: bool,
}

/// It is looked no more often than after so many.
const MIN_SWEEP: usize = 64;

impl Promises {
    pub(crate) fn make(&self) -> (Promise, oneshot::Receiver<Result<()>>) {
        let (reply, answer) = oneshot::channel();
        let mut owed = self.0.lock();
        let promise = Promise(Arc::new(Mutex::new((!owed.is_over).then_some(reply))));
        if owed.replies.len() >= owed.sweep_at {
            owed.replies.retain(|reply| reply.strong_count() > 0);
            owed.sweep_at = (owed.replies.len() * 2).max(MIN_SWEEP);
        }
        owed.replies.push(Arc::downgrade(&promise.0));
        (promise, answer)
    }

    /// Nobody keeps them any more: who waits is let go, and so is who asks from here on.
    pub(crate) fn end(&self) {
        let replies = {
            let mut owed = self.0.lock();
            owed.is_over = true;
            std::mem::take(&mut owed.replies)
        };
        for reply in replies.iter().filter_map(Weak::upgrade) {
            drop(reply.lock().take());
        }
    }
}

#[cfg(test)]
mod tests {
    use oneshot::error::TryRecvError;

    use super::*;

    #[test]
    fn who_waits_for_one_that_is_over_is_let_go_and_so_is_who_comes_later() {
        let promises = Promises::default();
        let (kept, mut answer) = promises.make();
        kept.keep(Ok(()));
        assert!(answer.try_recv().is_ok_and(|result| result.is_ok()));
        let (held, mut answer) = promises.make();
        assert_eq!(answer.try_recv().map(|_| ()), Err(TryRecvError::Empty));
        promises.end();
        assert_eq!(answer.try_recv().map(|_| ()), Err(TryRecvError::Closed));
        held.keep(Ok(()));
        let (_late, mut answer) = promises.make();
        assert_eq!(answer.try_recv().map(|_| ()), Err(TryRecvError::Closed));
    }

    #[test]
    fn those_that_were_kept_are_forgotten() {
        let promises = Promises::default();
        let (_owed, mut answer) = promises.make();
        for _ in 0..10 * MIN_SWEEP {
            promises.make().0.keep(Ok(()));
        }
        assert!(promises.0.lock().replies.len() <= MIN_SWEEP);
        assert_eq!(answer.try_recv().map(|_| ()), Err(TryRecvError::Empty));
    }
}
