//! What partitions take, and what readers see.

use super::*;

#[test]
fn a_transaction_of_announced_partitions() {
    seen_on_each_broker(include_str!("seen/announced.txt"), |client| {
        let mut talk = Talk::new(client);
        let producer = talk.init();
        let (id, epoch) = producer;
        talk.name(id);
        for version in [3, 10, 11] {
            talk.say_produce("not announced", version, producer, 0, 0);
        }
        talk.say_add("announced", 3, producer, &[0]);
        talk.say_produce("another partition", 11, producer, 0, 1);
        talk.say_produce("first", 11, producer, 0, 0);
        talk.say_produce("second", 10, producer, 1, 0);
        talk.say_produce("second, repeated", 11, producer, 1, 0);
        talk.say_produce("a gap", 11, producer, 5, 0);
        talk.say_produce("an old epoch", 11, (id, epoch - 1), 2, 0);
        talk.say_produce("another producer id", 11, (id + 1, epoch), 0, 0);
        let plain = Raw::of(1).from(id, epoch, 2);
        let seen = talk.produce_raw(11, None, &plain, 0);
        talk.say("outside of the open transaction", format!("{seen:?}"));
        let nameless = Raw::of(1).from(id, epoch, 2).with(|raw| raw.attributes = 0x10);
        let seen = talk.produce_raw(11, None, &nameless, 0);
        talk.say("without the id", format!("{seen:?}"));
        let other = Some(TransactionalId(text("nobody-has-it")));
        let seen = talk.produce_raw(11, other.clone(), &nameless, 0);
        talk.say("of another id, open", format!("{seen:?}"));
        let seen = talk.produce_raw(11, other, &nameless, 1);
        talk.say("of another id", format!("{seen:?}"));
        talk.say_fetch("uncommitted", 0, 0, 0);
        talk.say_fetch("committed", 0, 0, 1);
        talk.say_end("commit", 3, producer, true);
        talk.say_fetch("uncommitted", 0, 0, 0);
        talk.say_fetch("committed", 0, 0, 1);
        talk.say_produce("a late one", 11, producer, 3, 0);
        talk.say_produce("a late one v10", 10, producer, 3, 0);
        talk.say_produce("a repetition", 11, producer, 2, 0);
        talk.say_add("next", 3, producer, &[0, 1]);
        talk.say_produce("next", 11, producer, 3, 0);
        talk.say_produce("next, other partition", 11, producer, 0, 1);
        talk.say_end("abort", 3, producer, false);
        talk.say_fetch("committed", 0, 0, 1);
        talk.say_fetch("committed, from the middle", 0, 4, 1);
        talk.say_fetch("committed, the end", 0, 5, 1);
        talk.say_fetch("committed, other partition", 1, 0, 1);
        talk.lines
    });
}

#[test]
fn a_transaction_that_adds_what_is_written() {
    seen_on_each_broker(include_str!("seen/implicit.txt"), |client| {
        let mut talk = Talk::new(client);
        let producer = talk.init();
        let (id, epoch) = producer;
        talk.name(id);
        talk.say_produce("begins in the middle", 12, producer, 4, 0);
        talk.say_produce("an old epoch", 12, (id, epoch - 1), 0, 0);
        talk.say_produce("a future epoch", 12, (id, epoch + 1), 0, 0);
        talk.say_produce("another producer id", 12, (id + 1, epoch), 0, 0);
        talk.say_produce("first", 12, producer, 0, 0);
        talk.say_produce("second", 13, producer, 1, 0);
        talk.say_produce("other partition", 12, producer, 0, 1);
        talk.say_fetch("committed", 0, 0, 1);
        let next = talk.say_end("commit", 5, producer, true);
        let repeated = talk.say_end("commit, repeated", 5, producer, true);
        assert_eq!(next, repeated);
        talk.say_fetch("committed", 0, 0, 1);
        talk.say_produce("of the last epoch", 12, producer, 2, 0);
        talk.say_produce("a repetition of the last epoch", 12, producer, 1, 0);
        talk.say_produce("the sequence goes on", 12, next, 2, 0);
        talk.say_produce("begins at zero", 12, next, 0, 0);
        let after = talk.say_end("abort", 5, next, false);
        talk.say_fetch("committed", 0, 0, 1);
        let nothing = talk.say_end("abort of nothing", 5, after, false);
        talk.say_end("commit of nothing", 5, nothing, true);
        talk.say_produce("once more", 12, nothing, 0, 1);
        talk.say_fetch("other partition, open", 1, 0, 1);
        talk.say_end("commit", 5, nothing, true);
        talk.say_fetch("other partition", 1, 0, 1);
        talk.lines
    });
}

#[test]
fn transactions_that_overlap() {
    seen_on_each_broker(include_str!("seen/overlap.txt"), |client| {
        let mut talk = Talk::new(client);
        let (one, two) = (talk.id.clone(), unique("txn"));
        let first = talk.init();
        talk.id = two.clone();
        let second = talk.init();
        talk.producers = vec![first.0, second.0];
        talk.id = one.clone();
        talk.say_produce("first", 12, first, 0, 0);
        talk.id = two;
        talk.say_produce("second", 12, second, 0, 0);
        talk.say_end("second aborts", 5, second, false);
        talk.say_fetch("committed", 0, 0, 1);
        talk.id = one;
        talk.say_produce("first", 12, first, 1, 0);
        talk.say_end("first aborts", 5, first, false);
        for (asked, offset) in
            [("from 0", 0), ("from 1", 1), ("from 2", 2), ("from 3", 3), ("from 4", 4), ("from 5", 5)]
        {
            talk.say_fetch(asked, 0, offset, 1);
        }
        talk.lines
    });
}

#[test]
fn a_batch_that_is_refused_may_have_begun_its_transaction() {
    seen_on_each_broker(include_str!("seen/refused.txt"), |client| {
        let mut talk = Talk::new(client);
        let producer = talk.init();
        let (id, epoch) = producer;
        for version in [10, 11, 12] {
            talk.say_produce("a negative sequence", version, producer, -1, 0);
            let state = talk.state();
            talk.say("state", state);
        }
        talk.say_produce("first", 12, producer, 0, 0);
        talk.say_produce("an old epoch", 12, (id, epoch - 1), 7, 0);
        talk.say_produce("second", 12, producer, 1, 0);
        talk.say_end("commit", 5, producer, true);
        talk.say_fetch("committed", 0, 0, 1);
        talk.lines
    });
}
