//! Whether a listener is stopped for its dead letters.

use std::time::Duration;

use super::listeners::{mistake, resolve, settings};
use crate::config::{DeadLetterBrake, DeadLetterBrakeSettings, Delivery, ListenerSettings};

fn declared(change: impl FnOnce(&mut DeadLetterBrakeSettings)) -> ListenerSettings {
    let mut dead_letter_brake = DeadLetterBrakeSettings { enabled: Some(true), ..DeadLetterBrakeSettings::default() };
    change(&mut dead_letter_brake);
    ListenerSettings { dead_letter_brake, ..settings() }
}

fn resolved(config: &str, declaration: &ListenerSettings) -> Option<DeadLetterBrake> {
    resolve(config, declaration).expect("right").dead_letter_brake
}

#[test]
fn there_is_one_where_anything_is_said_of_it() {
    assert_eq!(resolved("", &settings()), None);
    let default = DeadLetterBrake { share: 0.5, within: Duration::from_secs(60), at_least: 20 };
    assert_eq!(resolved("", &declared(|_| {})), Some(default));
    for share in ["\"12.5%\"", "0.125", "\"12.5 %\""] {
        let said = format!("[kafka.listeners.bill.dead-letter-brake]\nshare = {share}\nat-least = 3");
        let expected = DeadLetterBrake { share: 0.125, at_least: 3, ..default };
        assert_eq!(resolved(&said, &settings()), Some(expected), "{share}");
    }
    assert_eq!(resolved("[kafka.listeners.bill.dead-letter-brake]\nenabled = false", &declared(|_| {})), None);
}

#[test]
fn at_most_once_has_none() {
    let at_most_once = ListenerSettings { delivery: Some(Delivery::AtMostOnce), ..settings() };
    assert_eq!(resolved("[kafka.listener.dead-letter-brake]\nenabled = true", &at_most_once), None, "meant for others");
    let said = ListenerSettings { delivery: Some(Delivery::AtMostOnce), ..declared(|_| {}) };
    let text = mistake("", &said);
    assert!(text.contains("dead-letter-brake: at-most-once makes no dead letters"), "{text}");
}

#[test]
fn mistakes_are_told_at_their_place() {
    for share in [1.0, -0.1, f64::NAN] {
        let text = mistake("", &declared(|s| s.share = Some(share)));
        assert!(text.contains("dead-letter-brake.share: must be from 0% to less than 100%"), "{text}");
    }
    let within = mistake("", &declared(|s| s.within = Some(Duration::from_millis(999))));
    assert!(within.contains("dead-letter-brake.within: must be at least 1s"), "{within}");
    let none = mistake("", &declared(|s| s.at_least = Some(0)));
    assert!(none.contains("dead-letter-brake.at-least: must be at least 1"), "{none}");
    let text = mistake("[kafka.listener.dead-letter-brake]\nshare = \"half\"", &settings());
    assert!(text.contains("expected a share such as \"50%\" or 0.5"), "{text}");
}
