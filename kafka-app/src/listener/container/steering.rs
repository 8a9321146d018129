//! Pauses and seeks of a listener that runs.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::oneshot};

use super::{Container, ListenerState};
use crate::{
    client::blocking,
    config::Subscription,
    error::{Error, ErrorKind, Result},
    listener::{PartitionLag, events::ListenerEvent, mailbox::Command, pauses::Pauses},
    offset_spec::OffsetSpec,
    record::TopicPartition,
};

impl Container {
    /// Hands over no further record, across rebalances and restarts, until it is told otherwise. Records handed over
    /// already are still handled.
    pub(crate) fn set_paused(&self, is_paused: bool) {
        let mut n_pauses = self.n_pauses.lock();
        *n_pauses += 1;
        self.steer_all(is_paused);
    }

    /// As a pause that ends after this time, unless something else is said before.
    ///
    /// # Errors
    /// Called outside a tokio runtime.
    pub(crate) fn pause_for(self: &Arc<Self>, time: Duration) -> Result<()> {
        let runtime = Handle::try_current().map_err(|e| {
            let text = format!("listener `{}` can be paused for a time on a tokio runtime only", self.id());
            Error::new(ErrorKind::Config, text).with_source(e)
        })?;
        let mut n_pauses = self.n_pauses.lock();
        *n_pauses += 1;
        self.steer_all(true);
        let (this, nth) = (Arc::downgrade(self), *n_pauses);
        runtime.spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(container) = this.upgrade() {
                let n_pauses = container.n_pauses.lock();
                if *n_pauses == nth {
                    container.steer_all(false);
                }
            }
        });
        Ok(())
    }

    fn steer_all(&self, is_paused: bool) {
        if self.steer(|pauses| std::mem::replace(&mut pauses.all, is_paused) != is_paused) {
            self.spec.events.tell(|listener| match is_paused {
                true => ListenerEvent::Paused { listener },
                false => ListenerEvent::Resumed { listener },
            });
        }
        self.state.send_if_modified(|state| {
            let next = match state {
                ListenerState::Running if is_paused => ListenerState::Paused,
                ListenerState::Paused if !is_paused => ListenerState::Running,
                _ => return false,
            };
            *state = next;
            true
        });
    }

    /// The same for one partition, whether it is assigned now or not.
    ///
    /// # Errors
    /// The listener does not read that topic.
    pub(crate) fn set_partition_paused(&self, partition: TopicPartition, is_paused: bool) -> Result<()> {
        self.check_topic(&partition)?;
        if self.steer(|pauses| pauses.set(partition.clone(), is_paused)) {
            self.spec.events.tell(|listener| match is_paused {
                true => ListenerEvent::PartitionPaused { listener, partition },
                false => ListenerEvent::PartitionResumed { listener, partition },
            });
        }
        Ok(())
    }

    /// Partitions that were paused one by one, in order.
    pub(crate) fn paused_partitions(&self) -> Vec<TopicPartition> {
        self.pauses.lock().partitions.iter().cloned().collect()
    }

    /// Changes what is paused, and tells every consumer: any of them may own a partition later. Whether that changed
    /// anything.
    fn steer(&self, change: impl FnOnce(&mut Pauses) -> bool) -> bool {
        let consumers = self.consumers.lock();
        let mut pauses = self.pauses.lock();
        let is_news = change(&mut pauses);
        for consumer in consumers.iter().filter(|_| is_news) {
            consumer.mailbox.send(Command::Pauses(pauses.clone()));
        }
        is_news
    }

    fn check_topic(&self, partition: &TopicPartition) -> Result<()> {
        match &self.listener().subscription {
            Subscription::Topics(topics) if !topics.iter().any(|topic| **topic == *partition.topic) => {
                let text = format!("listener `{}` does not read `{}`, but {topics:?}", self.id(), partition.topic);
                Err(Error::new(ErrorKind::Refused, text))
            }
            // What a pattern matches is the broker's to say.
            Subscription::Topics(_) | Subscription::Pattern(_) => Ok(()),
        }
    }

    /// Goes on at this offset of a partition: running handlers of it finish, records that wait are dropped.
    ///
    /// A position before the committed one is committed only when handling has passed the committed one again.
    ///
    /// # Errors
    /// The partition is not assigned to this listener, or was revoked meanwhile; it stops; another seek came before this one was
    /// done; or the offset is none.
    pub(crate) async fn seek(&self, partition: TopicPartition, offset: i64) -> Result<()> {
        OffsetSpec::Offset(offset).check()?;
        let done = self.start_seek(&partition, offset)?;
        self.moved(&partition, done).await
    }

    fn start_seek(&self, partition: &TopicPartition, offset: i64) -> Result<oneshot::Receiver<Result<()>>> {
        let consumers = self.consumers.lock();
        let mut live = consumers.iter().filter(|consumer| !consumer.pulse.is_over());
        let owner = live.find(|consumer| consumer.status.borrow().partitions.contains(partition));
        let owner = owner.ok_or_else(|| self.not_assigned(partition))?;
        if matches!(self.state(), ListenerState::Stopping) {
            return Err(self.not_moved(partition));
        }
        let (reply, done) = owner.mailbox.promises.make();
        owner.mailbox.send(Command::Seek { partition: partition.clone(), offset, reply });
        Ok(done)
    }

    async fn moved(&self, partition: &TopicPartition, done: oneshot::Receiver<Result<()>>) -> Result<()> {
        done.await.unwrap_or_else(|_| Err(self.not_moved(partition)))
    }

    fn not_moved(&self, partition: &TopicPartition) -> Error {
        let text = format!("listener `{}` gave {partition} back, or stopped before it went there", self.id());
        Error::new(ErrorKind::Stopped, text)
    }

    fn not_assigned(&self, partition: &TopicPartition) -> Error {
        Error::new(ErrorKind::Refused, format!("listener `{}` is not assigned {partition}", self.id()))
    }

    /// Asks the broker where `to` is in each of these, and goes on there. Returns where that is.
    ///
    /// # Errors
    /// As those of [`Container::seek`], once all of them have moved or failed to; or the broker does not answer, and
    /// nothing has moved.
    pub(crate) async fn seek_to(
        &self,
        partitions: Vec<TopicPartition>,
        to: OffsetSpec,
    ) -> Result<Vec<(TopicPartition, i64)>> {
        to.check()?;
        let owned = self.assignment();
        if let Some(strange) = partitions.iter().find(|partition| !owned.contains(partition)) {
            return Err(self.not_assigned(strange));
        }
        let inquiry = Arc::clone(&self.spec.inquiry);
        let asked = partitions.into_iter().map(|partition| (partition, to)).collect::<Vec<_>>();
        let places = blocking(move || inquiry.offsets(&asked)).await??;
        // All at once: each waits for a handler of its own.
        let started = places.iter().map(|(partition, offset)| self.start_seek(partition, *offset)).collect::<Vec<_>>();
        let mut result = Ok(());
        for (started, (partition, _)) in started.into_iter().zip(&places) {
            let moved = match started {
                Ok(done) => self.moved(partition, done).await,
                Err(error) => Err(error),
            };
            result = result.and(moved);
        }
        result.map(|()| places)
    }

    /// How far its group is behind in these topics.
    ///
    /// # Errors
    /// The broker does not answer.
    pub(crate) async fn lag(&self, topics: Vec<String>) -> Result<Vec<PartitionLag>> {
        let inquiry = Arc::clone(&self.spec.inquiry);
        blocking(move || inquiry.lag(&topics)).await?
    }
}
