//! [`ListenerRegistry`]: the application's listeners by id.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{
    breaker::CircuitState,
    container::{Container, ListenerState},
    events::ListenerEvents,
    lag::PartitionLag,
    metrics::ListenerMetrics,
};
use crate::{
    client::UnreachableBroker,
    config::{ResolvedListener, Subscription},
    error::{Error, ErrorKind, Result},
    offset_spec::OffsetSpec,
    record::TopicPartition,
};

/// The application's listeners by id; cheap to clone.
#[derive(Clone, Default)]
pub struct ListenerRegistry(Arc<BTreeMap<String, ListenerHandle>>);

impl ListenerRegistry {
    /// Of containers with distinct ids, and those of their retry topics.
    pub(crate) fn new(containers: impl IntoIterator<Item = Arc<Container>>) -> Self {
        let with_stages = |container: Arc<Container>| {
            let stages = container.stages().to_vec();
            std::iter::once(container).chain(stages)
        };
        let all = containers.into_iter().flat_map(with_stages);
        let handles = all.map(|container| (container.id().to_owned(), ListenerHandle(container)));
        Self(Arc::new(handles.collect()))
    }

    /// The listener with this id.
    ///
    /// # Errors
    /// There is none; the text names those there are.
    pub fn listener(&self, id: &str) -> Result<ListenerHandle> {
        self.0.get(id).cloned().ok_or_else(|| {
            let known: Vec<_> = self.0.keys().map(String::as_str).collect();
            Error::new(ErrorKind::Config, format!("no listener `{id}`; there are: {}", known.join(", ")))
        })
    }

    /// All listeners, by id.
    pub fn iter(&self) -> impl Iterator<Item = &ListenerHandle> {
        self.0.values()
    }
}

impl fmt::Debug for ListenerRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values()).finish()
    }
}

/// A listener of a running application: start it, stop it, pause it, move it; cheap to clone.
#[derive(Clone)]
pub struct ListenerHandle(Arc<Container>);

impl ListenerHandle {
    pub(super) fn container(&self) -> &Arc<Container> {
        &self.0
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id()
    }

    /// What it does now; of a listener that stopped by itself, the reason.
    #[must_use]
    pub fn state(&self) -> ListenerState {
        self.0.state()
    }

    /// Tells of every change of [`ListenerHandle::state`].
    #[must_use]
    pub fn states(&self) -> watch::Receiver<ListenerState> {
        self.0.states()
    }

    /// What happens to it from now on.
    #[must_use]
    pub fn events(&self) -> ListenerEvents {
        self.0.events()
    }

    /// Starts it, also after it stopped by itself, and the listeners of its retry topics. Does nothing if it runs already.
    ///
    /// Its circuit is closed then, unless one of them runs: what that has found out holds for the others too. A dead-letter
    /// brake that has stopped them lets go.
    ///
    /// # Errors
    /// Called outside a tokio runtime, or while it stops, or one of its retry topics does: nothing is started then.
    pub fn start(&self) -> Result<()> {
        self.0.start_with_stages(|_| true).map(|_| ())
    }

    /// Resolves when its group has answered: partitions are assigned, or there are none left for it.
    ///
    /// # Errors
    /// It is not running, stopped by itself meanwhile, or the group did not answer within `timeout`; the text says what
    /// is known of the cause.
    pub async fn ready(&self, timeout: Duration) -> Result<()> {
        self.0.ready(timeout).await
    }

    /// Stops it, with the listeners of its retry topics: running handlers finish, offsets are committed, the group is left,
    /// all within `kafka.listener.shutdown-timeout`. It can be started again. Records that wait in a retry topic go on
    /// waiting there, and are handled when they are due and it runs.
    ///
    /// # Errors
    /// Handlers had to be cut off, or the group could not be left in time; it is stopped all the same.
    pub async fn stop(&self) -> Result<()> {
        let timeout = self.resolved().shutdown_timeout;
        // All at once: the deadline is one for all.
        let stages: Vec<_> = self
            .0
            .stages()
            .iter()
            .cloned()
            .map(|stage| tokio::spawn(async move { stage.stop(timeout).await.into_result(stage.id()) }))
            .collect();
        let mut stopped = self.0.stop(timeout).await.into_result(self.id());
        for stage in stages {
            let ended = stage.await.unwrap_or_else(|panic| {
                let text = format!("listener `{}`: the stop of a retry topic's listener ended early", self.id());
                Err(Error::new(ErrorKind::Listener, text).with_source(panic))
            });
            stopped = stopped.and(ended);
        }
        stopped
    }

    /// Waits until its state is one that `is_it` takes, and returns that.
    ///
    /// ```no_run
    /// # async fn example(listener: kafka_app::ListenerHandle) {
    /// use kafka_app::ListenerState;
    ///
    /// let state = listener.wait_for(|state| matches!(state, ListenerState::Failed(_))).await;
    /// println!("the listener failed: {state:?}");
    /// # }
    /// ```
    pub async fn wait_for(&self, is_it: impl FnMut(&ListenerState) -> bool) -> ListenerState {
        let mut states = self.states();
        // An error would mean that the listener is gone, which it is not while this handle is.
        states.wait_for(is_it).await.map_or_else(|_| self.state(), |state| state.clone())
    }

    /// Resolves when its group has read what there was when it started, and it has stopped: of a listener with `until_end`.
    ///
    /// With several processes or consumers it waits for all of them; what is sent meanwhile is left for the next start. Of
    /// other processes a broker says only what they have committed, and only if it is asked: that is at once when this one has
    /// read its part, 0.1 s later, and then each time after twice as long, up to 10 s. So it may end that much later than the
    /// last of them; one whose partitions come here because it has left is not asked about.
    ///
    /// ```no_run
    /// use kafka_app::{KafkaApp, Text, kafka_listener, listeners};
    ///
    /// #[kafka_listener(topic = "orders", group = "nightly-report", until_end)]
    /// async fn count(Text(order): Text) {
    ///     println!("{order}");
    /// }
    ///
    /// # async fn example() -> kafka_app::Result<()> {
    /// let app = KafkaApp::from_env().listeners(listeners![count]).start().await?;
    /// app.listener("count")?.finished().await?;
    /// println!("that was all");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// It reads on, failed, is stopped, or could not commit its last offsets in time; the text says which.
    pub async fn finished(&self) -> Result<()> {
        if !self.resolved().until_end {
            let text = format!("listener `{}` never finishes: it has no `until_end`", self.id());
            return Err(Error::new(ErrorKind::Config, text));
        }
        let has_ended = |state: &ListenerState| {
            matches!(state, ListenerState::Finished | ListenerState::Stopped | ListenerState::Failed(_))
        };
        match self.wait_for(has_ended).await {
            ListenerState::Finished => self.0.report().into_result(self.id()),
            ended => Err(self.0.not_running(ended)),
        }
    }

    /// What became of its records since the application started.
    #[must_use]
    pub fn metrics(&self) -> &ListenerMetrics {
        self.0.metrics()
    }

    /// What its circuit breaker does now; it opens also without one when a handler says "not now"
    /// ([`ErrorClass::NotNow`](crate::ErrorClass::NotNow)). Its retry topics share it.
    ///
    /// ```no_run
    /// # fn example(listener: &kafka_app::ListenerHandle) {
    /// use kafka_app::CircuitState;
    ///
    /// if let CircuitState::Open { retry_in, .. } = listener.circuit() {
    ///     println!("{} handles nothing for {retry_in:?}", listener.id());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn circuit(&self) -> CircuitState {
        self.0.circuit()
    }

    /// Whether it starts with the application.
    #[must_use]
    pub fn is_auto_startup(&self) -> bool {
        self.resolved().auto_startup
    }

    pub(crate) fn resolved(&self) -> &ResolvedListener {
        self.0.listener()
    }

    /// The topics it subscribes to; with a pattern, those it owns partitions of.
    fn topics(&self) -> Result<Vec<String>> {
        match (&self.resolved().subscription, self.state()) {
            (Subscription::Topics(topics), _) => Ok(topics.clone()),
            (Subscription::Pattern(_), ListenerState::Running | ListenerState::Paused) => {
                let mut topics = self.assignment().iter().map(|at| at.topic.to_string()).collect::<Vec<_>>();
                topics.dedup();
                Ok(topics)
            }
            (Subscription::Pattern(_), state) => {
                let error = self.0.not_running(state);
                let text = format!("{error}: which topics its pattern matches is known while it runs");
                Err(Error::new(error.kind(), text))
            }
        }
    }

    /// Hands over no further record, across rebalances and restarts, until [`ListenerHandle::resume`]; it stays a member
    /// of its group. Records handed over already are still handled. The listeners of its retry topics pause too.
    pub fn pause(&self) {
        self.0.set_paused(true);
        self.0.stages().iter().for_each(|stage| stage.set_paused(true));
    }

    /// As [`ListenerHandle::pause`], and goes on by itself after this time, unless it is paused or resumed before: for what is
    /// known to be down for a while. A stop and a start in between do not end it.
    ///
    /// ```no_run
    /// # fn example(listener: &kafka_app::ListenerHandle) -> kafka_app::Result<()> {
    /// listener.pause_for(std::time::Duration::from_secs(600))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Called outside a tokio runtime.
    pub fn pause_for(&self, time: Duration) -> Result<()> {
        self.0.stages().iter().try_for_each(|stage| stage.pause_for(time))?;
        self.0.pause_for(time)
    }

    /// Ends a pause; partitions that were paused one by one stay so.
    pub fn resume(&self) {
        self.0.set_paused(false);
        self.0.stages().iter().for_each(|stage| stage.set_paused(false));
    }

    /// Whether it is the listener of a retry topic, which starts, pauses and stops with the listener it is of.
    #[must_use]
    pub fn is_of_retry_topic(&self) -> bool {
        self.resolved().is_of_retry_topic()
    }

    /// Hands over no further record of one partition until [`ListenerHandle::resume_partition`], also when it is revoked
    /// and comes back, or comes for the first time. Records handed over already are still handled. Other processes of the
    /// group are not told.
    ///
    /// # Errors
    /// The listener does not read that topic.
    pub fn pause_partition(&self, topic: &str, partition: i32) -> Result<()> {
        self.0.set_partition_paused(TopicPartition::new(topic, partition), true)
    }

    /// Ends the pause of one partition; it stays paused as long as the listener is.
    ///
    /// # Errors
    /// The listener does not read that topic.
    pub fn resume_partition(&self, topic: &str, partition: i32) -> Result<()> {
        self.0.set_partition_paused(TopicPartition::new(topic, partition), false)
    }

    /// Partitions that were paused one by one, whether they are assigned now or not.
    #[must_use]
    pub fn paused_partitions(&self) -> Vec<TopicPartition> {
        self.0.paused_partitions()
    }

    /// Goes on at this offset of a partition: running handlers of it finish, records that wait are dropped.
    ///
    /// After a step back, commits go back too, from the first record that is handled again on: whoever takes the partition
    /// over then goes on where this one was.
    ///
    /// It does not wait for the delay of an [`Ack::nack`](crate::Ack::nack) of a record that it leaves behind.
    ///
    /// # Errors
    /// The partition is not assigned to this listener in this process; or it was given back, or the listener stopped, before it
    /// went there; or another seek of it came before this one was done, and took its place. The offset is below zero: ends are
    /// named by [`ListenerHandle::seek_to`].
    pub async fn seek(&self, topic: &str, partition: i32, offset: i64) -> Result<()> {
        self.0.seek(TopicPartition::new(topic, partition), offset).await
    }

    /// As [`ListenerHandle::seek`], to a place that the broker is asked for, in each of these partitions. Returns where that
    /// is. Reading goes on while the broker is asked.
    ///
    /// ```no_run
    /// # async fn example(listener: kafka_app::ListenerHandle) -> kafka_app::Result<()> {
    /// use kafka_app::{OffsetSpec, TopicPartition};
    ///
    /// listener.seek_to(&[TopicPartition::new("orders", 0)], OffsetSpec::BeforeLatest(100)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A partition is not assigned to this listener in this process: nothing has moved; or one was revoked while the broker
    /// was asked: the others have. The broker does not answer within `kafka.admin.operation-timeout`: nothing has moved.
    pub async fn seek_to(&self, partitions: &[TopicPartition], to: OffsetSpec) -> Result<Vec<(TopicPartition, i64)>> {
        self.0.seek_to(partitions.to_vec(), to).await
    }

    /// Goes on at the first record of every partition that it owns in this process; with several processes, each moves
    /// what it owns. Returns where it went.
    ///
    /// # Errors
    /// As [`ListenerHandle::seek_to`].
    pub async fn seek_to_beginning(&self) -> Result<Vec<(TopicPartition, i64)>> {
        self.0.seek_to(self.assignment(), OffsetSpec::Earliest).await
    }

    /// Goes on at the end of every partition that it owns in this process: what waits is not handled. See
    /// [`ListenerHandle::seek_to_beginning`].
    ///
    /// # Errors
    /// As [`ListenerHandle::seek_to`].
    pub async fn seek_to_end(&self) -> Result<Vec<(TopicPartition, i64)>> {
        self.0.seek_to(self.assignment(), OffsetSpec::Latest).await
    }

    /// Goes on at the first record with this timestamp or a later one, in milliseconds since 1970, of every partition that
    /// it owns in this process; at the end where there is none. See [`ListenerHandle::seek_to_beginning`].
    ///
    /// # Errors
    /// As [`ListenerHandle::seek_to`].
    pub async fn seek_to_timestamp(&self, ms: i64) -> Result<Vec<(TopicPartition, i64)>> {
        self.0.seek_to(self.assignment(), OffsetSpec::Timestamp(ms)).await
    }

    /// How far its group is behind, asked of the broker, a row per partition. With a topic pattern it asks for the topics of
    /// which it owns partitions in this process.
    ///
    /// # Errors
    /// The broker does not answer within `kafka.admin.operation-timeout`; or it has a topic pattern and does not run.
    pub async fn lag(&self) -> Result<Vec<PartitionLag>> {
        self.0.lag(self.topics()?).await
    }

    /// The partitions it owns now, in this process.
    #[must_use]
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.0.assignment()
    }

    /// The brokers that it needs now and cannot reach: those that lead its partitions, and those that coordinate its group and,
    /// exactly once, its transactions. It goes on by itself, with other partitions meanwhile, so its state does not change: a
    /// detail of its health. Empty when all is well; a broker of which nothing is needed any more counts no longer.
    ///
    /// What it sends without a transaction goes through the application's producer: see
    /// [`KafkaTemplate::unreachable_brokers`](crate::KafkaTemplate::unreachable_brokers).
    ///
    /// ```no_run
    /// # fn example(listener: &kafka_app::ListenerHandle) {
    /// for broker in listener.unreachable_brokers() {
    ///     println!("{} does without {} for {:?}", listener.id(), broker.name, broker.unreachable_for);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn unreachable_brokers(&self) -> Vec<UnreachableBroker> {
        self.0.unreachable_brokers()
    }

    /// Assignments and revocations since it was started.
    #[must_use]
    pub fn rebalances(&self) -> u64 {
        self.0.n_rebalances()
    }
}

impl fmt::Debug for ListenerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerHandle").field("id", &self.id()).field("state", &self.state()).finish_non_exhaustive()
    }
}
