//! [`RunningApp`]: an application that has started.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    StopReport,
    clusters::Clusters,
    start::{Embedded, Shared},
};
use crate::{
    admin::AdminClient,
    client,
    error::{Error, ErrorKind, Result},
    listener::{ListenerEvents, ListenerHandle, ListenerRegistry, ListenerState, PartitionLag},
    producer::KafkaTemplate,
    replay::Replay,
    shutdown,
    topology::Topology,
};

/// How long [`RunningApp::ready`] waits: Spring's `consumerStartTimeout`.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// An application that has started: its listeners by id, its templates, and the way to stop it.
///
/// Dropping it without [`RunningApp::stop`] leaves its listeners running until the process ends.
pub struct RunningApp {
    clusters: Clusters,
    topology: Topology,
    listeners: ListenerRegistry,
    shared: Shared,
}

impl RunningApp {
    pub(super) fn new(clusters: Clusters, topology: Topology, listeners: ListenerRegistry, shared: Shared) -> Self {
        Self { clusters, topology, listeners, shared }
    }

    /// A typed view of the one producer of `kafka.*`; as cheap as a clone of a pointer.
    #[must_use]
    pub fn template<K: ?Sized, V: ?Sized>(&self) -> KafkaTemplate<K, V> {
        self.clusters.default().template(self.shared.schemas.as_ref())
    }

    /// As [`RunningApp::template`], of the cluster `kafka.clusters.<name>`; `default` is the one of `kafka.*`. A listener
    /// takes [`TemplateOf`](crate::TemplateOf) for the same.
    ///
    /// # Errors
    /// There is no such cluster; the text has the nearest name.
    pub fn template_of<K: ?Sized, V: ?Sized>(&self, cluster: &str) -> Result<KafkaTemplate<K, V>> {
        Ok(self.clusters.find(cluster)?.template(self.shared.schemas.as_ref()))
    }

    /// A client that administers the cluster of `kafka.*`; every call gives another handle of the same one.
    ///
    /// ```no_run
    /// # async fn example(app: kafka_app::RunningApp) -> kafka_app::Result<()> {
    /// let topics = app.admin()?.list_topics().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// librdkafka refuses a property.
    pub fn admin(&self) -> Result<AdminClient> {
        self.clusters.default().admin()
    }

    /// As [`RunningApp::admin`], of the cluster `kafka.clusters.<name>`.
    ///
    /// # Errors
    /// There is no such cluster; the text has the nearest name.
    pub fn admin_of(&self, cluster: &str) -> Result<AdminClient> {
        self.clusters.find(cluster)?.admin()
    }

    /// What its listeners read and send.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The listener with this id.
    ///
    /// # Errors
    /// There is none; the text names those there are.
    pub fn listener(&self, id: &str) -> Result<ListenerHandle> {
        self.listeners.listener(id)
    }

    /// All listeners.
    #[must_use]
    pub fn listeners(&self) -> &ListenerRegistry {
        &self.listeners
    }

    /// What happens to its listeners from now on; [`KafkaApp::events`](crate::KafkaApp::events) tells from their start on.
    #[must_use]
    pub fn events(&self) -> ListenerEvents {
        self.shared.events.events()
    }

    /// State of type `T`, as given to `KafkaApp::state`.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.shared.states.get()
    }

    /// The brokers of `kafka.*`; with `embedded`, where the broker of this process listens.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        self.clusters.default().bootstrap_servers()
    }

    /// As [`RunningApp::bootstrap_servers`], of the cluster `kafka.clusters.<name>`.
    ///
    /// # Errors
    /// There is no such cluster; the text has the nearest name.
    pub fn bootstrap_servers_of(&self, cluster: &str) -> Result<String> {
        Ok(self.clusters.find(cluster)?.bootstrap_servers())
    }

    /// Resolves when every listener that runs has been answered by its group: it has its partitions, or there are none
    /// left for it. Waits 30 s.
    ///
    /// # Errors
    /// As [`RunningApp::ready_within`].
    pub async fn ready(&self) -> Result<()> {
        self.ready_within(READY_TIMEOUT).await
    }

    /// As [`RunningApp::ready`], with a limit of one's own.
    ///
    /// # Errors
    /// A listener failed, or its group did not answer in time; the text says what the client knows of the cause.
    pub async fn ready_within(&self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        for listener in self.listeners.iter().filter(|listener| !matches!(listener.state(), ListenerState::Stopped)) {
            let ready = listener.ready(deadline.saturating_duration_since(Instant::now())).await;
            ready.map_err(|error| self.with_brokers(listener, error))?;
        }
        Ok(())
    }

    /// Of an error that means no broker answered, one that names the brokers that were asked.
    fn with_brokers(&self, listener: &ListenerHandle, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Unavailable => {
                let brokers = self.clusters.of(listener.resolved().cluster.as_deref()).bootstrap_servers();
                Error::new(ErrorKind::Unavailable, format!("no answer from {brokers}")).with_source(error)
            }
            _ => error,
        }
    }

    /// As [`ListenerHandle::lag`], of the listener with this id.
    ///
    /// # Errors
    /// No such listener, or the broker does not answer within `kafka.admin.operation-timeout`.
    pub async fn lag(&self, id: &str) -> Result<Vec<PartitionLag>> {
        self.listener(id)?.lag().await
    }

    /// Sends the dead letters of a topic back to where they came from, through the same handlers; [`Replay::run`] does it.
    pub fn replay(&self, dead_letter_topic: impl Into<String>) -> Replay {
        self.clusters.default().replay(dead_letter_topic.into())
    }

    /// As [`RunningApp::replay`], on the cluster `kafka.clusters.<name>`.
    ///
    /// # Errors
    /// There is no such cluster; the text has the nearest name.
    pub fn replay_of(&self, cluster: &str, dead_letter_topic: impl Into<String>) -> Result<Replay> {
        Ok(self.clusters.find(cluster)?.replay(dead_letter_topic.into()))
    }

    /// Runs until Ctrl-C or SIGTERM, or until every listener has finished (see
    /// [`ListenerHandle::finished`]) or failed, and then stops.
    ///
    /// # Errors
    /// The stop was not clean, see [`StopReport`]; or the signal handlers cannot be installed.
    pub async fn wait(self) -> Result<()> {
        let ended = tokio::select! {
            signal = shutdown::signal() => signal.map(|name| tracing::info!(signal = name, "stopping")),
            () = all_ended(&self.listeners) => {
                tracing::info!("every listener has ended: stopping");
                Ok(())
            }
        };
        let report = self.stop().await;
        ended.map_err(|e| Error::new(ErrorKind::Unavailable, "cannot listen for signals").with_source(e))?;
        report.into_result()
    }

    /// Stops: no further record is handed over, running handlers finish, offsets are committed, groups are left, what is
    /// being sent is acknowledged, all within `kafka.listener.shutdown-timeout` and `kafka.template.close-timeout`.
    pub async fn stop(self) -> StopReport {
        let mut report = StopReport::default();
        let failed = self.listeners.iter().filter_map(|listener| match listener.state() {
            ListenerState::Failed(error) => Some((listener.id().to_owned(), error.to_string())),
            _ => None,
        });
        report.failed.extend(failed);
        // All at once: the deadline is one for all.
        let stopping =
            self.listeners.iter().cloned().map(|listener| tokio::spawn(async move { listener.stop().await }));
        for stopped in stopping.collect::<Vec<_>>() {
            match stopped.await {
                Ok(Ok(())) => {}
                Ok(Err(cut_off)) => report.cut_off.push(cut_off.to_string()),
                Err(panic) => report.cut_off.push(format!("the stop of a listener ended early: {panic}")),
            }
        }
        let Self { clusters, listeners, shared, .. } = self;
        // After the listeners, whose handlers may wait for replies.
        let (cut_off, brokers) = clusters.close().await;
        report.cut_off.extend(cut_off);
        // Clients first: they would complain about a broker that is gone.
        drop((listeners, shared));
        if let Err(error) = client::blocking(move || brokers.into_iter().for_each(Embedded::stop)).await {
            report.cut_off.push(error.to_string());
        }
        report
    }
}

/// Resolves when every listener has finished or failed; never if there is none.
async fn all_ended(listeners: &ListenerRegistry) {
    let mut any = false;
    // Without the listener that feeds them, those of its retry topics are of no use.
    for listener in listeners.iter().filter(|listener| !listener.is_of_retry_topic()) {
        any = true;
        let mut states = listener.states();
        // An error would mean that the listener is gone, which it is not while it is borrowed here.
        let _ = states.wait_for(|state| matches!(state, ListenerState::Finished | ListenerState::Failed(_))).await;
    }
    if !any {
        std::future::pending::<()>().await;
    }
}

impl fmt::Debug for RunningApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningApp").field("listeners", &self.listeners).finish_non_exhaustive()
    }
}
