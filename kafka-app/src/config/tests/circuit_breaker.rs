//! Whether a listener has a circuit breaker, and when it opens.

use std::time::Duration;

use super::listeners::{mistake, resolve, settings};
use crate::config::{CircuitBreaker, CircuitBreakerSettings, Delivery, ListenerSettings, RetryTopicSettings};

const SECOND: Duration = Duration::from_secs(1);

fn declared(circuit_breaker: CircuitBreakerSettings) -> ListenerSettings {
    ListenerSettings { circuit_breaker, ..settings() }
}

fn resolved(config: &str, declaration: &ListenerSettings) -> Option<CircuitBreaker> {
    resolve(config, declaration).expect("right").circuit_breaker
}

#[test]
fn there_is_one_where_anything_is_said_of_it() {
    assert_eq!(resolved("", &settings()), None);
    let default = CircuitBreaker { failures: 5, pause: 10 * SECOND, max_pause: 300 * SECOND, probes: None };
    let on = CircuitBreakerSettings { enabled: Some(true), ..CircuitBreakerSettings::default() };
    assert_eq!(resolved("", &declared(on)), Some(default));
    let said = "[kafka.listener.circuit-breaker]\npause = \"1s\"\n[kafka.listeners.bill.circuit-breaker]\nprobes = 3";
    let expected = CircuitBreaker { pause: SECOND, probes: Some(3), ..default };
    assert_eq!(resolved(said, &settings()), Some(expected));
    assert_eq!(resolved("[kafka.listeners.bill.circuit-breaker]\nenabled = false", &declared(on)), None);
}

#[test]
fn no_record_is_given_up_before_it_opens() {
    let on = CircuitBreakerSettings { enabled: Some(true), ..CircuitBreakerSettings::default() };
    let thrice = RetryTopicSettings { enabled: Some(true), ..RetryTopicSettings::default() };
    let with_topics = ListenerSettings { retry_topics: thrice, ..declared(on) };
    assert_eq!(resolved("", &with_topics).map(|breaker| breaker.failures), Some(3), "a record is handled three times");
    let said = "[kafka.listeners.bill]\nretry.attempts = 4\ncircuit-breaker.failures = 5";
    let text = mistake(said, &settings());
    assert!(text.contains("kafka.listeners.bill.circuit-breaker.failures: a record has 4 deliveries"), "{text}");
    let at_most_once = ListenerSettings { delivery: Some(Delivery::AtMostOnce), ..declared(on) };
    assert_eq!(resolved("", &at_most_once).map(|breaker| breaker.failures), Some(5));
}

#[test]
fn mistakes_are_told_at_their_place() {
    let with = |circuit_breaker| mistake("", &declared(circuit_breaker));
    let zero = with(CircuitBreakerSettings { failures: Some(0), ..CircuitBreakerSettings::default() });
    assert!(zero.contains("circuit-breaker.failures: must be at least 1"), "{zero}");
    let pause = with(CircuitBreakerSettings { pause: Some(Duration::ZERO), ..CircuitBreakerSettings::default() });
    assert!(pause.contains("circuit-breaker.pause: must be more than 0"), "{pause}");
    let longest = with(CircuitBreakerSettings { max_pause: Some(SECOND), ..CircuitBreakerSettings::default() });
    assert!(longest.contains("circuit-breaker.max-pause: is less than circuit-breaker.pause"), "{longest}");
    let spelt = mistake("[kafka.listener.circuit-breaker]\nwait-duration-in-open-state = \"1s\"", &settings());
    assert!(spelt.contains("say pause"), "{spelt}");
}
