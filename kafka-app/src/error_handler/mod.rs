//! What is done about a record that failed: pure decisions, taken by [`decide`] and acted on by `listener/dispatch`.

mod back_off;
mod dead_letter;

use std::time::Duration;

use crate::{
    config::{DeadLetter, Delivery, ResolvedListener},
    handler::ErrorClass,
};

pub(crate) use back_off::{BackOff, random};
pub(crate) use dead_letter::{Origin, Reason, dead_letter};

/// What is done about a record that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision<'a> {
    /// Deliver it again after the delay; the records behind it wait.
    Retry(Duration),
    /// Send it to this topic, then go on.
    DeadLetter(&'a str),
    /// Log it, count it and go on.
    Skip,
    /// Stop the listener; the record stays uncommitted.
    Stop,
}

/// Decides about a delivery that failed with an error of `class`; `attempt` counts deliveries from 1, and `next_delay` is
/// asked only if there is another.
pub(crate) fn decide(
    listener: &ResolvedListener,
    class: ErrorClass,
    attempt: u32,
    next_delay: impl FnOnce() -> Duration,
) -> Decision<'_> {
    match class {
        ErrorClass::Stop => Decision::Stop,
        ErrorClass::Skip => Decision::Skip,
        ErrorClass::Retry if may_retry(listener, attempt) => Decision::Retry(next_delay()),
        ErrorClass::Retry | ErrorClass::DeadLetter => give_up(listener),
    }
}

/// Decides about a record that no delivery can mend: its deliveries are spent, or it cannot be decoded.
pub(crate) fn give_up(listener: &ResolvedListener) -> Decision<'_> {
    match (&listener.delivery, &listener.dead_letter) {
        // Its offset was committed before the handler saw it: to stop would save nothing.
        (Delivery::AtMostOnce, _) | (_, DeadLetter::Off) => Decision::Skip,
        (Delivery::AtLeastOnce | Delivery::ExactlyOnce, DeadLetter::Topic(topic)) => Decision::DeadLetter(topic),
        (Delivery::AtLeastOnce | Delivery::ExactlyOnce, DeadLetter::Stop) => Decision::Stop,
    }
}

fn may_retry(listener: &ResolvedListener, attempt: u32) -> bool {
    listener.delivery != Delivery::AtMostOnce && attempt < listener.retry.attempts
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(7);

    fn listener(dead_letter: DeadLetter) -> ResolvedListener {
        let mut listener = ResolvedListener::new("bill", "orders", "billing");
        listener.retry.attempts = 3;
        listener.dead_letter = dead_letter;
        listener
    }

    fn dlt() -> ResolvedListener {
        listener(DeadLetter::Topic("orders-dlt".to_owned()))
    }

    fn check(listener: &ResolvedListener, class: ErrorClass, attempt: u32, expected: &Decision<'_>) {
        assert_eq!(&decide(listener, class, attempt, || DELAY), expected, "{class:?}, attempt {attempt}");
    }

    #[test]
    fn a_retryable_error_is_retried_until_its_deliveries_are_spent() {
        check(&dlt(), ErrorClass::Retry, 1, &Decision::Retry(DELAY));
        check(&dlt(), ErrorClass::Retry, 2, &Decision::Retry(DELAY));
        check(&dlt(), ErrorClass::Retry, 3, &Decision::DeadLetter("orders-dlt"));
    }

    #[test]
    fn a_spent_record_stops_the_listener_unless_said_otherwise() {
        check(&listener(DeadLetter::Stop), ErrorClass::Retry, 3, &Decision::Stop);
        check(&listener(DeadLetter::Off), ErrorClass::Retry, 3, &Decision::Skip);
    }

    #[test]
    fn a_dead_letter_error_is_never_retried() {
        check(&dlt(), ErrorClass::DeadLetter, 1, &Decision::DeadLetter("orders-dlt"));
        check(&listener(DeadLetter::Stop), ErrorClass::DeadLetter, 1, &Decision::Stop);
        check(&listener(DeadLetter::Off), ErrorClass::DeadLetter, 1, &Decision::Skip);
    }

    #[test]
    fn skip_and_stop_do_not_ask_the_dead_letter_setting() {
        for listener in [dlt(), listener(DeadLetter::Off), listener(DeadLetter::Stop)] {
            check(&listener, ErrorClass::Skip, 1, &Decision::Skip);
            check(&listener, ErrorClass::Stop, 1, &Decision::Stop);
        }
    }

    #[test]
    fn at_most_once_neither_retries_nor_dead_letters() {
        for mut listener in [dlt(), listener(DeadLetter::Stop)] {
            listener.delivery = Delivery::AtMostOnce;
            check(&listener, ErrorClass::Retry, 1, &Decision::Skip);
            check(&listener, ErrorClass::DeadLetter, 1, &Decision::Skip);
            check(&listener, ErrorClass::Stop, 1, &Decision::Stop);
            assert_eq!(give_up(&listener), Decision::Skip);
        }
    }
}
