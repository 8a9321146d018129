//! ListOffsets, OffsetForLeaderEpoch and InitProducerId.

use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{InitProducerIdRequest, OffsetForLeaderEpochRequest, ProducerId, TransactionalId};

use super::raw::{Raw, record};
use super::*;

/// What times are counted from.
const BASE_MS: i64 = 1_700_000_000_000;

/// A batch whose records have these times.
fn at_times(deltas: &[i64]) -> Raw {
    let records = deltas.iter().zip(0..).flat_map(|(delta, n)| record(delta - deltas[0], n, None, b"v"));
    Raw::of(i32::try_from(deltas.len()).expect("it is small")).with(|raw| {
        raw.body = records.collect();
        raw.base_timestamp = BASE_MS + deltas[0];
        raw.max_timestamp = BASE_MS + deltas.iter().max().expect("there are records");
    })
}

#[test]
fn offsets_by_time() {
    seen_on_each_broker(include_str!("seen/offsets_by_time.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let topic = make(client, &[]);
        for version in [1, 4, 7, 10] {
            lines.push(("empty, latest", find(client, version, &topic, 1, -1, -1)));
            lines.push(("empty, earliest", find(client, version, &topic, 1, -1, -2)));
            lines.push(("empty, time 0", find(client, version, &topic, 1, -1, 0)));
            lines.push(("empty, -3", find(client, version, &topic, 1, -1, -3)));
            lines.push(("empty, -4", find(client, version, &topic, 1, -1, -4)));
            lines.push(("empty, -5", find(client, version, &topic, 1, -1, -5)));
            lines.push(("empty, -6", find(client, version, &topic, 1, -1, -6)));
            lines.push(("empty, -7", find(client, version, &topic, 1, -1, -7)));
        }
        for deltas in [&[0, 10, 20][..], &[5, 40, 15], &[40, 30]] {
            assert_eq!(produce(client, &topic, 0, at_times(deltas).bytes()).error_code, 0);
        }
        for version in 1..=10 {
            for special in [-1, -2, -3, -4, -5, -6, -7, i64::MIN] {
                lines.push(("special", find(client, version, &topic, 0, -1, special)));
            }
        }
        for delta in [-1, 0, 1, 10, 11, 20, 21, 40, 41] {
            let seen = find(client, 7, &topic, 0, -1, BASE_MS + delta);
            lines.push(("time", seen));
        }
        lines.push(("time 0", find(client, 7, &topic, 0, -1, 0)));
        lines.push(("time i64::MAX", find(client, 7, &topic, 0, -1, i64::MAX)));
        for epoch in [0, 1, -2] {
            lines.push(("epoch", find(client, 7, &topic, 0, epoch, -1)));
            lines.push(("epoch, by time", find(client, 7, &topic, 0, epoch, BASE_MS)));
        }
        lines.push(("unknown partition", find(client, 7, &topic, 9, -1, -1)));
        lines.push(("unknown topic", find(client, 7, "nobody-has-it", 0, -1, -1)));
        lines.push(("unknown topic and special", find(client, 7, "nobody-has-it", 0, -1, -9)));
        let partition = |index| ListOffsetsPartition::default().with_partition_index(index).with_timestamp(-1);
        let twice = vec![partition(0), partition(1), partition(0)];
        let asked = ListOffsetsTopic::default().with_name(name(&topic)).with_partitions(twice);
        for replica in [-1, -2, 1] {
            let request =
                ListOffsetsRequest::default().with_replica_id(replica.into()).with_topics(vec![asked.clone()]);
            let response = client.call(7, &request);
            let mut parts: Vec<_> =
                response.topics[0].partitions.iter().map(|p| (p.partition_index, p.error_code, p.offset)).collect();
            parts.sort_unstable();
            lines.push(("a partition twice", format!("{parts:?}")));
        }
        let committed = ListOffsetsTopic::default().with_name(name(&topic)).with_partitions(vec![partition(0)]);
        let request = ListOffsetsRequest::default().with_isolation_level(1).with_topics(vec![committed]);
        let response = client.call(7, &request);
        lines.push(("read_committed", format!("{}", response.topics[0].partitions[0].offset)));
        lines
    });
}

#[test]
fn ends_of_leader_epochs() {
    seen_on_each_broker(include_str!("seen/ends_of_leader_epochs.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let topic = make(client, &[]);
        assert_eq!(produce(client, &topic, 0, Raw::of(3).bytes()).error_code, 0);
        let mut ask = |what, version, topic: &str, partition, current, epoch| {
            let asked = OffsetForLeaderPartition::default()
                .with_partition(partition)
                .with_current_leader_epoch(current)
                .with_leader_epoch(epoch);
            let asked = OffsetForLeaderTopic::default().with_topic(name(topic)).with_partitions(vec![asked]);
            let request = OffsetForLeaderEpochRequest::default().with_topics(vec![asked]);
            let request = if version >= 3 { request.with_replica_id((-1).into()) } else { request };
            let answer = client.call(version, &request).topics.remove(0).partitions.remove(0);
            let seen =
                format!("{} {} {} {}", answer.partition, answer.error_code, answer.leader_epoch, answer.end_offset);
            lines.push((what, seen));
        };
        for version in 2..=4 {
            ask("the current epoch", version, &topic, 0, -1, 0);
            ask("the current epoch, known", version, &topic, 0, 0, 0);
            ask("of an empty partition", version, &topic, 1, -1, 0);
            ask("a future epoch", version, &topic, 0, -1, 5);
            ask("no epoch", version, &topic, 0, -1, -1);
            ask("epoch -2", version, &topic, 0, -1, -2);
            ask("a newer leader epoch", version, &topic, 0, 3, 0);
            ask("leader epoch -2", version, &topic, 0, -2, 0);
            ask("an unknown partition", version, &topic, 9, -1, 0);
            ask("an unknown topic", version, "nobody-has-it", 0, -1, 0);
        }
        lines
    });
}

#[test]
fn producer_ids() {
    seen_on_each_broker(include_str!("seen/producer_ids.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        // A real one has to be given its first ids by the controller.
        let anybody = InitProducerIdRequest::default().with_transactional_id(None);
        ask_until(|| client.call(0, &anybody).error_code, |code| *code == 0);
        let mut ask = |what, version, request: InitProducerIdRequest| {
            let answer = client.call(version, &request);
            let id = if answer.producer_id.0 >= 0 { "id" } else { "none" };
            lines.push((what, format!("{} {id} {}", answer.error_code, answer.producer_epoch)));
            answer.producer_id
        };
        let fresh = || InitProducerIdRequest::default().with_transactional_id(None);
        let first = ask("v0", 0, fresh());
        let second = ask("v5", 5, fresh());
        assert_ne!(first, second);
        let again = ask("comes back", 5, fresh().with_producer_id(second).with_producer_epoch(0));
        assert!(again != second || again.0 == -1);
        ask("unknown id", 5, fresh().with_producer_id(ProducerId(77)).with_producer_epoch(5));
        ask("id without epoch", 5, fresh().with_producer_id(second).with_producer_epoch(-1));
        ask("epoch without id", 5, fresh().with_producer_id(ProducerId(-1)).with_producer_epoch(4));
        ask("timeout 0", 5, fresh().with_transaction_timeout_ms(0));
        ask("timeout -1", 5, fresh().with_transaction_timeout_ms(-1));
        ask("timeout i32::MAX", 5, fresh().with_transaction_timeout_ms(i32::MAX));
        let empty = TransactionalId(StrBytes::from_static_str(""));
        ask(
            "empty transactional id",
            5,
            fresh().with_transactional_id(Some(empty.clone())).with_transaction_timeout_ms(1000),
        );
        ask(
            "empty transactional id v0",
            0,
            fresh().with_transactional_id(Some(empty)).with_transaction_timeout_ms(1000),
        );
        lines
    });
}

#[test]
fn offsets_by_time_behind_deleted_records() {
    seen_on_each_broker(include_str!("seen/offsets_by_time_behind_deleted_records.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let topic = make(client, &[]);
        for deltas in [&[10, 50, 30][..], &[20, 40], &[45]] {
            assert_eq!(produce(client, &topic, 0, at_times(deltas).bytes()).error_code, 0);
        }
        for start in [0, 1, 2, 3, 5, 6] {
            assert_eq!(delete_before(client, &topic, 0, start), 0);
            // Not compared: -3, for which a real one may name a record that was deleted, as long as its segment is there.
            for time in [-2, -1, BASE_MS, BASE_MS + 25, BASE_MS + 35, BASE_MS + 45, BASE_MS + 50] {
                lines.push(("from a start", find(client, 7, &topic, 0, -1, time)));
            }
        }
        lines
    });
}
