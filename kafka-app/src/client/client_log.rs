//! What a librdkafka client says of itself, as `tracing` events under the target `kafka_app::client`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rdkafka::{client::ClientContext, config::RDKafkaLogLevel, error::KafkaError};

use super::{
    brokers::{Brokers, Connections, FoundBroker, LostBrokers},
    ffi::fault_of,
    refusal::Refusal,
};

/// The context of clients that need no other callback.
pub(crate) struct ClientLog {
    role: &'static str,
    servers: String,
    errors: Mutex<Repeats>,
    refusal: Arc<Refusal>,
    /// Of a client that is asked which brokers it cannot reach.
    brokers: Option<Watched>,
}

struct Watched {
    brokers: Arc<Brokers>,
    connections: Arc<Connections>,
    lost: Mutex<Lost>,
}

struct Lost {
    told: LostBrokers,
    next_look: Instant,
}

/// A client without a broker reports the same errors several times a second: one line each interval will do.
#[derive(Default)]
struct Repeats {
    last: Option<Instant>,
    n_suppressed: u64,
}

const INTERVAL: Duration = Duration::from_secs(10);
/// How often it is looked whether brokers are lost or back.
const LOOK: Duration = Duration::from_secs(1);
/// What is said of a broker that was lost.
pub(crate) const BACK: &str = "a broker that was lost is reached again, or what it did is elsewhere";

impl ClientLog {
    /// `role` is what the client does: `producer`, `admin`.
    pub(crate) fn new(role: &'static str, servers: String) -> Self {
        Self { role, servers, errors: Mutex::default(), refusal: Arc::default(), brokers: None }
    }

    /// Of a client that tells what becomes of these connections, among those of `brokers`.
    pub(super) fn of(mut self, brokers: &Arc<Brokers>, connections: &Arc<Connections>) -> Self {
        let lost = Mutex::new(Lost { told: LostBrokers::default(), next_look: Instant::now() });
        self.refusal = Arc::clone(&connections.refusal);
        self.brokers = Some(Watched { brokers: Arc::clone(brokers), connections: Arc::clone(connections), lost });
        self
    }

    /// Whether brokers let the client in.
    pub(super) fn refusal(&self) -> Arc<Refusal> {
        Arc::clone(&self.refusal)
    }

    /// Tells which brokers are lost and which are back, once a second and unless somebody else does.
    pub(super) fn look(&self, now: Instant) {
        let Some(Watched { brokers, connections, lost }) = &self.brokers else { return };
        let mut lost = lost.lock();
        if brokers.is_heard() || now < lost.next_look {
            return;
        }
        lost.next_look = now + LOOK;
        let (faults, found) = lost.told.look(&connections.unreachable(now), now);
        let role = self.role;
        for fault in faults {
            tracing::warn!(target: "kafka_app::client", role, "a broker cannot be reached: {fault}");
            lost.told.told(&fault, now);
        }
        for FoundBroker { name, unreachable_for } in found {
            tracing::info!(target: "kafka_app::client", role, broker = name, ?unreachable_for, "{BACK}");
        }
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
        if let Some(code) = error.rdkafka_error_code() {
            self.refusal.note(code, reason);
        }
        if let (Some(watched), Some(code)) = (&self.brokers, error.rdkafka_error_code()) {
            let fault = fault_of(code, reason);
            if watched.brokers.is_heard() && fault.is_of_brokers() {
                return watched.brokers.say(fault);
            }
            watched.lost.lock().told.told(&fault, Instant::now());
        }
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
