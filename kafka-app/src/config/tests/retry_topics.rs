//! Retry topics: which there are, where they are said, and what they cannot be with.

use std::time::Duration;

use super::listeners::{mistake, resolve, settings};
use crate::config::{DeadLetter, Delivery, ListenerSettings, ResolvedListener, RetryTopicNames, RetryTopicSettings};

fn declared(retry_topics: RetryTopicSettings) -> ListenerSettings {
    let enabled = Some(true);
    ListenerSettings { retry_topics: RetryTopicSettings { enabled, ..retry_topics }, ..settings() }
}

fn topics(resolved: &ResolvedListener) -> Vec<String> {
    resolved.retry_topics_of(&["orders".to_owned()])
}

#[test]
fn by_default_a_record_is_handled_thrice_a_second_apart() {
    let resolved = resolve("", &declared(RetryTopicSettings::default())).expect("right");
    assert_eq!(topics(&resolved), ["orders-retry"]);
    let retry_topics = resolved.retry_topics.as_ref().expect("there are");
    assert_eq!((retry_topics.attempts, retry_topics.stages[0].delay), (3, Duration::from_secs(1)));
    assert_eq!(resolved.dead_letter_topics(), ["orders-dlt"]);
    assert_eq!(resolved.retry.attempts, 1, "deliveries in place would hold up what is behind");
    let stage = &resolved.stages()[0];
    assert_eq!((stage.id.as_str(), stage.group_id.as_str()), ("bill-retry", "billing-retry"));
    assert_eq!(stage.dead_letter_topics(), ["orders-dlt"]);
    assert_eq!(resolved.next_retry_topics(), ["orders-retry"]);
    assert_eq!(stage.next_retry_topics(), ["orders-retry"], "the same, while there are attempts left");
}

#[test]
fn what_is_said_decides() {
    let resolved = resolve(
        "[kafka.listeners.bill.retry-topics]\nattempts = 4\n[kafka.listener.retry]\nattempts = 2",
        &declared(RetryTopicSettings {
            multiplier: Some(3.0),
            backoff: Some(Duration::from_millis(500)),
            suffix: Some(".again".to_owned()),
            dlt_suffix: Some(".lost".to_owned()),
            concurrency: Some(2),
            ..RetryTopicSettings::default()
        }),
    )
    .expect("right");
    assert_eq!(topics(&resolved), ["orders.again-500", "orders.again-1500", "orders.again-4500"]);
    assert_eq!(resolved.dead_letter_topics(), ["orders.lost"]);
    assert_eq!((resolved.retry.attempts, resolved.stages()[1].concurrency), (2, 2));
    assert_eq!(resolved.stages()[0].next_retry_topics(), ["orders.again-1500"]);
    assert!(resolved.stages()[2].next_retry_topics().is_empty());
}

#[test]
fn a_dead_letter_topic_that_is_named_is_that_of_all_stages() {
    let declaration = ListenerSettings {
        topics: Some(vec!["orders".to_owned(), "returns".to_owned()]),
        dead_letter: Some(DeadLetter::Topic("lost".to_owned())),
        ..declared(RetryTopicSettings::default())
    };
    let resolved = resolve("", &declaration).expect("right");
    assert_eq!(
        (resolved.dead_letter_topics(), resolved.stages()[0].dead_letter_topics()),
        (vec!["lost".to_owned()], vec!["lost".to_owned()])
    );
    let by_suffix = resolve("[kafka.listeners.bill]\ndead-letter = \"*-lost\"", &declaration).expect("right");
    assert_eq!(by_suffix.dead_letter_topics(), ["orders-lost", "returns-lost"]);
    assert_eq!(by_suffix.stages()[0].dead_letter_topics(), ["orders-lost", "returns-lost"]);
}

#[test]
fn springs_properties_turn_them_on_for_all_that_can_have_them() {
    let boot = "[kafka.retry.topic]\nenabled = true\nattempts = 5\n[kafka.retry.topic.backoff]\ndelay = \"2s\"\n\
                multiplier = 2\nmax-delay = \"5s\"\njitter = \"500ms\"";
    let resolved = resolve(boot, &settings()).expect("right");
    assert_eq!(topics(&resolved), ["orders-retry-2000", "orders-retry-4000", "orders-retry-5000"]);
    let retry_topics = resolved.retry_topics.as_ref().expect("there are");
    assert_eq!((retry_topics.attempts, retry_topics.jitter), (5, 0.25));
    let at_most_once = ListenerSettings { delivery: Some(Delivery::AtMostOnce), ..settings() };
    assert_eq!(resolve(boot, &at_most_once).expect("right").retry_topics, None);
    let off = format!("{boot}\n[kafka.listeners.bill.retry-topics]\nenabled = false");
    assert_eq!(resolve(&off, &settings()).expect("right").retry_topics, None);
}

#[test]
fn mistakes_are_told_at_their_place() {
    let with = |change: fn(&mut RetryTopicSettings)| {
        let mut retry_topics = RetryTopicSettings::default();
        change(&mut retry_topics);
        mistake("", &declared(retry_topics))
    };
    assert!(with(|s| s.attempts = Some(1)).contains("retry-topics.attempts: must be at least 2"));
    assert!(with(|s| s.jitter = Some(1.5)).contains("retry-topics.jitter: must be from 0 to 1"));
    assert!(with(|s| s.multiplier = Some(0.5)).contains("retry-topics.multiplier: must be at least 1"));
    assert!(with(|s| s.max_backoff = Some(Duration::from_millis(1))).contains("is less than retry-topics.backoff"));
    assert!(with(|s| s.suffix = Some("-ü".to_owned())).contains("retry-topics.suffix: `-ü` cannot be a topic"));
    let many = with(|s| (s.attempts, s.topics) = (Some(99), Some(RetryTopicNames::PerAttempt)));
    assert!(many.contains("more than 32 retry topics"), "{many}");
    let single = with(|s| (s.multiplier, s.topics) = (Some(2.0), Some(RetryTopicNames::Single)));
    assert!(single.contains("\"single\" needs one delay"), "{single}");
    let boot = mistake("[kafka.retry.topic]\nenabled = true\nattempts = 1", &settings());
    assert!(boot.starts_with("kafka-app.toml:3: kafka.retry.topic.attempts: must be at least 2"), "{boot}");
    let off = mistake("[kafka.listeners.bill.retry-topics]\nattempts = 5", &settings());
    assert!(off.contains("kafka.listeners.bill.retry-topics: has no effect: say `enabled = true` too"), "{off}");
}

#[test]
fn they_cannot_be_with_patterns_nor_at_most_once_nor_read_by_their_own_listener() {
    let retry_topics = || declared(RetryTopicSettings::default());
    let pattern = ListenerSettings { topics: None, topic_pattern: Some("orders-.*".to_owned()), ..retry_topics() };
    assert!(
        mistake("", &ListenerSettings { dead_letter: Some(DeadLetter::Off), ..pattern })
            .contains("needs topics by name")
    );
    let at_most_once = ListenerSettings { delivery: Some(Delivery::AtMostOnce), ..retry_topics() };
    assert!(mistake("", &at_most_once).contains("at-most-once never delivers a record again"));
    let overridden = "[kafka.listeners.bill]\ndelivery = \"at-most-once\"";
    assert_eq!(resolve(overridden, &retry_topics()).expect("right").retry_topics, None);
    let own = ListenerSettings { topics: Some(vec!["a".to_owned(), "a-retry".to_owned()]), ..retry_topics() };
    assert!(mistake("", &own).contains("the listener reads `a-retry` itself"));
    let long =
        ListenerSettings { topics: Some(vec!["a".repeat(246)]), dead_letter: Some(DeadLetter::Off), ..retry_topics() };
    assert!(mistake("", &long).contains("cannot be a topic"));
}
