//! Questions that are asked at once, and never more than so many.

use std::future::Future;

use tokio::task::JoinSet;

/// Of so many things it is asked at once: a coordinator has one connection to answer on.
const AT_ONCE: usize = 32;

/// The answers to questions about each of these, in their order.
pub(super) async fn at_once<T, F>(all: impl IntoIterator<Item = T>, ask: impl Fn(T) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut waiting = all.into_iter().enumerate();
    let mut asked = JoinSet::new();
    let mut answers = Vec::new();
    loop {
        for (place, one) in waiting.by_ref().take(AT_ONCE - asked.len()) {
            let answer = ask(one);
            asked.spawn(async move { (place, answer.await) });
        }
        match asked.join_next().await {
            Some(Ok(answer)) => answers.push(answer),
            // Nobody gives it up, so that it can only have panicked.
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => break,
        }
    }
    answers.sort_unstable_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::Barrier;

    use super::*;

    #[tokio::test]
    async fn many_questions_wait_at_once_and_their_answers_are_in_order() {
        // Nobody goes on before so many are there.
        let barrier = Arc::new(Barrier::new(AT_ONCE));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let ask = |n: usize| {
            let (barrier, now, most) = (Arc::clone(&barrier), Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                barrier.wait().await;
                now.fetch_sub(1, Ordering::SeqCst);
                n
            }
        };
        let answers = at_once(0..3 * AT_ONCE, ask).await;
        assert_eq!(answers, (0..3 * AT_ONCE).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
    }

    #[tokio::test]
    async fn about_nothing_nothing_is_asked() {
        assert_eq!(at_once(Vec::<u8>::new(), |n| async move { n }).await, [0; 0]);
    }
}
