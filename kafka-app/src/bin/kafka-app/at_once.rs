//! Questions that are asked at once, and never more than so many.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// Of so many things it is asked at once: a coordinator has one connection to answer on.
const AT_ONCE: usize = 32;

/// The answers to questions about each of these, in their order.
pub(crate) async fn at_once<T, F: Future>(all: impl IntoIterator<Item = T>, ask: impl Fn(T) -> F) -> Vec<F::Output> {
    let mut waiting = all.into_iter().enumerate();
    let mut asked: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut answers = Vec::new();
    loop {
        let room = AT_ONCE - asked.len();
        asked.extend(waiting.by_ref().take(room).map(|(place, one)| (place, Box::pin(ask(one)))));
        if asked.is_empty() {
            break;
        }
        // Whichever has something to tell, all are looked at: there are few, and they may borrow what they need.
        let next = poll_fn(|cx| {
            let answered = asked.iter_mut().enumerate().find_map(|(at, (_, asked))| match asked.as_mut().poll(cx) {
                Poll::Ready(answer) => Some((at, answer)),
                Poll::Pending => None,
            });
            answered.map_or(Poll::Pending, Poll::Ready)
        });
        let (at, answer) = next.await;
        let (place, _) = asked.swap_remove(at);
        answers.push((place, answer));
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
