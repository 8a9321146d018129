//! Handlers of another listener's dead letters.

use super::listeners::{properties, settings};
use crate::config::{DeadLetter, Declared, ListenerSettings, OnDltFailure, ResolvedListener, Subscription};

fn declared<'d>(id: &'d str, settings: &'d ListenerSettings) -> Declared<'d> {
    Declared { id, settings, location: None, is_batch: false, takes_ack: false, returns_nothing: false, returns: None }
}

/// The handler `letters` of the dead letters of `bill`.
fn resolve(toml: &str, bill: &ListenerSettings, letters: &ListenerSettings) -> Result<ResolvedListener, String> {
    let declared = [declared("letters", letters), declared("bill", bill)];
    let mut resolved = properties(toml).resolve_listeners(&declared, |_| Vec::new()).map_err(|e| e.to_string())?;
    Ok(resolved.remove(0))
}

fn of(id: &str) -> ListenerSettings {
    ListenerSettings { dead_letters_of: Some(id.to_owned()), ..ListenerSettings::default() }
}

fn bill() -> ListenerSettings {
    ListenerSettings {
        topics: Some(vec!["orders".to_owned(), "returns".to_owned()]),
        dead_letter: Some(DeadLetter::Suffix("-dlt".to_owned())),
        ..settings()
    }
}

#[test]
fn it_reads_what_its_listener_gives_up_and_has_it_again_when_it_fails() {
    let letters = resolve("[kafka.listener]\ndead-letter = \"lost\"", &bill(), &of("bill")).expect("right");
    let topics = ["orders-dlt", "returns-dlt"].map(str::to_owned);
    assert_eq!(letters.subscription, Subscription::Topics(topics.to_vec()));
    assert_eq!((letters.group_id.as_str(), letters.retry.attempts), ("billing-dlt", 1));
    assert_eq!(letters.next_retry_topics(), topics, "to the end of its topic");
    assert_eq!((letters.dead_letter.clone(), letters.is_of_retry_topic()), (DeadLetter::Off, false));
}

#[test]
fn what_it_fails_to_handle_goes_where_is_said() {
    let with = |change: fn(&mut ListenerSettings)| {
        let mut letters = of("bill");
        change(&mut letters);
        resolve("", &bill(), &letters).expect("right")
    };
    for (on_failure, dead_letter) in [(OnDltFailure::Skip, DeadLetter::Off), (OnDltFailure::Stop, DeadLetter::Stop)] {
        let mut letters = of("bill");
        letters.on_failure = Some(on_failure);
        let letters = resolve("", &bill(), &letters).expect("right");
        assert_eq!((letters.dead_letter, letters.retry_topics), (dead_letter, None));
    }
    let parked = with(|s| s.dead_letter = Some(DeadLetter::Topic("parked".to_owned())));
    assert_eq!((parked.dead_letter_topics(), parked.retry_topics), (vec!["parked".to_owned()], None));
    assert_eq!(with(|s| s.group_id = Some("own".to_owned())).group_id, "own");
}

#[test]
fn its_mistakes_are_told() {
    let mistake = |bill: &ListenerSettings, letters: &ListenerSettings| resolve("", bill, letters).expect_err("wrong");
    let text = mistake(&bill(), &of("bil"));
    assert!(
        text.contains("of `bil`, but no listener with dead letters of its own has this id; did you mean `bill`?"),
        "{text}"
    );
    let text = mistake(&ListenerSettings { dead_letter: None, ..bill() }, &of("bill"));
    assert!(text.contains("`bill`, which has no dead letter topic"), "{text}");
    assert!(mistake(&bill(), &of("letters")).contains("no listener with dead letters of its own"));
    let text = mistake(&bill(), &ListenerSettings { topics: Some(vec!["x".to_owned()]), ..of("bill") });
    assert!(text.contains("keep one of them"), "{text}");
    let text = mistake(&ListenerSettings { on_failure: Some(OnDltFailure::Skip), ..bill() }, &of("bill"));
    assert!(text.contains("on-failure: is for handlers of dead letters"), "{text}");
}
