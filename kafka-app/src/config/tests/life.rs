//! Restarts, and members that keep their name.

use std::time::Duration;

use super::listeners::{mistake, resolve, settings};
use crate::{
    config::{
        AckMode, Declared, Delivery, KafkaProperties, ListenerSettings, Partitions, RestartSettings, StartFrom,
        consumer_properties,
    },
    offset_spec::OffsetSpec,
};

fn restarting(restart: RestartSettings) -> ListenerSettings {
    ListenerSettings { restart, ..settings() }
}

#[test]
fn a_listener_that_fails_stays_so_unless_it_is_said() {
    assert_eq!(resolve("", &settings()).expect("right").restart.attempts, 0);
    let declared = restarting(RestartSettings { attempts: Some(5), ..RestartSettings::default() });
    let toml = "[kafka.listeners.bill.restart]\nbackoff = \"2m\"";
    let restart = resolve(toml, &declared).expect("right").restart;
    let minutes = |n: u64| Duration::from_secs(60 * n);
    assert_eq!((restart.attempts, restart.backoff, restart.max_backoff), (5, minutes(2), minutes(2)));
}

#[test]
fn what_shapes_restarts_is_checked() {
    let (attempts, second) = (Some(5), Some(Duration::from_secs(1)));
    let wrong = [
        (RestartSettings { backoff: second, ..Default::default() }, "has no effect without restart.attempts"),
        (RestartSettings { attempts, multiplier: Some(0.5), ..Default::default() }, "must be at least 1"),
        (
            RestartSettings { attempts, max_backoff: Some(Duration::from_millis(1)), ..Default::default() },
            "is less than restart.backoff",
        ),
    ];
    for (restart, text) in wrong {
        let said = mistake("", &restarting(restart));
        assert!(said.contains(text), "{said}");
    }
}

#[test]
fn a_static_member_has_the_name_it_was_given_and_several_are_numbered() {
    let declared = ListenerSettings { group_instance_id: Some("pod-7".to_owned()), ..settings() };
    let properties = KafkaProperties::default();
    let alone = resolve("", &declared).expect("right");
    assert_eq!(consumer_properties(&properties, &alone, 0)["group.instance.id"], "pod-7");
    let three = resolve("[kafka.listeners.bill]\nconcurrency = 3", &declared).expect("right");
    assert_eq!(consumer_properties(&properties, &three, 2)["group.instance.id"], "pod-7-2");
}

#[test]
fn a_member_has_one_name() {
    let declared = ListenerSettings { group_instance_id: Some("pod-7".to_owned()), ..settings() };
    let said = mistake("[kafka.listeners.bill.properties]\n\"group.instance.id\" = \"pod-8\"", &declared);
    assert!(said.contains("is said too; keep one of them"), "{said}");
    let blank = ListenerSettings { group_instance_id: Some(" ".to_owned()), ..settings() };
    assert!(mistake("", &blank).contains("is empty"));
}

/// What is wrong with these listeners.
fn mistakes_of(listeners: &[(&str, ListenerSettings)]) -> Option<String> {
    let declared: Vec<_> = listeners
        .iter()
        .map(|(id, settings)| Declared {
            id,
            settings,
            location: None,
            is_batch: false,
            takes_ack: false,
            returns_nothing: true,
            returns: None,
        })
        .collect();
    KafkaProperties::default().resolve_listeners(&declared, |_| Vec::new()).err().map(|error| error.to_string())
}

/// What is wrong with two listeners of one group whose members have these names, the first with `concurrency` consumers.
fn clash(names: [&str; 2], concurrency: u32) -> Option<String> {
    let [first, second] = names.map(|name| ListenerSettings { group_instance_id: Some(name.into()), ..settings() });
    mistakes_of(&[("bill", ListenerSettings { concurrency: Some(concurrency), ..first }), ("ship", second)])
}

#[test]
fn two_members_of_a_group_cannot_have_one_name() {
    let text = clash(["pod-7", "pod-7"], 1).expect("they would fence each other");
    assert!(text.contains("listener `ship`") && text.contains("`pod-7` is that of `bill` in the same group"), "{text}");
    let text = clash(["pod", "pod-1"], 2).expect("so would these");
    assert!(text.contains("`pod-1` is that of `bill`"), "{text}");
    assert_eq!(clash(["pod", "pod-2"], 2), None);
}

fn after(first: &str) -> ListenerSettings {
    ListenerSettings { start_after: Some(first.to_owned()), ..settings() }
}

#[test]
fn a_listener_starts_after_one_that_is_there() {
    assert_eq!(mistakes_of(&[("bill", after("prices")), ("prices", settings())]), None);
    let text = mistakes_of(&[("bill", after("price")), ("prices", settings())]).expect("nobody is called so");
    assert!(
        text.contains("listener `bill`: starts after `price`, and no listener has this id; did you mean `prices`?"),
        "{text}"
    );
}

#[test]
fn listeners_that_wait_for_each_other_are_named() {
    let text = mistakes_of(&[("a", after("b")), ("b", after("c")), ("c", after("a")), ("d", after("a"))]);
    let text = text.expect("none would start");
    assert!(text.contains("listener `a`: waits for itself: `a` after `b` after `c` after `a`"), "{text}");
    assert!(!text.contains("listener `d`"), "{text}");
    let text = mistakes_of(&[("a", after("a"))]).expect("it would never start");
    assert!(text.contains("`a` after `a`"), "{text}");
}

#[test]
fn a_listener_that_somebody_starts_by_hand_starts_after_nobody() {
    let by_hand = ListenerSettings { auto_startup: Some(false), ..after("prices") };
    let text = mistakes_of(&[("bill", by_hand), ("prices", settings())]).expect("which is it?");
    assert!(text.contains("leave out start-after or auto-startup"), "{text}");
}

#[test]
fn a_listener_that_reads_to_the_end_has_no_retry_topics() {
    let until_end = ListenerSettings { until_end: Some(true), ..settings() };
    let listener = resolve("", &until_end).expect("right");
    assert_eq!(consumer_properties(&KafkaProperties::default(), &listener, 0)["enable.partition.eof"], "true");
    let text = mistake("[kafka.listeners.bill.retry-topics]\nenabled = true", &until_end);
    assert!(text.contains("retry topics are read after the end"), "{text}");
}

fn by_hand(more: ListenerSettings) -> ListenerSettings {
    ListenerSettings { partitions: Some(Partitions::All), topics: settings().topics, ..more }
}

#[test]
fn partitions_taken_by_hand_are_committed_under_a_group_of_their_own_or_not_at_all() {
    let properties = KafkaProperties::default();
    let own = ListenerSettings { group_id: Some("loaders".to_owned()), ..ListenerSettings::default() };
    let alone =
        resolve("[kafka.consumer]\ngroup-id = \"shared\"", &by_hand(ListenerSettings::default())).expect("right");
    let own = resolve("[kafka.listeners.bill]\nfrom = \"latest-10\"", &by_hand(own)).expect("right");
    let says = |listener| {
        let map = consumer_properties(&properties, listener, 0);
        (map["group.id"].clone(), map["enable.auto.commit"].clone())
    };
    assert_eq!(says(&alone), ("kafka-app-bill".to_owned(), "false".to_owned()));
    assert_eq!(says(&own), ("loaders".to_owned(), "true".to_owned()));
    let from = own.by_hand.map(|by_hand| by_hand.from);
    assert_eq!(from, Some(StartFrom::At(OffsetSpec::BeforeLatest(10))));
}

#[test]
fn what_does_not_go_with_partitions_taken_by_hand_is_named() {
    let default = ListenerSettings::default;
    let grouped = || ListenerSettings { group_id: Some("loaders".to_owned()), ..default() };
    let wrong = [
        (by_hand(ListenerSettings { from: Some(StartFrom::Committed), ..default() }), "committed needs a group"),
        (
            by_hand(ListenerSettings { from: Some(StartFrom::At(OffsetSpec::Offset(-1))), ..default() }),
            "there is no offset -1",
        ),
        (
            by_hand(ListenerSettings { ack_mode: Some(AckMode::Record), ..default() }),
            "nothing is committed without a group",
        ),
        (by_hand(ListenerSettings { delivery: Some(Delivery::AtMostOnce), ..default() }), "nothing is committed"),
        (
            by_hand(ListenerSettings { delivery: Some(Delivery::ExactlyOnce), ..grouped() }),
            "exactly-once needs a group",
        ),
        (by_hand(ListenerSettings { group_instance_id: Some("a".to_owned()), ..grouped() }), "shared with nobody"),
        (ListenerSettings { from: Some(StartFrom::Committed), ..settings() }, "say which, as partitions"),
    ];
    for (settings, text) in wrong {
        let said = mistake("", &settings);
        assert!(said.contains(text), "{said}");
    }
}

#[test]
fn a_group_with_members_takes_no_commits_from_outside() {
    let loads = by_hand(ListenerSettings { group_id: settings().group_id, ..ListenerSettings::default() });
    let text = mistakes_of(&[("loads", loads), ("bill", settings())]).expect("its commits would be refused");
    assert!(
        text.contains("listener `loads`: takes its partitions by itself") && text.contains("`bill` is a member"),
        "{text}"
    );
}
