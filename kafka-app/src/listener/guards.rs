//! [`Guards`]: what holds a listener's records up, or stops it.

use std::sync::Arc;

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
}

impl Guards {
    pub(crate) fn new(listener: &ResolvedListener, metrics: &Arc<ListenerMetrics>, events: &EventSink) -> Self {
        Self {
            limiter: listener.rate_limit.map(|limit| Arc::new(Limiter::new(limit))),
            breaker: Breaker::new(listener.circuit_breaker, Arc::clone(metrics), events.clone()),
            brake: listener.dead_letter_brake.map(Brake::new),
        }
    }

    /// The listener is started by hand: whatever was is over.
    pub(crate) fn reset(&self) {
        self.breaker.reset();
        if let Some(brake) = &self.brake {
            brake.reset();
        }
    }
}
