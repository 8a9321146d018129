//! What is done about a record that failed: pure decisions, taken by [`decide`] and acted on by `listener/dispatch`.

mod back_off;
mod dead_letter;
mod letter_info;
mod retry_topic;

use std::time::Duration;

use crate::{
    config::{DeadLetter, Delivery, ResolvedListener},
    handler::ErrorClass,
};

pub(crate) use back_off::{BackOff, random};
pub(crate) use dead_letter::{Origin, Reason, dead_letter};
pub use letter_info::DeadLetterInfo;
pub(crate) use retry_topic::{
    Hop, dead_letter_of_retries, due, due_after, forwarded, is_of_failures, jittered, n_handled, original_place,
};

/// What is done about a record that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Deliver it again after the delay; the records behind it wait.
    Retry(Duration),
    /// Send it to a retry topic, then go on.
    RetryTopic {
        topic: String,
        /// Which time it will be handled there, over all topics.
        attempt: u32,
        /// Before jitter.
        delay: Duration,
    },
    /// Send it to this topic, then go on.
    DeadLetter(String),
    /// Log it, count it and go on.
    Skip,
    /// Stop the listener; the record stays uncommitted.
    Stop,
}

/// A delivery that failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed<'f> {
    /// Where the record is now.
    pub(crate) topic: &'f str,
    /// How often it went to a retry topic.
    pub(crate) n_forwarded: u32,
    pub(crate) class: ErrorClass,
    /// Deliveries in place, from 1.
    pub(crate) attempt: u32,
    /// Where the error itself wants the record given up to.
    pub(crate) destination: Option<&'f str>,
}

/// Decides about a delivery that failed; `next_delay` is asked only if there is another in place.
pub(crate) fn decide(
    listener: &ResolvedListener,
    failed: Failed<'_>,
    next_delay: impl FnOnce() -> Duration,
) -> Decision {
    match failed.class {
        ErrorClass::Stop => Decision::Stop,
        ErrorClass::Skip => Decision::Skip,
        // Where "not now" is not waited for, it is a failure as any other that may pass.
        ErrorClass::Retry | ErrorClass::NotNow(_) if may_retry(listener, failed.attempt) => {
            Decision::Retry(next_delay())
        }
        ErrorClass::Retry | ErrorClass::NotNow(_) => spent(listener, failed),
        ErrorClass::DeadLetter => give_up(listener, failed.topic, failed.destination),
    }
}

/// Decides about a record whose deliveries in place are spent.
pub(crate) fn spent(listener: &ResolvedListener, failed: Failed<'_>) -> Decision {
    let Failed { topic, n_forwarded, destination, .. } = failed;
    let next = listener.retry_topics.as_ref().and_then(|retry_topics| retry_topics.next(n_forwarded));
    match next {
        Some(stage) => Decision::RetryTopic {
            topic: format!("{}{}", listener.source_of(topic), stage.suffix),
            attempt: n_forwarded.saturating_add(2),
            delay: stage.delay,
        },
        None => give_up(listener, topic, destination),
    }
}

/// Decides about a record that no delivery can mend: its deliveries are spent, or it cannot be decoded.
pub(crate) fn give_up(listener: &ResolvedListener, topic: &str, destination: Option<&str>) -> Decision {
    // Its offset was committed before the handler saw it: to stop would save nothing.
    if listener.delivery == Delivery::AtMostOnce {
        return Decision::Skip;
    }
    let own = destination.map(DeadLetter::named);
    let dead_letter = own.as_ref().unwrap_or(&listener.dead_letter);
    match listener.topic_of(dead_letter, topic) {
        Some(topic) => Decision::DeadLetter(topic),
        None if *dead_letter == DeadLetter::Off => Decision::Skip,
        None => Decision::Stop,
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

    fn check(listener: &ResolvedListener, class: ErrorClass, attempt: u32, expected: &Decision) {
        let failed = Failed { class, attempt, ..failed(0) };
        assert_eq!(&decide(listener, failed, || DELAY), expected, "{class:?}, attempt {attempt}");
    }

    fn failed(n_forwarded: u32) -> Failed<'static> {
        Failed { topic: "orders", n_forwarded, class: ErrorClass::Retry, attempt: 1, destination: None }
    }

    #[test]
    fn an_error_may_name_where_its_records_are_given_up_to() {
        for dead_letter in [DeadLetter::Stop, DeadLetter::Off, DeadLetter::Topic("orders-dlt".to_owned())] {
            let listener = listener(dead_letter);
            let decide = |destination| {
                let failed = Failed { class: ErrorClass::DeadLetter, destination: Some(destination), ..failed(0) };
                decide(&listener, failed, || DELAY)
            };
            assert_eq!(decide("fraud"), Decision::DeadLetter("fraud".to_owned()));
            assert_eq!(decide("*-fraud"), Decision::DeadLetter("orders-fraud".to_owned()));
        }
        let stage = &with_retry_topics()[1];
        let failed = Failed { topic: "orders-retry-7", destination: Some("*-fraud"), ..failed(9) };
        assert_eq!(spent(stage, failed), Decision::DeadLetter("orders-fraud".to_owned()), "also after its retries");
    }

    fn to_dlt() -> Decision {
        Decision::DeadLetter("orders-dlt".to_owned())
    }

    /// A listener and those of its three retry topics.
    fn with_retry_topics() -> Vec<ResolvedListener> {
        let listener = ResolvedListener::new("bill", "orders", "billing").retried_after(&[DELAY, 2 * DELAY, 4 * DELAY]);
        let stages = listener.stages();
        [vec![listener], stages].concat()
    }

    #[test]
    fn a_record_passes_its_retry_topics_and_then_goes_to_the_dead_letters_of_its_first_topic() {
        let mut topic = "orders".to_owned();
        let mut passed = Vec::new();
        for (n_forwarded, listener) in (0..).zip(with_retry_topics()) {
            match spent(&listener, Failed { topic: &topic, ..failed(n_forwarded) }) {
                Decision::RetryTopic { topic: next, attempt, delay } => {
                    passed.push((next.clone(), attempt, delay));
                    topic = next;
                }
                decision => assert_eq!(decision, to_dlt()),
            }
        }
        let expected =
            [("orders-retry-7", 2, DELAY), ("orders-retry-14", 3, 2 * DELAY), ("orders-retry-28", 4, 4 * DELAY)];
        assert_eq!(passed, expected.map(|(topic, attempt, delay)| (topic.to_owned(), attempt, delay)));
    }

    #[test]
    fn only_what_another_delivery_may_mend_goes_to_a_retry_topic() {
        let listener = &with_retry_topics()[0];
        check(listener, ErrorClass::DeadLetter, 1, &to_dlt());
        check(listener, ErrorClass::Skip, 1, &Decision::Skip);
        check(listener, ErrorClass::Stop, 1, &Decision::Stop);
        assert_eq!(give_up(listener, "orders", None), to_dlt(), "and what cannot be decoded");
    }

    #[test]
    fn deliveries_in_place_come_first() {
        let mut listener = with_retry_topics().remove(0);
        listener.retry.attempts = 2;
        check(&listener, ErrorClass::Retry, 1, &Decision::Retry(DELAY));
        let to_retry = Decision::RetryTopic { topic: "orders-retry-7".to_owned(), attempt: 2, delay: DELAY };
        check(&listener, ErrorClass::Retry, 2, &to_retry);
    }

    #[test]
    fn a_retryable_error_is_retried_until_its_deliveries_are_spent() {
        check(&dlt(), ErrorClass::Retry, 1, &Decision::Retry(DELAY));
        check(&dlt(), ErrorClass::Retry, 2, &Decision::Retry(DELAY));
        check(&dlt(), ErrorClass::Retry, 3, &to_dlt());
    }

    #[test]
    fn a_spent_record_stops_the_listener_unless_said_otherwise() {
        check(&listener(DeadLetter::Stop), ErrorClass::Retry, 3, &Decision::Stop);
        check(&listener(DeadLetter::Off), ErrorClass::Retry, 3, &Decision::Skip);
    }

    #[test]
    fn a_dead_letter_error_is_never_retried() {
        check(&dlt(), ErrorClass::DeadLetter, 1, &to_dlt());
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
            assert_eq!(give_up(&listener, "orders", None), Decision::Skip);
        }
    }
}
