//! The circuit breaker of a listener: whether it has one, and when it opens.

use std::time::Duration;

use super::Resolver;
use crate::config::{CircuitBreaker, CircuitBreakerSettings, ListenerSettings, Retry, RetryTopics};

const DEFAULT_FAILURES: u32 = 5;
const DEFAULT_PAUSE: Duration = Duration::from_secs(10);
const DEFAULT_MAX_PAUSE: Duration = Duration::from_secs(300);

impl Resolver<'_> {
    pub(super) fn circuit_breaker(&self, retry: &Retry, retry_topics: Option<&RetryTopics>) -> Option<CircuitBreaker> {
        let says = |s: &ListenerSettings| (s.circuit_breaker != CircuitBreakerSettings::default()).then_some(());
        self.said(says)?;
        if self.said(|s| s.circuit_breaker.enabled).is_some_and(|(_, enabled)| !enabled) {
            return None;
        }
        let pause = self.interval("circuit-breaker.pause", |s| s.circuit_breaker.pause);
        let longest = self.said(|s| s.circuit_breaker.max_pause);
        if let Some((place, longest)) = longest
            && longest < pause.unwrap_or(DEFAULT_PAUSE)
        {
            self.mistake(place, "circuit-breaker.max-pause", "is less than circuit-breaker.pause");
        }
        let pause = pause.unwrap_or(DEFAULT_PAUSE);
        Some(CircuitBreaker {
            failures: self.circuit_failures(retry, retry_topics),
            pause,
            max_pause: longest.map_or(DEFAULT_MAX_PAUSE.max(pause), |(_, longest)| longest),
            probes: self.said(|s| s.circuit_breaker.probes).map(|(_, probes)| probes),
        })
    }

    /// With more failures than a record has deliveries, a record alone would be given up before the circuit opens.
    fn circuit_failures(&self, retry: &Retry, retry_topics: Option<&RetryTopics>) -> u32 {
        let deliveries = match self.is_at_most_once() {
            true => u32::MAX, // No record is given up for its failures: each is handled once anyway.
            false => retry.attempts.saturating_mul(retry_topics.map_or(1, |topics| topics.attempts)),
        };
        let failures = self.positive("circuit-breaker.failures", |s| s.circuit_breaker.failures, DEFAULT_FAILURES);
        match self.said(|s| s.circuit_breaker.failures) {
            Some((place, failures)) if failures > deliveries => {
                let text = format!(
                    "a record has {deliveries} deliveries, after which it is given up: no more failures than that, or more retry.attempts"
                );
                self.mistake(place, "circuit-breaker.failures", text);
            }
            Some(_) => {}
            None => return failures.min(deliveries),
        }
        failures
    }
}
