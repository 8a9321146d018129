//! [`Placement`]: whether it is known from where an assignment is to be read: pure.
//!
//! Where a group commits in transactions, a member that asks for its positions is told to wait while one of them is under
//! way. librdkafka does, but if it is given or gives back partitions meanwhile, it takes such a position for none, and goes
//! to where `auto.offset.reset` says (`rd_kafka_assignment_apply_offsets` of 2.12 keeps the invalid offset of the answer):
//! with `earliest` records are handled twice, with `latest` they are lost. So exactly-once consumers ask themselves, and
//! nothing of a partition is handed over before.

use std::time::{Duration, Instant};

use super::later::later;

/// Before a question that was not answered is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// What is known of where an assignment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// It is read from where it is to be.
    Known,
    /// To be asked.
    Unknown { ask_at: Instant },
    /// An answer is under way.
    Asked,
}

impl Placement {
    pub(crate) fn is_known(self) -> bool {
        self == Self::Known
    }

    /// Whether to ask now; each time once.
    pub(crate) fn asks(&mut self, now: Instant) -> bool {
        let asks = matches!(self, Self::Unknown { ask_at } if *ask_at <= now);
        if asks {
            *self = Self::Asked;
        }
        asks
    }

    /// There was no answer.
    pub(crate) fn not_answered(&mut self, now: Instant) {
        if *self == Self::Asked {
            *self = Self::Unknown { ask_at: later(now, AGAIN) };
        }
    }

    /// When to look again.
    pub(crate) fn next_look(self) -> Option<Instant> {
        match self {
            Self::Unknown { ask_at } => Some(ask_at),
            Self::Known | Self::Asked => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_once_and_again_a_while_after_there_was_no_answer() {
        let now = Instant::now();
        let mut placement = Placement::Unknown { ask_at: now };
        assert_eq!((placement.asks(now), placement.asks(now)), (true, false));
        placement.not_answered(now);
        assert_eq!((placement.asks(now), placement.next_look()), (false, Some(now + AGAIN)));
        assert!(placement.asks(now + AGAIN));
    }

    #[test]
    fn what_is_known_is_not_asked() {
        let mut placement = Placement::Known;
        placement.not_answered(Instant::now());
        assert!(!placement.asks(Instant::now()) && placement.is_known());
    }
}
