//! [`ListenerEvent`]: what happens to listeners, as a stream.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::{error::Error, record::TopicPartition};

/// Events that wait for a slow reader, over all listeners; what is more is told as a number.
const CAPACITY: usize = 512;

/// What happened to a listener: changes of its state and its partitions, and trouble. Nothing is told per record, but of
/// those that are given up. Spring's names are given where it has such an event.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ListenerEvent {
    /// Its consumers run (`ConsumerStartedEvent`).
    #[non_exhaustive]
    Started {
        /// Id of the listener.
        listener: Arc<str>,
    },
    /// A consumer of it has taken over these partitions, which may be none; what it had before it keeps
    /// (`onPartitionsAssigned`).
    #[non_exhaustive]
    Assigned {
        /// Id of the listener.
        listener: Arc<str>,
        /// Which of its consumers, from 0.
        consumer: u32,
        /// The new ones.
        partitions: Vec<TopicPartition>,
    },
    /// A consumer of it has given these partitions back: what was finished is committed (`onPartitionsRevoked`).
    #[non_exhaustive]
    Revoked {
        /// Id of the listener.
        listener: Arc<str>,
        /// Which of its consumers, from 0.
        consumer: u32,
        /// Those that it has no longer.
        partitions: Vec<TopicPartition>,
    },
    /// These partitions are others' already, who handle again what was not committed (`onPartitionsLost`).
    #[non_exhaustive]
    Lost {
        /// Id of the listener.
        listener: Arc<str>,
        /// Which of its consumers, from 0.
        consumer: u32,
        /// Those that it has no longer.
        partitions: Vec<TopicPartition>,
    },
    /// It hands over no further record (`ConsumerPausedEvent`).
    #[non_exhaustive]
    Paused {
        /// Id of the listener.
        listener: Arc<str>,
    },
    /// The pause ended (`ConsumerResumedEvent`).
    #[non_exhaustive]
    Resumed {
        /// Id of the listener.
        listener: Arc<str>,
    },
    /// One partition was paused (`ConsumerPartitionPausedEvent`).
    #[non_exhaustive]
    PartitionPaused {
        /// Id of the listener.
        listener: Arc<str>,
        /// Assigned or not.
        partition: TopicPartition,
    },
    /// The pause of one partition ended (`ConsumerPartitionResumedEvent`).
    #[non_exhaustive]
    PartitionResumed {
        /// Id of the listener.
        listener: Arc<str>,
        /// Assigned or not.
        partition: TopicPartition,
    },
    /// A consumer of it got no record for `idle-event-interval`; told again after each further one
    /// (`ListenerContainerIdleEvent`).
    #[non_exhaustive]
    Idle {
        /// Id of the listener.
        listener: Arc<str>,
        /// Which of its consumers, from 0.
        consumer: u32,
        /// Since its last record, or its start.
        idle_for: Duration,
        /// It takes none now, since the listener is paused or its circuit is not closed: there may be some.
        paused: bool,
    },
    /// Records come again (`ListenerContainerNoLongerIdleEvent`).
    #[non_exhaustive]
    NoLongerIdle {
        /// Id of the listener.
        listener: Arc<str>,
        /// Which of its consumers, from 0.
        consumer: u32,
        /// For how long none came.
        idle_for: Duration,
    },
    /// A partition got no record for `idle-partition-event-interval`; told again after each further one
    /// (`ListenerContainerPartitionIdleEvent`).
    #[non_exhaustive]
    PartitionIdle {
        /// Id of the listener.
        listener: Arc<str>,
        /// An assigned one.
        partition: TopicPartition,
        /// Since its last record, or its assignment.
        idle_for: Duration,
        /// None is taken now, since it or the listener is paused, or the listener's circuit is not closed: there may be some.
        paused: bool,
    },
    /// Records of the partition come again (`ListenerContainerPartitionNoLongerIdleEvent`).
    #[non_exhaustive]
    PartitionNoLongerIdle {
        /// Id of the listener.
        listener: Arc<str>,
        /// An assigned one.
        partition: TopicPartition,
        /// For how long none came.
        idle_for: Duration,
    },
    /// A record is not finished after 5 minutes: its handler hangs, waits or never acknowledged it. Told again ever more
    /// rarely (`NonResponsiveConsumerEvent`, which Spring has of a poll that does not come).
    #[non_exhaustive]
    StuckHandler {
        /// Id of the listener.
        listener: Arc<str>,
        /// Where the record is.
        partition: TopicPartition,
        /// Of the oldest record that is not finished; while the listener's circuit is half open, of the one that tries.
        offset: Option<i64>,
        /// For how long it has been that.
        elapsed: Duration,
    },
    /// A record was given up: its deliveries are spent, or what failed is not to be tried again (Spring calls a
    /// `ConsumerRecordRecoverer`). Exactly once, its transaction may be given up after this, and the record come again.
    #[non_exhaustive]
    RetryExhausted {
        /// Id of the listener.
        listener: Arc<str>,
        /// Where the record is.
        partition: TopicPartition,
        /// Its offset.
        offset: i64,
        /// Deliveries so far.
        attempts: u32,
        /// What became of it.
        fate: RecordFate,
        /// What the last delivery failed with.
        error: String,
    },
    /// What its handler needs is down, or its handler said "not now": no record is handled, and none is given up, until one
    /// tries after the pause. Told again each time one has tried in vain.
    #[non_exhaustive]
    CircuitOpened {
        /// Id of the listener.
        listener: Arc<str>,
        /// For how long nothing is handled.
        pause: Duration,
        /// Failures in a row.
        n_failed: u32,
        /// The last of them.
        error: String,
    },
    /// One has tried, and not in vain: records are handled again.
    #[non_exhaustive]
    CircuitClosed {
        /// Id of the listener.
        listener: Arc<str>,
        /// Since it opened.
        open_for: Duration,
    },
    /// A consumer of it, or its producer, has lost a broker, or cannot reach it: what that led or coordinated moves, and the
    /// client goes after it by itself. The same broker is told again after 30 s at the earliest, or when it was back meanwhile.
    #[non_exhaustive]
    BrokerUnreachable {
        /// Id of the listener.
        listener: Arc<str>,
        /// Which of its consumers, from 0.
        consumer: u32,
        /// None of them can be reached.
        all: bool,
        /// What the client said; of one broker, its [name](crate::UnreachableBroker::name) comes first.
        reason: String,
    },
    /// A broker that was told to be unreachable is reached again, or is not needed any more: what it led or coordinated is
    /// elsewhere. Told up to a second later.
    #[non_exhaustive]
    BrokerReached {
        /// Id of the listener.
        listener: Arc<str>,
        /// Which of its consumers, from 0.
        consumer: u32,
        /// As [`UnreachableBroker::name`](crate::UnreachableBroker::name) has it.
        broker: String,
        /// Since its loss was told.
        unreachable_for: Duration,
    },
    /// The client of a consumer failed for good, or cannot learn where its group stands, and is made anew; the consumer goes on
    /// where it had committed.
    #[non_exhaustive]
    ConsumerReplaced {
        /// Id of the listener.
        listener: Arc<str>,
        /// Which of its consumers, from 0.
        consumer: u32,
        /// What the client said.
        reason: String,
    },
    /// It failed and starts again after a while, as its `restart` says; the next event is [`ListenerEvent::Started`], unless
    /// it is stopped meanwhile.
    #[non_exhaustive]
    Restarting {
        /// Id of the listener.
        listener: Arc<str>,
        /// Why it failed.
        error: Arc<Error>,
        /// Which start in a row this will be, from 1.
        attempt: u32,
        /// When.
        backoff: Duration,
    },
    /// It is about to stop: running handlers finish (`ConsumerStoppingEvent`).
    #[non_exhaustive]
    Stopping {
        /// Id of the listener.
        listener: Arc<str>,
    },
    /// It was stopped on demand (`ContainerStoppedEvent`, reason `NORMAL`).
    #[non_exhaustive]
    Stopped {
        /// Id of the listener.
        listener: Arc<str>,
    },
    /// Its group has read what there was when it started, as its `until_end` says, and it has stopped.
    #[non_exhaustive]
    Finished {
        /// Id of the listener.
        listener: Arc<str>,
    },
    /// It stopped by itself (`ContainerStoppedEvent`, reason `ERROR`, `FENCED` or `AUTH`).
    #[non_exhaustive]
    Failed {
        /// Id of the listener.
        listener: Arc<str>,
        /// Why.
        error: Arc<Error>,
    },
    /// The reader of these events was too slow: so many are missing before the next one, of all listeners.
    #[non_exhaustive]
    Missed {
        /// How many.
        n_events: u64,
    },
}

/// What became of a record that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordFate {
    /// It is in this dead letter topic.
    DeadLetter(Arc<str>),
    /// It counts as finished, and is nowhere.
    Skipped,
    /// It is not committed, and its listener stops.
    Stopped,
}

impl ListenerEvent {
    /// Id of the listener it is about; `None` for [`ListenerEvent::Missed`].
    #[must_use]
    pub fn listener(&self) -> Option<&str> {
        match self {
            Self::Started { listener }
            | Self::Assigned { listener, .. }
            | Self::Revoked { listener, .. }
            | Self::Lost { listener, .. }
            | Self::Paused { listener }
            | Self::Resumed { listener }
            | Self::PartitionPaused { listener, .. }
            | Self::PartitionResumed { listener, .. }
            | Self::Idle { listener, .. }
            | Self::NoLongerIdle { listener, .. }
            | Self::PartitionIdle { listener, .. }
            | Self::PartitionNoLongerIdle { listener, .. }
            | Self::StuckHandler { listener, .. }
            | Self::RetryExhausted { listener, .. }
            | Self::CircuitOpened { listener, .. }
            | Self::CircuitClosed { listener, .. }
            | Self::BrokerUnreachable { listener, .. }
            | Self::BrokerReached { listener, .. }
            | Self::ConsumerReplaced { listener, .. }
            | Self::Restarting { listener, .. }
            | Self::Stopping { listener }
            | Self::Stopped { listener }
            | Self::Finished { listener }
            | Self::Failed { listener, .. } => Some(listener),
            Self::Missed { .. } => None,
        }
    }
}

/// Events as they happen, from the moment it was made on.
///
/// ```no_run
/// # async fn example(app: kafka_app::RunningApp) {
/// use kafka_app::ListenerEvent;
///
/// let mut events = app.events();
/// while let Some(event) = events.next().await {
///     match event {
///         ListenerEvent::Failed { listener, error, .. } => println!("{listener} failed: {error}"),
///         ListenerEvent::Missed { n_events, .. } => println!("{n_events} events were missed"),
///         _ => {}
///     }
/// }
/// # }
/// ```
pub struct ListenerEvents {
    receiver: broadcast::Receiver<ListenerEvent>,
    /// Of this listener only.
    only: Option<Arc<str>>,
}

impl ListenerEvents {
    /// The next one; `None` when the application and all its handles are gone. 512 are kept for a slow reader, over all
    /// listeners; how many more there were is told as [`ListenerEvent::Missed`]. A call that is given up loses none.
    pub async fn next(&mut self) -> Option<ListenerEvent> {
        loop {
            match self.receiver.recv().await {
                Ok(event) if self.wants(&event) => return Some(event),
                Ok(_) => {}
                Err(RecvError::Lagged(n_events)) => return Some(ListenerEvent::Missed { n_events }),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn wants(&self, event: &ListenerEvent) -> bool {
        self.only.as_deref().is_none_or(|only| event.listener() == Some(only))
    }
}

impl fmt::Debug for ListenerEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerEvents").field("only", &self.only).finish_non_exhaustive()
    }
}

/// Where the events of an application's listeners meet.
#[derive(Clone)]
pub(crate) struct EventBus(broadcast::Sender<ListenerEvent>);

impl Default for EventBus {
    fn default() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}

impl EventBus {
    pub(crate) fn events(&self) -> ListenerEvents {
        ListenerEvents { receiver: self.0.subscribe(), only: None }
    }

    /// Where one listener tells its events.
    pub(crate) fn sink(&self, listener: &str) -> EventSink {
        EventSink { bus: self.clone(), listener: listener.into() }
    }
}

/// Where one listener tells its events.
#[derive(Clone)]
pub(crate) struct EventSink {
    bus: EventBus,
    listener: Arc<str>,
}

impl EventSink {
    /// Makes the event only if somebody wants to know.
    pub(crate) fn tell(&self, event: impl FnOnce(Arc<str>) -> ListenerEvent) {
        if self.bus.0.receiver_count() > 0 {
            // The last reader may have gone just now.
            let _gone = self.bus.0.send(event(Arc::clone(&self.listener)));
        }
    }

    /// Its id.
    pub(crate) fn listener(&self) -> &str {
        &self.listener
    }

    /// The events of this listener.
    pub(crate) fn events(&self) -> ListenerEvents {
        ListenerEvents { only: Some(Arc::clone(&self.listener)), ..self.bus.events() }
    }
}

impl fmt::Debug for EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSink").field("listener", &self.listener).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_is_told_how_many_it_missed_and_goes_on() {
        let bus = EventBus::default();
        let (sink, mut events) = (bus.sink("bill"), bus.events());
        for _ in 0..CAPACITY + 3 {
            sink.tell(|listener| ListenerEvent::Started { listener });
        }
        assert!(matches!(events.next().await, Some(ListenerEvent::Missed { n_events: 3 })));
        assert!(matches!(events.next().await, Some(ListenerEvent::Started { .. })));
    }

    #[tokio::test]
    async fn the_events_of_one_listener_are_without_those_of_others() {
        let bus = EventBus::default();
        let (bill, ship) = (bus.sink("bill"), bus.sink("ship"));
        let mut events = ship.events();
        bill.tell(|listener| ListenerEvent::Started { listener });
        ship.tell(|listener| ListenerEvent::Paused { listener });
        let event = events.next().await.expect("one");
        assert!(matches!(event, ListenerEvent::Paused { .. }), "{event:?}");
        assert_eq!(event.listener(), Some("ship"));
    }

    #[tokio::test]
    async fn events_end_with_the_last_who_could_tell_one() {
        let bus = EventBus::default();
        let mut events = bus.events();
        drop(bus);
        assert!(events.next().await.is_none());
    }
}
