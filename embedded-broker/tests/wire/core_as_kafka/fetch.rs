//! Fetch: where to read from, how much, and how long to wait.

use std::time::Instant;

use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{FetchRequest, FetchResponse};

use super::raw::Raw;
use super::*;

fn show(response: &FetchResponse, topic: &str, id: Uuid) -> String {
    let topics: Vec<String> = response
        .responses
        .iter()
        .map(|one| {
            let name = one.topic.0.replace(topic, "T");
            let id = if one.topic_id == id { "ID".to_owned() } else { one.topic_id.to_string() };
            let mut parts: Vec<&PartitionData> = one.partitions.iter().collect();
            // A real one answers what is not there last.
            parts.sort_by_key(|p| p.error_code == 3);
            let parts: Vec<String> = parts
                .into_iter()
                .map(|p| {
                    let aborted = p.aborted_transactions.as_ref().map(Vec::len);
                    format!(
                        "{}: {} {} {} {} {aborted:?} {} ({} {}) ({} {}) {:?}",
                        p.partition_index,
                        p.error_code,
                        p.high_watermark,
                        p.last_stable_offset,
                        p.log_start_offset,
                        p.preferred_read_replica.0,
                        p.diverging_epoch.epoch,
                        p.diverging_epoch.end_offset,
                        p.current_leader.leader_id.0,
                        p.current_leader.leader_epoch,
                        p.records.as_ref().map(bytes::Bytes::len)
                    )
                })
                .collect();
            format!("{name:?} {id} {parts:?}")
        })
        .collect();
    // The embedded broker never opens a session.
    format!("{} {topics:?} {}", response.error_code, response.node_endpoints.len())
}

#[test]
fn places_and_sizes() {
    seen_on_each_broker(include_str!("seen/places_and_sizes.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let topic = make(client, &[]);
        let id = topic_id(client, &topic);
        for partition in [0, 0, 0, 1] {
            assert_eq!(produce(client, &topic, partition, Raw::of(4).bytes()).error_code, 0);
        }
        let one = Raw::of(4).bytes().len();
        assert_eq!(one, 61 + 4 * 12);
        let mut ask = |client: &mut Client, what, version, request: FetchRequest| {
            let response = client.call(version, &request);
            lines.push((what, show(&response, &topic, id)));
        };
        let of = |version, partitions: &[(i32, i64)]| fetch_request(&topic, id, version, partitions);
        for version in [4, 5, 6, 7, 9, 11, 12, 13, 15, 16, 17] {
            ask(client, "versions", version, of(version, &[(0, 0), (1, 0)]));
        }
        ask(client, "inside a batch", 12, of(12, &[(0, 6)]));
        ask(client, "the end", 12, of(12, &[(0, 12)]));
        ask(client, "past the end", 12, of(12, &[(0, 13)]));
        ask(client, "offset -1", 12, of(12, &[(0, -1)]));
        ask(client, "offset i64::MAX", 12, of(12, &[(0, i64::MAX)]));
        ask(client, "unknown partition", 12, of(12, &[(9, 0)]));
        ask(client, "partition -1", 12, of(12, &[(-1, 0)]));
        ask(client, "unknown topic", 12, fetch_request("nobody-has-it", id, 12, &[(0, 0)]));
        ask(client, "unknown topic v4", 4, fetch_request("nobody-has-it", id, 4, &[(0, 0)]));
        ask(client, "unknown id", 13, fetch_request("", NO_ID, 13, &[(0, 0)]));
        ask(client, "id of zeros", 13, fetch_request("", Uuid::nil(), 13, &[(0, 0)]));
        ask(client, "unknown partition by id", 13, of(13, &[(9, 0)]));
        ask(client, "good and unknown", 12, of(12, &[(9, 0), (0, 8), (1, 99)]));
        ask(client, "a partition twice", 12, of(12, &[(0, 0), (0, 8)]));
        ask(client, "order", 12, of(12, &[(1, 0), (0, 8)]));
        let sized = |max: i32, partitions: &[(i32, i64)], each: i32| {
            let mut request = of(12, partitions).with_max_bytes(max);
            request.topics[0].partitions.iter_mut().for_each(|p| p.partition_max_bytes = each);
            request
        };
        let one = i32::try_from(one).expect("it is small");
        ask(client, "max_bytes 0", 12, sized(0, &[(0, 0), (1, 0)], 1 << 20));
        ask(client, "partition_max_bytes 0", 12, sized(1 << 20, &[(0, 0), (1, 0)], 0));
        ask(client, "both 0", 12, sized(0, &[(0, 0), (1, 0)], 0));
        ask(client, "one batch each", 12, sized(1 << 20, &[(0, 0), (1, 0)], one));
        ask(client, "one batch in all", 12, sized(one, &[(0, 0), (1, 0)], 1 << 20));
        ask(client, "two batches in all", 12, sized(2 * one, &[(0, 0), (1, 0)], 1 << 20));
        ask(client, "two batches each", 12, sized(1 << 20, &[(0, 0), (1, 0)], 2 * one));
        ask(client, "end first, then max_bytes 0", 12, sized(0, &[(0, 12), (1, 0)], 0));
        let epoch = |version, current: i32, last: i32| {
            let mut request = of(version, &[(0, 0)]);
            request.topics[0].partitions[0].current_leader_epoch = current;
            request.topics[0].partitions[0].last_fetched_epoch = last;
            request
        };
        ask(client, "epoch 0", 12, epoch(12, 0, -1));
        ask(client, "epoch 5", 12, epoch(12, 5, -1));
        ask(client, "epoch -2", 12, epoch(12, -2, -1));
        ask(client, "epoch 5 v16", 16, epoch(16, 5, -1));
        ask(client, "last fetched 0", 12, epoch(12, -1, 0));
        ask(client, "last fetched 5", 12, epoch(12, -1, 5));
        ask(client, "read_committed", 12, of(12, &[(0, 0)]).with_isolation_level(1));
        ask(client, "read_committed past the end", 12, of(12, &[(0, 99)]).with_isolation_level(1));
        ask(
            client,
            "read_committed unknown topic",
            12,
            fetch_request("nobody-has-it", id, 12, &[(0, 0)]).with_isolation_level(1),
        );
        ask(client, "no topics", 12, of(12, &[(0, 0)]).with_topics(vec![]));
        ask(client, "session 5", 12, of(12, &[(0, 0)]).with_session_id(5).with_session_epoch(1));
        ask(client, "session 5 closed", 12, of(12, &[(0, 8)]).with_session_id(5).with_session_epoch(-1));
        ask(client, "session 5 opened", 12, of(12, &[(0, 8)]).with_session_id(5).with_session_epoch(0));
        ask(client, "epoch without session", 12, of(12, &[(0, 0)]).with_session_id(0).with_session_epoch(3));
        lines
    });
}

#[test]
fn waiting() {
    seen_on_each_broker(include_str!("seen/waiting.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let topic = make(client, &[]);
        let id = topic_id(client, &topic);
        assert_eq!(produce(client, &topic, 0, Raw::of(4).bytes()).error_code, 0);
        let mut ask = |what, request: FetchRequest| {
            let began = Instant::now();
            let response = client.call(12, &request);
            let waited = if began.elapsed().as_millis() >= 590 { "waited" } else { "at once" };
            lines.push((what, format!("{waited} {}", show(&response, &topic, id))));
        };
        let of = |partitions: &[(i32, i64)], min: i32| {
            fetch_request(&topic, id, 12, partitions).with_max_wait_ms(600).with_min_bytes(min)
        };
        ask("enough", of(&[(0, 0)], 1));
        ask("as much as there is", of(&[(0, 0)], 109));
        ask("a byte more than there is", of(&[(0, 0)], 110));
        ask("nothing wanted at the end", of(&[(0, 4)], 0));
        ask("something wanted at the end", of(&[(0, 4)], 1));
        ask("negative", of(&[(0, 4)], -1));
        ask("one error", of(&[(1, 0), (9, 0)], 1));
        ask("out of range", of(&[(1, 5)], 1));
        ask("no topics", of(&[], 1).with_topics(vec![]));
        ask("inside a batch", of(&[(0, 3)], 100));
        ask("wants more than max_bytes", of(&[(0, 0)], 1 << 20).with_max_bytes(50));
        ask("negative wait", of(&[(0, 4)], 1).with_max_wait_ms(-1));
        lines
    });
}

#[test]
fn what_is_not_there_comes_last_and_who_goes_astray_is_told_of_no_transactions() {
    seen_on_each_broker(include_str!("seen/not_there.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let topic = make(client, &[]);
        let id = topic_id(client, &topic);
        assert_eq!(produce(client, &topic, 0, Raw::of(1).bytes()).error_code, 0);
        let of = |id, partition| fetch_request(&topic, id, 13, &[(partition, 0)]).topics.remove(0);
        let mut all = fetch_request(&topic, id, 13, &[(9, 0)]);
        all.topics.extend([of(NO_ID, 1)]);
        all.topics[0].partitions.extend(of(id, 0).partitions);
        let mut astray = fetch_request(&topic, id, 13, &[(0, 5)]).with_isolation_level(1);
        astray.topics[0].partitions[0].last_fetched_epoch = 0;
        for (what, request) in [("order", all), ("astray", astray)] {
            let answer = client.call(13, &request);
            let parts = answer.responses.iter().flat_map(|topic| &topic.partitions);
            let parts = parts.map(|one| {
                let aborted = one.aborted_transactions.as_ref().map(Vec::len);
                format!("{} {} {aborted:?} {}", one.partition_index, one.error_code, one.diverging_epoch.end_offset)
            });
            lines.push((what, format!("{}: {}", answer.error_code, parts.collect::<Vec<_>>().join(", "))));
        }
        lines
    });
}
