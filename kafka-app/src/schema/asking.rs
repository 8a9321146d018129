//! [`asking`] and [`watched`]: whether a call asks the registry of schemas for something, and gets no answer.

use std::{cell::Cell, pin::pin};

use crate::error::{ErrorKind, Result};

tokio::task_local! {
    /// What the call has asked for and not got; of the call, since others ask at the same time.
    static N_UNANSWERED: Cell<u32>;
}

/// Asks for what a template needs. Without an answer, also if nobody waits for it any more, the call that asks has one
/// question left.
pub(crate) async fn asking<T>(ask: impl Future<Output = Result<T>>) -> Result<T> {
    count(|n| n.saturating_add(1));
    let answer = ask.await;
    if !matches!(&answer, Err(error) if error.kind() == ErrorKind::Unavailable) {
        count(|n| n.saturating_sub(1));
    }
    answer
}

/// Awaits a call; also whether it has questions left.
pub(crate) async fn watched<F: Future>(call: F) -> (F::Output, bool) {
    let mut call = pin!(N_UNANSWERED.scope(Cell::new(0), call));
    let ended = call.as_mut().await;
    let n_unanswered = call.take_value().map_or(0, Cell::into_inner);
    (ended, n_unanswered > 0)
}

fn count(change: impl FnOnce(u32) -> u32) {
    // Nobody watches those who ask outside of a call.
    let _unwatched = N_UNANSWERED.try_with(|n| n.set(change(n.get())));
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;
    use crate::error::Error;

    async fn answers(kind: Option<ErrorKind>) -> Result<()> {
        kind.map_or(Ok(()), |kind| Err(Error::new(kind, "as told")))
    }

    #[tokio::test]
    async fn a_call_has_a_question_left_that_was_not_answered() {
        for (kind, is_left) in [(None, false), (Some(ErrorKind::Refused), false), (Some(ErrorKind::Unavailable), true)]
        {
            let (_, left) = watched(async { asking(answers(kind)).await.is_ok() }).await;
            assert_eq!(left, is_left, "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn so_has_one_that_is_cut_off_while_it_waits_for_the_answer() {
        let call = tokio::time::timeout(Duration::from_secs(1), asking(pending::<Result<()>>()));
        let (ended, left) = watched(call).await;
        assert!(ended.is_err() && left);
    }

    #[tokio::test]
    async fn what_others_ask_is_not_its_question() {
        let others = || asking(answers(Some(ErrorKind::Unavailable)));
        let (_, left) = watched(async { tokio::spawn(others()).await.is_ok() }).await;
        assert!(!left && others().await.is_err());
    }
}
