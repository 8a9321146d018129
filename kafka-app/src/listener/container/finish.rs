//! The end of a listener that reads to the end.
//!
//! How far its own consumers are, they say, and they know it of librdkafka: a record behind the end, or its word that
//! there is no more. How far those of other processes are, nobody says: a broker tells no one of another's commits. So it is
//! asked, at times that go apart ([`LOOK_AGAIN`]); when somebody leaves the group its partitions come here, and that is told.

use std::{
    future::{Future as _, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::sync::watch;

use super::Container;
use crate::{
    config::{Retry, Subscription},
    error_handler::{BackOff, random},
    listener::{ends::Ends, pump::ConsumerStatus},
    record::TopicPartition,
};

/// When it is looked again how far others are: soon, and then each time after twice as long. So who finishes first does
/// so at most as late again as the others were, and never later than the longest of these; who is left learns at once.
const LOOK_AGAIN: Retry = Retry {
    attempts: u32::MAX,
    backoff: Duration::from_millis(100),
    multiplier: 2.0,
    max_backoff: Duration::from_secs(10),
    // Processes that were started together do not ask together for long.
    jitter: 0.2,
};

impl Container {
    /// Resolves when its group has handled all that there was: its own consumers all they own, and others the rest. A group
    /// that shares partitions out moves them while it forms; whoever left early would leave some to nobody.
    pub(super) async fn has_read_to_the_end(&self, ends: &Arc<Ends>) {
        let mut consumers = Consumers(self.consumers.lock().iter().map(|consumer| consumer.status.clone()).collect());
        if self.listener().by_hand.is_some() {
            consumers.all_done().await;
            return; // It takes what it wants, and shares it with nobody.
        }
        let topics = match &self.listener().subscription {
            Subscription::Topics(topics) => Some(&**topics),
            Subscription::Pattern(_) => None,
        };
        group_has_read(&mut consumers, topics, ends, self.id()).await;
    }
}

/// Resolves when these consumers have read all they own, and their group the rest of these topics; of none, of those that
/// the consumers came to.
async fn group_has_read(consumers: &mut Consumers, topics: Option<&[String]>, ends: &Ends, listener: &str) {
    let mut delays = BackOff::new(&LOOK_AGAIN, random);
    loop {
        let owned = consumers.all_done().await;
        let topics = topics.map_or_else(|| ends.topics(), <[_]>::to_vec);
        match ends.is_unread_elsewhere(topics, &owned).await {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => tracing::warn!(listener, %error, "it is not known whether its group has read to the end"),
        }
        tokio::select! {
            biased;
            () = consumers.any_changed() => delays = BackOff::new(&LOOK_AGAIN, random),
            () = tokio::time::sleep(delays.next_delay()) => {}
        }
    }
}

/// What the consumers of a listener say, up to where it was looked at.
struct Consumers(Vec<watch::Receiver<ConsumerStatus>>);

impl Consumers {
    /// Resolves when no consumer has anything left to do, with what they own.
    async fn all_done(&mut self) -> Vec<TopicPartition> {
        loop {
            for status in &mut self.0 {
                // An error is the end of the consumer, which is told otherwise.
                if status.wait_for(|status| status.is_done).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            // Each may have been given more while the others were waited for.
            let owned = self.0.iter_mut().map(|status| {
                let status = status.borrow_and_update();
                status.is_done.then(|| status.partitions.clone())
            });
            if let Some(owned) = owned.collect::<Option<Vec<_>>>() {
                return owned.concat();
            }
        }
    }

    /// Resolves when one of them says something new.
    async fn any_changed(&mut self) {
        let mut changes: Vec<_> = self.0.iter_mut().map(|status| Some(Box::pin(status.changed()))).collect();
        poll_fn(|cx| {
            for change in &mut changes {
                match change.as_mut().map(|changed| changed.as_mut().poll(cx)) {
                    Some(Poll::Ready(Ok(()))) => return Poll::Ready(()),
                    // It has ended, and says nothing more.
                    Some(Poll::Ready(Err(_))) => *change = None,
                    Some(Poll::Pending) | None => {}
                }
            }
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use tokio::{runtime::Handle, time::Instant};

    use super::*;
    use crate::{client::Inquiry, error::Result, listener::PartitionLag, offset_spec::OffsetSpec};

    /// A broker with two partitions, where others have handled theirs when they were asked for so often.
    struct Broker {
        n_looks: AtomicU32,
        n_until_read: u32,
    }

    impl Inquiry for Broker {
        fn offsets(&self, asked: &[(TopicPartition, OffsetSpec)]) -> Result<Vec<(TopicPartition, i64)>> {
            Ok(asked.iter().map(|(at, _)| (at.clone(), 5)).collect())
        }

        fn lag(&self, _: &[String]) -> Result<Vec<PartitionLag>> {
            Ok(Vec::new())
        }

        fn partitions(&self, _: &[String]) -> Result<Vec<TopicPartition>> {
            Ok(partitions(2))
        }

        fn is_unread(&self, _: &[(TopicPartition, i64)]) -> Result<bool> {
            Ok(self.n_looks.fetch_add(1, SeqCst) + 1 < self.n_until_read)
        }
    }

    fn partitions(n: i32) -> Vec<TopicPartition> {
        (0..n).map(|number| TopicPartition::new("orders", number)).collect()
    }

    fn done(partitions: Vec<TopicPartition>) -> ConsumerStatus {
        ConsumerStatus { has_joined: true, is_done: true, partitions, ..ConsumerStatus::default() }
    }

    /// How long it took a consumer that has read one of two partitions, and how often others were asked for.
    async fn reads(n_until_read: u32, then: impl AsyncFnOnce(&watch::Sender<ConsumerStatus>)) -> (Duration, u32) {
        let broker = Arc::new(Broker { n_looks: AtomicU32::new(0), n_until_read });
        let ends = Ends::new("bill", Arc::<Broker>::clone(&broker), Handle::current());
        let status = watch::Sender::new(done(partitions(1)));
        let mut consumers = Consumers(vec![status.subscribe()]);
        let topics = ["orders".to_owned()];
        let began = Instant::now();
        tokio::join!(group_has_read(&mut consumers, Some(&topics), &ends, "bill"), then(&status));
        (began.elapsed(), broker.n_looks.load(SeqCst))
    }

    #[tokio::test(start_paused = true)]
    async fn others_are_looked_at_soon_and_then_ever_later() {
        let stays = async |_: &watch::Sender<ConsumerStatus>| {};
        let (at_once, n_looks) = reads(1, stays).await;
        assert_eq!((at_once, n_looks), (Duration::ZERO, 1));
        for (n_until_read, at_most) in [(3, 300), (6, 3_100), (10, 100 * 127 + 2 * 10_000)] {
            let (took, n_looks) = reads(n_until_read, stays).await;
            let at_most = Duration::from_millis(at_most);
            assert_eq!(n_looks, n_until_read);
            assert!(took <= at_most && took >= at_most.mul_f64(0.8), "{took:?} for {n_looks} looks");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whose_partitions_come_to_it_is_not_asked_about() {
        let given_the_rest = async |status: &watch::Sender<ConsumerStatus>| {
            tokio::time::sleep(Duration::from_secs(31)).await;
            status.send_modify(|status| *status = ConsumerStatus { is_done: false, ..done(partitions(2)) });
            tokio::time::sleep(Duration::from_secs(7)).await;
            status.send_modify(|status| status.is_done = true);
        };
        let (took, n_looks) = reads(u32::MAX, given_the_rest).await;
        assert_eq!(took, Duration::from_secs(38), "at once when it has read what came");
        assert!(n_looks <= 11, "{n_looks} looks in 31 s");
    }
}
