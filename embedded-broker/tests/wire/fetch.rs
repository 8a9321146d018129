//! Fetch: what was appended comes back, at once or when there is enough.

use std::time::Duration;

use bytes::Bytes;
use embedded_broker::{EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use uuid::Uuid;

use crate::client::Client;
use crate::patience::pass_time_until;
use crate::records::*;

#[test]
fn every_version_returns_what_was_produced() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let id = topic_id(&mut client, "t");
    produce(&mut client, "t", 0, batch(&["a", "b"], NOBODY));
    produce(&mut client, "t", 0, batch(&["c"], NOBODY));
    for version in 4..=18 {
        let response = client.call(version, &fetch_request("t", id, version, &[(0, 0)]));
        assert_eq!((response.error_code, response.session_id), (0, 0), "v{version}");
        let topic = &response.responses[0];
        assert_eq!(topic.topic_id, if version >= 13 { id } else { Uuid::nil() }, "v{version}");
        let partition = only(response);
        assert_eq!((partition.error_code, partition.high_watermark, partition.last_stable_offset), (0, 3, 3));
        let expected: Vec<_> = (0..).zip(["a", "b", "c"].map(str::to_owned)).collect();
        assert_eq!(values(&partition.records.unwrap()), expected, "v{version}");
    }
}

#[test]
fn records_are_empty_and_never_null() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    for (partition, offset) in [(0, 0), (0, 5), (3, 0)] {
        assert_eq!(fetch(&mut client, "t", partition, offset).records, Some(Bytes::new()));
    }
}

#[test]
fn errors_have_kafkas_codes() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    assert_eq!(fetch(&mut client, "t", 0, 1).error_code, ErrorCode::OffsetOutOfRange.code());
    assert_eq!(fetch(&mut client, "t", 1, 0).error_code, ErrorCode::UnknownTopicOrPartition.code());
    assert_eq!(fetch(&mut client, "nowhere", 0, 0).error_code, ErrorCode::UnknownTopicOrPartition.code());
    let by_id = only(client.call(13, &fetch_request("", Uuid::from_u128(1), 13, &[(0, 0)])));
    assert_eq!(by_id.error_code, ErrorCode::UnknownTopicId.code());
    for (epoch, code) in [(-1, 0), (0, 0), (1, ErrorCode::UnknownLeaderEpoch.code())] {
        let mut request = fetch_request("t", Uuid::nil(), 12, &[(0, 0)]);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        assert_eq!(only(client.call(12, &request)).error_code, code, "epoch {epoch}");
    }
}

#[test]
fn a_broker_without_room_for_sessions_answers_all_without_one() {
    let builder = EmbeddedBroker::builder().topic("t", 1).config("max.incremental.fetch.session.cache.slots", 0);
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let request =
        |id, epoch| fetch_request("t", Uuid::nil(), 12, &[(0, 0)]).with_session_id(id).with_session_epoch(epoch);
    let opened = client.call(12, &request(0, 0));
    assert_eq!((opened.error_code, opened.session_id, opened.responses.len()), (0, 0, 1));
    assert_eq!(client.call(12, &request(0, 1)).error_code, ErrorCode::FetchSessionIdNotFound.code());
}

#[test]
fn a_session_waits_for_any_of_its_partitions_and_tells_only_that_one() {
    let (builder, _hand) = EmbeddedBroker::builder().topic("t", 3).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let all = fetch_request("t", Uuid::nil(), 12, &[(0, 0), (1, 0), (2, 0)]).with_session_epoch(0);
    let session = client.call(12, &all).session_id;
    let next = fetch_request("t", Uuid::nil(), 12, &[]).with_topics(vec![]).with_max_wait_ms(60_000);
    client.send(12, &next.with_session_id(session).with_session_epoch(1));
    produce(&mut Client::of(&broker), "t", 1, batch_at(&[(1_700_000_000_000, "a")], NOBODY));
    let response = client.receive::<FetchRequest>(12);
    assert_eq!(response.session_id, session);
    let told = only(response);
    assert_eq!((told.partition_index, told.high_watermark), (1, 1));
}

#[test]
fn the_first_batch_comes_however_large_it_is_and_limits_hold_for_the_rest() {
    let broker = broker_with("t", 3);
    let mut client = Client::of(&broker);
    let large = "x".repeat(5_000);
    for partition in [0, 1, 2] {
        produce(&mut client, "t", partition, batch(&[&large], NOBODY));
        produce(&mut client, "t", partition, batch(&[&large], NOBODY));
    }
    let lens = |response: FetchResponse| -> Vec<(i32, usize)> {
        let partitions = response.responses.into_iter().flat_map(|topic| topic.partitions);
        partitions.map(|one| (one.partition_index, values(&one.records.unwrap()).len())).collect()
    };
    let request = |max_bytes| fetch_request("t", Uuid::nil(), 12, &[(2, 0), (0, 0), (1, 0)]).with_max_bytes(max_bytes);
    assert_eq!(lens(client.call(12, &request(1))), [(2, 1), (0, 0), (1, 0)], "one batch of the first partition asked");
    assert_eq!(lens(client.call(12, &request(16_000))), [(2, 2), (0, 1), (1, 0)]);
    assert_eq!(lens(client.call(12, &request(1 << 20))), [(2, 2), (0, 2), (1, 2)]);
}

#[test]
fn a_fetch_that_waits_is_woken_by_an_append_and_not_before_there_is_enough() {
    // The clock stands still: only appends can end the wait.
    let (builder, _hand) = EmbeddedBroker::builder().topic("t", 2).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let one = batch_at(&[(1_700_000_000_000, "0123456789")], NOBODY);
    let enough = i32::try_from(one.len() * 2).unwrap();
    let request =
        fetch_request("t", Uuid::nil(), 12, &[(0, 0), (1, 0)]).with_max_wait_ms(60_000).with_min_bytes(enough);
    client.send(12, &request);
    let mut producer = Client::of(&broker);
    produce(&mut producer, "t", 0, one.clone());
    produce(&mut producer, "t", 1, one);
    let response = client.receive::<FetchRequest>(12);
    let lens = response.responses[0].partitions.iter().map(|one| values(one.records.as_ref().unwrap()).len());
    assert_eq!(lens.collect::<Vec<_>>(), [1, 1], "it waited for the second append");
}

#[test]
fn a_fetch_that_waits_gives_up_at_its_deadline() {
    let (builder, hand) = EmbeddedBroker::builder().topic("t", 1).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    client.send(12, &fetch_request("t", Uuid::nil(), 12, &[(0, 0)]).with_max_wait_ms(60_000));
    let (answer, _) = pass_time_until(&hand, Duration::from_secs(30), || only(client.receive::<FetchRequest>(12)));
    assert_eq!(answer.records, Some(Bytes::new()));
}

#[test]
fn an_error_is_answered_without_waiting() {
    let (builder, _hand) = EmbeddedBroker::builder().topic("t", 1).manual_clock();
    let broker = builder.start().unwrap();
    let request = fetch_request("t", Uuid::nil(), 12, &[(0, 99)]).with_max_wait_ms(60_000);
    let answer = only(Client::of(&broker).call(12, &request));
    assert_eq!(answer.error_code, ErrorCode::OffsetOutOfRange.code());
}

#[test]
fn large_and_small_batches_are_read_to_the_end() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let sizes = [10, 100_000, 5_000, 3, 300_000, 70_000, 20, 4_095, 4_097];
    for size in sizes {
        produce(&mut client, "t", 0, batch(&[&"x".repeat(size)], NOBODY));
    }
    let mut read = Vec::new();
    while let Some(last) = i64::try_from(read.len()).ok().filter(|&n| n < 9) {
        let records = fetch(&mut client, "t", 0, last).records.unwrap();
        read.extend(values(&records).into_iter().map(|(_, value)| value.len()));
    }
    assert_eq!(read, sizes);
}

#[test]
fn what_many_producers_send_at_once_is_read_in_one_order() {
    const PRODUCERS: usize = 4;
    const BATCHES: usize = 200;
    let broker = broker_with("t", 1);
    std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let broker = &broker;
            scope.spawn(move || {
                let mut client = Client::of(broker);
                for n in 0..BATCHES {
                    let values = [format!("{producer} {n} a"), format!("{producer} {n} b")];
                    let answer = produce(&mut client, "t", 0, batch(&[&values[0], &values[1]], NOBODY));
                    assert_eq!(answer.error_code, 0);
                }
            });
        }
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::of(&broker);
                    let mut seen: Vec<(i64, String)> = Vec::new();
                    while seen.len() < PRODUCERS * BATCHES * 2 {
                        let next = i64::try_from(seen.len()).unwrap();
                        let request = fetch_request("t", Uuid::nil(), 12, &[(0, next)]).with_max_wait_ms(10_000);
                        let records = only(client.call(12, &request)).records.unwrap();
                        seen.extend(values(&records).into_iter().filter(|(offset, _)| *offset >= next));
                    }
                    seen
                })
            })
            .collect();
        let read: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        assert_eq!(read[0], read[1]);
        let n = i64::try_from(read[0].len()).unwrap();
        assert!(read[0].iter().map(|(offset, _)| *offset).eq(0..n));
        for producer in 0..PRODUCERS {
            let own = read[0].iter().filter(|(_, value)| value.starts_with(&format!("{producer} ")));
            let sent = (0..BATCHES).flat_map(|n| [format!("{producer} {n} a"), format!("{producer} {n} b")]);
            assert!(own.map(|(_, value)| value.clone()).eq(sent), "the order of producer {producer}");
        }
    });
}
