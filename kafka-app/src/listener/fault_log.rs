//! [`FaultLog`]: decides which of a client's faults are told, so that an outage does not flood the log: pure.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::client::{Fault, FaultKind};

/// The same kind of fault is told again after this long.
const EVERY: Duration = Duration::from_secs(30);

/// Faults of one consumer. An unreachable cluster reports itself about five times a second.
#[derive(Debug, Default)]
pub(crate) struct FaultLog {
    told: HashMap<(FaultKind, Option<String>), Told>,
}

#[derive(Debug)]
struct Told {
    at: Instant,
    held_back: u64,
}

impl FaultLog {
    /// A broker is back: should it be lost again, that is news.
    pub(crate) fn is_back(&mut self, broker: &str) {
        self.told.remove(&(FaultKind::BrokerUnreachable, Some(broker.to_owned())));
    }

    /// Whether to tell this fault, with how many like it were held back since the last. Faults that only say that no
    /// broker is reachable count as one, and those of one broker do; others are told apart by their text.
    pub(crate) fn observe(&mut self, fault: &Fault, now: Instant) -> Option<u64> {
        let text = match fault.kind {
            FaultKind::Unreachable => None,
            FaultKind::BrokerUnreachable => Some(fault.broker().to_owned()),
            _ => Some(fault.text.clone()),
        };
        if self.told.len() > 64 {
            self.told.retain(|_, told| now.duration_since(told.at) < EVERY);
        }
        match self.told.get_mut(&(fault.kind, text.clone())) {
            Some(told) if now.duration_since(told.at) < EVERY => {
                told.held_back += 1;
                None
            }
            Some(told) => {
                told.at = now;
                Some(std::mem::take(&mut told.held_back))
            }
            None => {
                self.told.insert((fault.kind, text), Told { at: now, held_back: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: FaultKind, text: &str) -> Fault {
        Fault { kind, text: text.to_owned() }
    }

    #[test]
    fn an_outage_is_told_once_in_a_while_with_what_was_held_back() {
        let (mut log, start) = (FaultLog::default(), Instant::now());
        let told: Vec<u64> = (0..350_u64)
            .filter_map(|n| {
                let fault = fault(FaultKind::Unreachable, &format!("{n}/1 brokers are down"));
                log.observe(&fault, start + Duration::from_millis(n * 100))
            })
            .collect();
        assert_eq!(told, [0, 299]);
    }

    #[test]
    fn each_broker_that_is_lost_is_told_however_it_is_lost() {
        let (mut log, now) = (FaultLog::default(), Instant::now());
        let lost = |text| fault(FaultKind::BrokerUnreachable, text);
        assert_eq!(log.observe(&lost("h:1/1: Disconnected (after 2ms in state UP)"), now), Some(0));
        assert_eq!(log.observe(&lost("h:1/1: Connection refused (after 0ms in state CONNECT)"), now), None);
        assert_eq!(log.observe(&lost("h:2/2: Disconnected (after 3ms in state UP)"), now), Some(0));
    }

    #[test]
    fn different_faults_are_told_each() {
        let (mut log, now) = (FaultLog::default(), Instant::now());
        assert_eq!(log.observe(&fault(FaultKind::UnknownTopic, "a"), now), Some(0));
        assert_eq!(log.observe(&fault(FaultKind::UnknownTopic, "b"), now), Some(0));
        assert_eq!(log.observe(&fault(FaultKind::UnknownTopic, "a"), now), None);
    }
}
