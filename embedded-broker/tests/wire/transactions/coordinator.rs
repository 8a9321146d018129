//! Producer ids, epochs and the ends of transactions.

use super::*;

#[test]
fn producer_ids_and_epochs() {
    seen_on_each_broker(include_str!("seen/producer_ids_and_epochs.txt"), |client| {
        let mut talk = Talk::new(client);
        let mut request = InitProducerIdRequest::default().with_transaction_timeout_ms(60_000);
        let of = |request: &InitProducerIdRequest, id: &str| {
            request.clone().with_transactional_id(Some(TransactionalId(text(id))))
        };
        let empty = talk.init_request(5, &of(&request, ""));
        talk.say("empty id", format!("{empty:?}"));
        for (asked, timeout) in [("timeout 0", 0), ("timeout -1", -1), ("timeout 900001", 900_001)] {
            request.transaction_timeout_ms = timeout;
            let id = talk.id.clone();
            let seen = talk.init_request(5, &of(&request, &id));
            talk.say(asked, format!("{seen:?}"));
        }
        talk.say_init("half a producer", 5, (5, -1));
        talk.say_init("the other half", 5, (-1, 5));
        let first = talk.say_init("first", 5, (-1, -1));
        for version in 0..=4 {
            talk.say_init("again", version, (-1, -1));
        }
        talk.say_init("goes on", 5, (first.0, 5));
        talk.say_init("goes on, repeated", 5, (first.0, 5));
        talk.say_init("an old epoch", 5, (first.0, 2));
        talk.say_init("an old epoch v3", 3, (first.0, 2));
        talk.say_init("a future epoch", 5, (first.0, 9));
        talk.say_init("another producer's id", 5, (first.0 + 1, 6));
        talk.say_init("taken over", 5, (-1, -1));
        talk.say_init("goes on after that", 5, (first.0, 6));
        talk.lines
    });
}

#[test]
fn an_unknown_id_answers_as_in_kafka() {
    seen_on_each_broker(include_str!("seen/unknown_id.txt"), |client| {
        let mut talk = Talk::new(client);
        for version in 0..=5 {
            talk.say_add("add", version, (7, 0), &[0]);
            talk.say_end("end", version, (7, 0), true);
        }
        talk.say_produce("produce v11", 11, (7, 0), 0, 0);
        talk.say_produce("produce v12", 12, (7, 0), 0, 0);
        let state = talk.state();
        talk.say("state", state);
        talk.lines
    });
}

/// Brings the id into a state, as a client of the version would. Returns the producer as it is then.
fn bring(talk: &mut Talk<'_>, state: &str, version: i16) -> Producer {
    talk.id = unique("txn");
    let producer = talk.init();
    if state == "Empty" {
        return producer;
    }
    assert_eq!(talk.add(if version >= 5 { 5 } else { 3 }, producer, &[0]), [0]);
    if state == "Ongoing" {
        return producer;
    }
    let (code, next) = talk.end(version, producer, state == "CompleteCommit");
    assert_eq!((code, talk.state().as_str()), (0, state));
    if version >= 5 { next } else { producer }
}

#[test]
fn ends_in_each_settled_state() {
    seen_on_each_broker(include_str!("seen/ends.txt"), |client| {
        let mut talk = Talk::new(client);
        for version in [1, 2, 4, 5] {
            for state in ["Empty", "Ongoing", "CompleteCommit", "CompleteAbort"] {
                for (commit, asked) in [(true, "commit"), (false, "abort")] {
                    for (shift, which) in [(0, "current"), (-1, "before"), (1, "future")] {
                        let (id, epoch) = bring(&mut talk, state, version);
                        if epoch + shift < 0 {
                            continue;
                        }
                        talk.producers = vec![id];
                        let (code, next) = talk.end(version, (id, epoch + shift), commit);
                        let (name, after) = (talk.name(next.0), talk.state());
                        let seen = format!("v{version} {state} {which}: {code} {name} {} {after}", next.1);
                        talk.say(asked, seen);
                    }
                }
            }
        }
        talk.lines
    });
}

#[test]
fn partitions_join_whole_or_not_at_all() {
    seen_on_each_broker(include_str!("seen/partitions_join.txt"), |client| {
        let mut talk = Talk::new(client);
        let producer = talk.init();
        let (id, epoch) = producer;
        for version in 0..=5 {
            talk.say_add("old epoch", version, (id, epoch - 1), &[0]);
            talk.say_add("future epoch", version, (id, epoch + 1), &[0]);
            talk.say_add("another id", version, (id + 1, epoch), &[0]);
            talk.say_add("a partition that is not there", version, producer, &[0, 7]);
            talk.say_add("both", version, producer, &[0, 1]);
            let topics = |called: &str| {
                vec![AddPartitionsToTxnTopic::default().with_name(name(called)).with_partitions(vec![0, 1])]
            };
            let seen = talk.add_topics(version, producer, topics("nobody-has-it"), false);
            talk.say("a topic that is not there", format!("{seen:?}"));
        }
        let own = talk.topic.clone();
        let topics = |partitions: Vec<i32>| {
            vec![AddPartitionsToTxnTopic::default().with_name(name(&own)).with_partitions(partitions)]
        };
        for (asked, producer, partitions) in [
            ("verify both", producer, vec![0, 1]),
            ("verify old epoch", (id, epoch - 1), vec![0]),
            ("verify another id", (id + 1, epoch), vec![0]),
        ] {
            let seen = talk.add_topics(5, producer, topics(partitions), true);
            talk.say(asked, format!("{seen:?}"));
        }
        talk.end(1, producer, true);
        let seen = talk.add_topics(5, producer, topics(vec![0, 1]), true);
        talk.say("verify after the end", format!("{seen:?}"));
        talk.lines
    });
}

#[test]
fn a_producer_that_comes_aborts_what_is_open() {
    seen_on_each_broker(include_str!("seen/take_over.txt"), |client| {
        let mut talk = Talk::new(client);
        let old = talk.init();
        talk.add(3, old, &[0]);
        talk.say_produce("written", 11, old, 0, 0);
        let (code, _) = talk.init_as(5, (-1, -1));
        talk.say("asked at once", code.to_string());
        let new = talk.init();
        talk.say("given", format!("{} {}", new.0 == old.0, new.1));
        talk.say_produce("the old one writes", 11, old, 1, 0);
        talk.say_produce("the old one writes v12", 12, old, 1, 0);
        talk.say_add("the old one adds", 3, old, &[0]);
        talk.say_end("the old one commits", 3, old, true);
        talk.say_end("the old one commits v5", 5, old, true);
        talk.say_fetch("seen", 0, 0, 1);
        talk.lines
    });
}
