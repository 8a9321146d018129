//! [`Ends`]: where the partitions of a listener that reads to the end ended when it came to them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::mailbox::{Command, Mailbox};
use crate::{
    client::{Inquiry, blocking},
    error::{Error, Result},
    offset_spec::OffsetSpec,
    record::TopicPartition,
};

/// Where partitions ended when they were first asked for since the start: however often they change hands, the listener
/// reads to there and no further, so that it ends while records keep coming. Shared by its consumers.
pub(crate) struct Ends {
    listener_id: Arc<str>,
    inquiry: Arc<dyn Inquiry>,
    runtime: Handle,
    known: Mutex<BTreeMap<TopicPartition, i64>>,
}

impl Ends {
    pub(crate) fn new(listener_id: &str, inquiry: Arc<dyn Inquiry>, runtime: Handle) -> Arc<Self> {
        Arc::new(Self { listener_id: listener_id.into(), inquiry, runtime, known: Mutex::default() })
    }

    /// Tells a pump where these end, once that is known; fails its listener if nobody says so.
    pub(crate) fn tell(self: &Arc<Self>, partitions: Vec<TopicPartition>, mailbox: Arc<Mailbox>) {
        let ends = Arc::clone(self);
        self.runtime.spawn(async move {
            mailbox.send(match ends.of(partitions).await {
                Ok(ends) => Command::Ends(ends),
                Err(error) => Command::Failed { error: ends.unknown(error) },
            });
        });
    }

    /// Tells a pump where this one ends now, unless it ended before that: its log may have become shorter.
    pub(crate) fn tell_anew(self: &Arc<Self>, partition: TopicPartition, mailbox: Arc<Mailbox>) {
        let ends = Arc::clone(self);
        self.runtime.spawn(async move {
            mailbox.send(match ends.anew(partition).await {
                Ok(ends) => Command::Ends(ends),
                Err(error) => Command::Failed { error: ends.unknown(error) },
            });
        });
    }

    async fn anew(&self, partition: TopicPartition) -> Result<Vec<(TopicPartition, i64)>> {
        let inquiry = Arc::clone(&self.inquiry);
        let answered = blocking(move || inquiry.offsets(&[(partition, OffsetSpec::Latest)])).await??;
        let mut known = self.known.lock();
        let smallest = |(at, end): (TopicPartition, i64)| {
            let known = known.entry(at.clone()).or_insert(end);
            *known = end.min(*known);
            (at, *known)
        };
        Ok(answered.into_iter().map(smallest).collect())
    }

    fn unknown(&self, error: Error) -> Error {
        let text = format!("listener `{}` reads to the end, but nobody says where that is", self.listener_id);
        Error::new(error.kind(), text).with_source(error)
    }

    async fn of(&self, partitions: Vec<TopicPartition>) -> Result<Vec<(TopicPartition, i64)>> {
        let is_unknown = |known: &BTreeMap<TopicPartition, i64>, at: &TopicPartition| !known.contains_key(at);
        let asked: Vec<_> = {
            let known = self.known.lock();
            partitions.iter().filter(|at| is_unknown(&known, at)).map(|at| (at.clone(), OffsetSpec::Latest)).collect()
        };
        if !asked.is_empty() {
            let inquiry = Arc::clone(&self.inquiry);
            let answered = blocking(move || inquiry.offsets(&asked)).await??;
            let mut known = self.known.lock();
            for (at, end) in answered {
                known.entry(at).or_insert(end);
            }
        }
        let known = self.known.lock();
        Ok(partitions.into_iter().filter_map(|at| known.get(&at).map(|end| (at.clone(), *end))).collect())
    }

    /// Whether its group has records left, before the ends, of partitions of `topics` that are none of these: of another
    /// process, or on their way from one consumer to the next.
    pub(crate) async fn is_unread_elsewhere(&self, topics: Vec<String>, owned: &[TopicPartition]) -> Result<bool> {
        let inquiry = Arc::clone(&self.inquiry);
        let all = blocking(move || inquiry.partitions(&topics)).await??;
        let others: Vec<_> = all.into_iter().filter(|at| !owned.contains(at)).collect();
        if others.is_empty() {
            return Ok(false);
        }
        let upto = self.of(others).await?;
        let inquiry = Arc::clone(&self.inquiry);
        blocking(move || inquiry.is_unread(&upto)).await?
    }

    /// The topics of the partitions that it came to.
    pub(crate) fn topics(&self) -> Vec<String> {
        let mut topics: Vec<_> = self.known.lock().keys().map(|at| at.topic.to_string()).collect();
        topics.dedup();
        topics
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ends").field(&self.known.lock()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::listener::PartitionLag;

    /// A broker whose partitions all end here.
    struct Broker(AtomicI64);

    impl Inquiry for Broker {
        fn offsets(&self, asked: &[(TopicPartition, OffsetSpec)]) -> Result<Vec<(TopicPartition, i64)>> {
            Ok(asked.iter().map(|(at, _)| (at.clone(), self.0.load(Ordering::SeqCst))).collect())
        }

        fn lag(&self, _: &[String]) -> Result<Vec<PartitionLag>> {
            Ok(Vec::new())
        }

        fn partitions(&self, _: &[String]) -> Result<Vec<TopicPartition>> {
            Ok(Vec::new())
        }

        fn is_unread(&self, _: &[(TopicPartition, i64)]) -> Result<bool> {
            Ok(false)
        }
    }

    #[tokio::test]
    async fn an_end_stays_while_records_come_and_moves_only_back() {
        let broker = Arc::new(Broker(AtomicI64::new(5)));
        let ends = Ends::new("bill", Arc::<Broker>::clone(&broker), Handle::current());
        let at = TopicPartition::new("orders", 0);
        assert_eq!(ends.of(vec![at.clone()]).await.expect("it answers"), [(at.clone(), 5)]);
        broker.0.store(9, Ordering::SeqCst);
        assert_eq!(ends.of(vec![at.clone()]).await.expect("it is known"), [(at.clone(), 5)]);
        assert_eq!(ends.anew(at.clone()).await.expect("it answers"), [(at.clone(), 5)]);
        broker.0.store(3, Ordering::SeqCst);
        assert_eq!(ends.anew(at.clone()).await.expect("it answers"), [(at.clone(), 3)]);
        assert_eq!(ends.of(vec![at.clone()]).await.expect("it is known"), [(at, 3)]);
    }
}
