//! What a librdkafka client says of itself, as `tracing` events under the target `kafka_app::client`.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::{client::ClientContext, config::RDKafkaLogLevel, error::KafkaError};

/// The context of clients that need no other callback.
pub(crate) struct ClientLog {
    role: &'static str,
    servers: String,
    errors: Mutex<Repeats>,
}

/// A client without a broker reports the same errors several times a second: one line each interval will do.
#[derive(Default)]
struct Repeats {
    last: Option<Instant>,
    n_suppressed: u64,
}

const INTERVAL: Duration = Duration::from_secs(10);

impl ClientLog {
    /// `role` is what the client does: `producer`, `admin`.
    pub(crate) fn new(role: &'static str, servers: String) -> Self {
        Self { role, servers, errors: Mutex::default() }
    }
}

impl ClientContext for ClientLog {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        let role = self.role;
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => {
                tracing::warn!(target: "kafka_app::client", role, facility, "{line}");
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "kafka_app::client", role, facility, "{line}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(target: "kafka_app::client", role, facility, "{line}"),
        }
    }

    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let Some(n_suppressed) = self.errors.lock().admit(Instant::now()) else { return };
        let (role, servers) = (self.role, &self.servers);
        tracing::warn!(target: "kafka_app::client", role, servers, n_suppressed, "{error}: {reason}");
    }
}

impl Repeats {
    /// Whether an error is worth a line now: `Some(n)` with how many were left out since the last.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|at| now.duration_since(at) < INTERVAL) {
            self.n_suppressed += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.n_suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_repeat_are_counted_instead_of_logged() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        assert_eq!(repeats.admit(start), Some(0));
        assert_eq!(repeats.admit(start + Duration::from_secs(1)), None);
        assert_eq!(repeats.admit(start + Duration::from_secs(9)), None);
        assert_eq!(repeats.admit(start + Duration::from_secs(10)), Some(2));
    }
}
