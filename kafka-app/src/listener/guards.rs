//! [`Guards`]: what holds a listener's records up, or stops it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use super::{brake::Brake, breaker::Breaker, events::EventSink, limiter::Limiter, metrics::ListenerMetrics};
use crate::config::ResolvedListener;

/// What holds a listener's records up, over all its consumers and those of its retry topics, since all of them call the same
/// function.
#[derive(Debug, Clone)]
pub(crate) struct Guards {
    /// How many may be handed over; `None`: any number.
    pub(crate) limiter: Option<Arc<Limiter>>,
    /// Whether its function may be called now.
    pub(crate) breaker: Arc<Breaker>,
    /// What stops it for its dead letters.
    pub(crate) brake: Option<Arc<Brake>>,
    /// How many of those that share them run.
    n_running: Arc<AtomicUsize>,
}

/// One of those that share a listener's guards runs, or will again by itself; until it is dropped.
#[derive(Debug)]
pub(crate) struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Guards {
    pub(crate) fn new(listener: &ResolvedListener, metrics: &Arc<ListenerMetrics>, events: &EventSink) -> Self {
        Self {
            limiter: listener.rate_limit.map(|limit| Arc::new(Limiter::new(limit))),
            breaker: Breaker::new(listener.circuit_breaker, Arc::clone(metrics), events.clone()),
            brake: listener.dead_letter_brake.map(Brake::new),
            n_running: Arc::default(),
        }
    }

    /// One of those that share them is started by hand. If it is the first, whatever was is over. Else it is not: what the
    /// others have found out holds for it too, but for a brake that has stopped them all.
    pub(crate) fn start(&self) -> Running {
        let is_first = self.n_running.fetch_add(1, SeqCst) == 0;
        if is_first {
            self.breaker.reset();
        }
        if let Some(brake) = self.brake.as_ref().filter(|brake| is_first || brake.has_stopped()) {
            brake.reset();
        }
        Running(Arc::clone(&self.n_running))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{
        config::{CircuitBreaker, DeadLetterBrake},
        listener::{CircuitState, EventBus},
    };

    fn guards() -> Guards {
        let (pause, within) = (Duration::from_secs(60), Duration::from_secs(60));
        let circuit_breaker = Some(CircuitBreaker { failures: 1, pause, max_pause: pause, probes: None });
        let dead_letter_brake = Some(DeadLetterBrake { share: 0.5, within, at_least: 1 });
        let listener = ResolvedListener {
            circuit_breaker,
            dead_letter_brake,
            ..ResolvedListener::new("bill", "orders", "billing")
        };
        Guards::new(&listener, &Arc::default(), &EventBus::default().sink("bill"))
    }

    async fn open(guards: &Guards) {
        let record = (crate::TopicPartition::new("orders", 0), 0);
        let pass =
            guards.breaker.admit(record.clone(), None).await.unwrap_or_else(|until| panic!("not before {until:?}"));
        let _postponed = pass.failed(record, None, "down");
    }

    fn is_open(guards: &Guards) -> bool {
        matches!(guards.breaker.state(Instant::now()), CircuitState::Open { .. })
    }

    #[tokio::test]
    async fn a_start_beside_one_that_runs_leaves_the_circuit_open() {
        let guards = guards();
        let listener = guards.start();
        open(&guards).await;
        let retry_topic = guards.start();
        assert!(is_open(&guards));
        drop(listener);
        let listener = guards.start();
        assert!(is_open(&guards), "the other way round too");
        drop((listener, retry_topic));
        let _listener = guards.start();
        assert!(!is_open(&guards), "when nobody runs it begins anew");
    }

    #[test]
    fn a_start_by_hand_releases_a_brake_that_has_stopped_its_listener() {
        let guards = guards();
        let brake = guards.brake.clone().expect("it has one");
        let _retry_topic = guards.start();
        while brake.dead_letter("down", Instant::now()).is_ok() {}
        let _listener = guards.start();
        assert!(!brake.has_stopped());
    }
}
