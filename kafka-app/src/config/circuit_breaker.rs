//! `circuit_breaker(failures, pause, ..)`: what can be said of it, and what comes of it.

use std::time::Duration;

use crate::config::section::Section;

/// `circuit_breaker(failures, pause, max_pause, probes)`: while what the handler needs is down, no record is handled and
/// none is given up.
///
/// After so many failures in a row, over all consumers and retry topics of the listener, the circuit opens: no record is
/// handled for the pause. Polling goes on, so that nobody is evicted; records in hand wait, and their deliveries are not
/// spent. Then one record tries: if it is handled the circuit closes and all go on; if it fails the pause is twice as long,
/// up to the longest. Failures are those that another delivery may mend: errors without a class, `#[retry]`, panics and
/// timeouts. A record that fails by its own fault should say so by a class (`#[dead_letter]`), or `probes` bounds it: while
/// it is the only one there is, nothing tells it from an outage.
///
/// ```
/// use kafka_app::kafka_listener;
///
/// #[kafka_listener(topic = "orders", group = "billing", circuit_breaker(failures = 5, pause = "10s", max_pause = "5m"))]
/// async fn bill(order: String) -> Result<(), std::io::Error> {
///     // A call of a service that may be down.
///     Ok(())
/// }
/// # let _ = bill;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CircuitBreakerSettings {
    /// Whether there is one; default true where anything is said of it, else false.
    pub enabled: Option<bool>,
    /// Failures in a row that open it; at least 1, default 5, or as many as there are deliveries if those are fewer.
    pub failures: Option<u32>,
    /// For how long nothing is handled the first time; default 10 s.
    pub pause: Option<Duration>,
    /// The longest pause; default 5 minutes.
    pub max_pause: Option<Duration>,
    /// How often one record may try in vain before its failures count again; default without a limit: however long an
    /// outage lasts, it makes no dead letter.
    pub probes: Option<u32>,
}

impl CircuitBreakerSettings {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let read = Self {
            enabled: section.get("enabled"),
            failures: section.get("failures"),
            pause: section.get("pause"),
            max_pause: section.get("max-pause"),
            probes: section.get("probes"),
        };
        section.finish(&[
            ("failure-rate-threshold", "say failures: so many in a row"),
            ("wait-duration-in-open-state", "say pause"),
            ("permitted-number-of-calls-in-half-open-state", "not needed: one record tries"),
        ]);
        read
    }
}

/// A listener's circuit breaker, decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CircuitBreaker {
    /// At least 1.
    pub(crate) failures: u32,
    /// More than 0.
    pub(crate) pause: Duration,
    /// At least `pause`.
    pub(crate) max_pause: Duration,
    /// `None`: no limit.
    pub(crate) probes: Option<u32>,
}

impl CircuitBreaker {
    /// The pause when it opened so often in a row before.
    pub(crate) fn pause_after(&self, n_opened: u32) -> Duration {
        self.pause.saturating_mul(1 << n_opened.min(30)).min(self.max_pause)
    }
}
