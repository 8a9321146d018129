//! [`Container`]: a listener's consumers as one: start, stop, pause, seek, state.

mod finish;
mod readiness;
mod stages;
mod steering;
mod watch_over;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use super::{
    breaker::CircuitState,
    dispatch::ChunkRunner,
    ends::Ends,
    events::{EventSink, ListenerEvent, ListenerEvents},
    guards::{self, Guards},
    lane::LaneSpec,
    later::later,
    mailbox::{Command, Mailbox},
    metrics::ListenerMetrics,
    pauses::Pauses,
    pulse::Pulse,
    pump::{ConsumerStatus, Legacy, PumpConfig, StopReport},
    supervisor::{Connect, End, Supervisor},
    transaction::{OpenProducer, OpenProducerOf, TransactionSpec},
};
use crate::{
    client::{self, Brokers, Inquiry, UnreachableBroker},
    config::ResolvedListener,
    error::{Error, ErrorKind, Result},
    record::TopicPartition,
};

/// What a listener does now.
#[derive(Debug, Clone, Default)]
pub enum ListenerState {
    /// Not started, or stopped on demand.
    #[default]
    Stopped,
    /// It starts when another listener has finished, or runs, as its `start_after` says.
    #[non_exhaustive]
    Waiting {
        /// Id of the one that it starts after.
        after: Arc<str>,
    },
    /// Its consumers run; whether the group has given them partitions, `ListenerHandle::ready` says.
    Running,
    /// Its consumers are members of the group, but no record is handed over.
    Paused,
    /// Running handlers finish.
    Stopping,
    /// It stopped by itself and starts again, as its `restart` says.
    #[non_exhaustive]
    Restarting {
        /// Why it failed.
        error: Arc<Error>,
        /// Which start in a row this will be, from 1.
        attempt: u32,
        /// When it starts.
        at: SystemTime,
    },
    /// Its group has read what there was when it started, as its `until_end` says.
    Finished,
    /// It stopped by itself, for this reason.
    Failed(Arc<Error>),
}

/// What a container is made of.
pub(crate) struct ContainerSpec {
    pub(crate) listener: Arc<ResolvedListener>,
    /// The handler takes batches.
    pub(crate) takes_batches: bool,
    pub(crate) runner: Arc<dyn ChunkRunner>,
    /// What the runner counts.
    pub(crate) metrics: Arc<ListenerMetrics>,
    pub(crate) events: EventSink,
    /// Those of the listener it is a retry topic of, if it is that of one.
    pub(crate) guards: Guards,
    pub(crate) connect: Connect,
    /// What else is asked of the broker.
    pub(crate) inquiry: Arc<dyn Inquiry>,
    /// Exactly once: makes the producers of its consumers.
    pub(crate) open_producer: Option<OpenProducerOf>,
    /// Those of its retry topics.
    pub(crate) stages: Vec<Arc<Container>>,
    /// How long a call of a client may take until the client is given up.
    pub(crate) hangs_after: Duration,
}

/// A listener's consumers.
pub(crate) struct Container {
    spec: ContainerSpec,
    pauses: Mutex<Pauses>,
    /// Counts what was said of the pause of the whole listener: a pause for a time ends only if it was said last.
    n_pauses: Mutex<u64>,
    state: watch::Sender<ListenerState>,
    /// Counts its ends: a state may be gone before one that waits for it looks.
    n_ends: watch::Sender<u64>,
    consumers: Mutex<Vec<Consumer>>,
    /// From its start to its end, restarts included: what its guards know lasts as long.
    guarded: Mutex<Option<guards::Running>>,
    /// What the latest stop cut off, over all consumers.
    report: Mutex<StopReport>,
}

/// One of a container's consumers, seen from outside its thread.
struct Consumer {
    mailbox: Arc<Mailbox>,
    brokers: Arc<Brokers>,
    pulse: Arc<Pulse>,
    status: watch::Receiver<ConsumerStatus>,
}

impl Container {
    pub(crate) fn new(spec: ContainerSpec) -> Arc<Self> {
        Arc::new(Self {
            spec,
            pauses: Mutex::default(),
            n_pauses: Mutex::default(),
            state: watch::Sender::default(),
            n_ends: watch::Sender::default(),
            consumers: Mutex::default(),
            guarded: Mutex::default(),
            report: Mutex::default(),
        })
    }

    pub(crate) fn id(&self) -> &str {
        &self.spec.listener.id
    }

    pub(crate) fn listener(&self) -> &ResolvedListener {
        &self.spec.listener
    }

    /// Those of its retry topics, which start, pause and stop with it.
    pub(crate) fn stages(&self) -> &[Arc<Self>] {
        &self.spec.stages
    }

    pub(crate) fn metrics(&self) -> &ListenerMetrics {
        &self.spec.metrics
    }

    pub(crate) fn circuit(&self) -> CircuitState {
        self.spec.guards.breaker.state(Instant::now())
    }

    pub(crate) fn state(&self) -> ListenerState {
        self.state.borrow().clone()
    }

    /// What happens to it from now on.
    pub(crate) fn events(&self) -> ListenerEvents {
        self.spec.events.events()
    }

    /// For those who want to know of changes, health among them.
    pub(crate) fn states(&self) -> watch::Receiver<ListenerState> {
        self.state.subscribe()
    }

    /// Starts the consumers; handlers run on the runtime this is called on. Does nothing if they run already.
    ///
    /// # Errors
    /// Called outside a tokio runtime, while the listener stops, or the system has no thread to give.
    pub(crate) fn start(self: &Arc<Self>) -> Result<()> {
        self.start_if(|_| true).map(|_| ())
    }

    /// The same, if its state is one that `may_start` takes. Whether it is.
    pub(crate) fn start_if(self: &Arc<Self>, may_start: impl FnOnce(&ListenerState) -> bool) -> Result<bool> {
        let runtime = Handle::try_current().map_err(|e| {
            Error::new(ErrorKind::Config, format!("listener `{}` must be started on a tokio runtime", self.id()))
                .with_source(e)
        })?;
        let mut consumers = self.consumers.lock();
        let state = self.state();
        if !may_start(&state) {
            return Ok(false);
        }
        match state {
            ListenerState::Running | ListenerState::Paused => return Ok(true),
            ListenerState::Stopping => return Err(self.is_stopping()),
            ListenerState::Stopped
            | ListenerState::Waiting { .. }
            | ListenerState::Restarting { .. }
            | ListenerState::Finished
            | ListenerState::Failed(_) => {}
        }
        self.release_guards(); // Of one that was to start again by itself.
        *self.guarded.lock() = Some(self.spec.guards.start());
        let running = self.launch(&mut consumers, &runtime).inspect_err(|_| self.release_guards())?;
        runtime.spawn(Arc::clone(self).watch_over(running));
        Ok(true)
    }

    fn is_stopping(&self) -> Error {
        let text = format!("listener `{}` is stopping: start it again when it has stopped", self.id());
        Error::new(ErrorKind::Listener, text)
    }

    fn release_guards(&self) {
        drop(self.guarded.lock().take());
    }

    /// Starts the consumers, of which none runs.
    fn launch(&self, consumers: &mut Vec<Consumer>, runtime: &Handle) -> Result<Running> {
        consumers.clear();
        let (end, ended) = mpsc::unbounded_channel();
        // What they do is told after their start.
        let gate = Arc::<Mutex<()>>::default();
        let told = gate.lock();
        let inquiry = &self.spec.inquiry;
        let ends = self.listener().until_end.then(|| Ends::new(self.id(), Arc::clone(inquiry), runtime.clone()));
        for instance in 0..self.spec.listener.concurrency {
            match self.start_consumer(instance, runtime, &gate, end.clone(), ends.clone()) {
                Ok(consumer) => consumers.push(consumer),
                Err(error) => {
                    stop_all(consumers, later(Instant::now(), self.spec.listener.shutdown_timeout));
                    return Err(error);
                }
            }
        }
        let is_paused = self.pauses.lock().all;
        self.state.send_replace(if is_paused { ListenerState::Paused } else { ListenerState::Running });
        self.spec.events.tell(|listener| ListenerEvent::Started { listener });
        drop(told);
        Ok(Running { ended, ends })
    }

    fn start_consumer(
        &self,
        instance: u32,
        runtime: &Handle,
        gate: &Arc<Mutex<()>>,
        end: mpsc::UnboundedSender<End>,
        ends: Option<Arc<Ends>>,
    ) -> Result<Consumer> {
        let listener = &self.spec.listener;
        let (mailbox, pulse) = (Arc::<Mailbox>::default(), Arc::<Pulse>::default());
        let (status, watched) = watch::channel(ConsumerStatus::default());
        let (events, guards) = (self.spec.events.clone(), self.spec.guards.clone());
        let config = PumpConfig::new(listener, self.spec.takes_batches, instance, events, guards).reading_to(ends);
        let brokers = Arc::clone(&config.brokers);
        let supervisor = Supervisor {
            instance,
            config,
            subscription: listener.subscription.clone(),
            lanes: LaneSpec::of(listener, self.spec.takes_batches),
            runner: Arc::clone(&self.spec.runner),
            runtime: runtime.clone(),
            connect: Arc::clone(&self.spec.connect),
            mailbox: Arc::clone(&mailbox),
            pulse: Arc::clone(&pulse),
            status,
            legacy: Legacy::first(self.pauses.lock().clone()),
            transactions: self.spec.open_producer.as_ref().map(|open| TransactionSpec {
                listener_id: listener.id.as_str().into(),
                instance,
                limits: listener.transaction,
                open: with_brokers(open, &brokers),
                metrics: Arc::clone(&self.spec.metrics),
            }),
        };
        let of_thread = (Arc::clone(&pulse), Arc::clone(&mailbox), Arc::clone(gate));
        let run = move || {
            let (pulse, mailbox, gate) = of_thread;
            drop(gate.lock());
            // Without a receiver nobody wants to know any more: the runtime is gone, or this thread was given up.
            let _gone = end.send(supervisor.run());
            pulse.end();
            mailbox.promises.end();
        };
        std::thread::Builder::new().name(format!("kafka-{}-{instance}", listener.id)).spawn(run).map_err(|e| {
            let text = format!("listener `{}`: no thread for its consumer", listener.id);
            Error::new(ErrorKind::Unavailable, text).with_source(e)
        })?;
        Ok(Consumer { mailbox, brokers, pulse, status: watched })
    }

    /// Stops: running handlers finish, offsets are committed, the group is left, all within `timeout`. Returns what had
    /// to be cut off.
    pub(crate) async fn stop(&self, timeout: Duration) -> StopReport {
        let mut ends = self.n_ends.subscribe();
        let nth = {
            let consumers = self.consumers.lock();
            self.tell_to_stop(&consumers, timeout);
            let n_ends = *ends.borrow_and_update();
            if matches!(self.state(), ListenerState::Stopping) { n_ends + 1 } else { n_ends }
        };
        // The pumps keep the deadline by themselves, or are given up; it ends in error only with the container.
        let _ended = ends.wait_for(|n_ends| *n_ends >= nth).await;
        std::mem::take(&mut *self.report.lock())
    }

    /// Whether it was running.
    fn begin_stop(&self, timeout: Duration) -> bool {
        self.tell_to_stop(&self.consumers.lock(), timeout)
    }

    fn tell_to_stop(&self, consumers: &[Consumer], timeout: Duration) -> bool {
        stop_all(consumers, later(Instant::now(), timeout));
        self.give_up_waiting();
        let runs = self.state.send_if_modified(|state| {
            let runs = matches!(state, ListenerState::Running | ListenerState::Paused);
            if runs {
                *state = ListenerState::Stopping;
            }
            runs
        });
        if runs {
            self.spec.events.tell(|listener| ListenerEvent::Stopping { listener });
        }
        runs
    }

    /// What its latest end cut off.
    pub(crate) fn report(&self) -> StopReport {
        self.report.lock().clone()
    }

    /// The partitions all consumers own now.
    pub(crate) fn assignment(&self) -> Vec<TopicPartition> {
        let consumers = self.consumers.lock();
        let live = consumers.iter().filter(|consumer| !consumer.pulse.is_over());
        let mut partitions: Vec<_> = live.flat_map(|c| c.status.borrow().partitions.clone()).collect();
        partitions.sort();
        partitions
    }

    /// The brokers that a consumer of it, or its producer, needs and cannot reach.
    pub(crate) fn unreachable_brokers(&self) -> Vec<UnreachableBroker> {
        let now = Instant::now();
        let of_all = self.consumers.lock().iter().flat_map(|consumer| consumer.brokers.unreachable(now)).collect();
        client::merged(of_all)
    }

    /// Assignments and revocations since the start, over all consumers.
    pub(crate) fn n_rebalances(&self) -> u64 {
        self.consumers.lock().iter().map(|consumer| consumer.status.borrow().n_rebalances).sum()
    }
}

/// What is left to watch of consumers that run.
struct Running {
    ended: mpsc::UnboundedReceiver<End>,
    /// They read to these.
    ends: Option<Arc<Ends>>,
}

fn with_brokers(open: &OpenProducerOf, brokers: &Arc<Brokers>) -> OpenProducer {
    let (open, brokers) = (Arc::clone(open), Arc::clone(brokers));
    Arc::new(move |name| open(name, &brokers))
}

fn stop_all(consumers: &[Consumer], deadline: Instant) {
    for consumer in consumers {
        consumer.pulse.ends_by(deadline);
        consumer.mailbox.send(Command::Stop { deadline });
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container").field("id", &self.id()).field("state", &self.state()).finish_non_exhaustive()
    }
}
