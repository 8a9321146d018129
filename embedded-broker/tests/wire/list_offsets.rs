//! ListOffsets: ends, times and the highest timestamp.

use embedded_broker::ErrorCode;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{DeleteRecordsRequest, ListOffsetsRequest};

use crate::client::Client;
use crate::records::*;

/// Error code, offset and timestamp of what is found.
fn find(client: &mut Client, version: i16, timestamp: i64) -> (i16, i64, i64) {
    let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default().with_name(name("t")).with_partitions(vec![partition]);
    let response = client.call(version, &ListOffsetsRequest::default().with_topics(vec![topic]));
    let found = &response.topics[0].partitions[0];
    (found.error_code, found.offset, found.timestamp)
}

#[test]
fn both_ends_are_found_in_every_version() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    produce(&mut client, "t", 0, batch(&["a", "b"], NOBODY));
    for version in 1..=10 {
        assert_eq!(find(&mut client, version, -1), (0, 2, -1), "v{version}");
        assert_eq!(find(&mut client, version, -2), (0, 0, -1), "v{version}");
    }
}

#[test]
fn a_time_finds_the_first_record_that_is_not_older() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let base = now_ms();
    let at = |deltas: &[i64]| batch_at(&deltas.iter().map(|delta| (base + delta, "v")).collect::<Vec<_>>(), NOBODY);
    produce(&mut client, "t", 0, at(&[0, 10, 20]));
    produce(&mut client, "t", 0, at(&[5, 40, 15]));
    produce(&mut client, "t", 0, at(&[40, 30]));
    for (time, offset, found) in [(-5, 0, 0), (0, 0, 0), (1, 1, 10), (20, 2, 20), (21, 4, 40), (40, 4, 40)] {
        assert_eq!(find(&mut client, 7, base + time), (0, offset, base + found), "time {time}");
    }
    assert_eq!(find(&mut client, 7, base + 41), (0, -1, -1), "later than all records");
    assert_eq!(find(&mut client, 7, -3), (0, 4, base + 40), "the first record with the highest timestamp");
}

#[test]
fn special_times_need_their_version() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    produce(&mut client, "t", 0, batch(&["a"], NOBODY));
    let unsupported = ErrorCode::UnsupportedVersion.code();
    assert_eq!(find(&mut client, 6, -3).0, unsupported);
    assert_eq!(find(&mut client, 7, -4).0, unsupported);
    assert_eq!(find(&mut client, 8, -4), (0, 0, -1));
    assert_eq!(find(&mut client, 8, -5).0, unsupported);
    assert_eq!(find(&mut client, 9, -5), (0, -1, -1), "there is no tier");
    assert_eq!(find(&mut client, 10, -6).0, unsupported);
}

#[test]
fn the_highest_timestamp_of_an_empty_partition_is_nothing() {
    let broker = broker_with("t", 1);
    assert_eq!(find(&mut Client::of(&broker), 7, -3), (0, -1, -1));
}

#[test]
fn a_partition_that_is_asked_for_twice_is_refused() {
    let broker = broker_with("t", 2);
    let asked = |index| ListOffsetsPartition::default().with_partition_index(index).with_timestamp(-1);
    let topic = ListOffsetsTopic::default().with_name(name("t")).with_partitions(vec![asked(0), asked(1), asked(0)]);
    let response = Client::of(&broker).call(7, &ListOffsetsRequest::default().with_topics(vec![topic]));
    let codes: Vec<_> = response.topics[0].partitions.iter().map(|one| one.error_code).collect();
    let refused = ErrorCode::InvalidRequest.code();
    assert_eq!(codes, [refused, 0], "it is answered once");
}

#[test]
fn the_highest_timestamp_is_that_of_a_record_that_can_be_read() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let base = now_ms();
    let at = |deltas: &[i64]| batch_at(&deltas.iter().map(|delta| (base + delta, "v")).collect::<Vec<_>>(), NOBODY);
    for deltas in [&[10, 50, 30][..], &[20, 40], &[40]] {
        produce(&mut client, "t", 0, at(deltas));
    }
    for (start, offset, delta) in [(0, 1, 50), (1, 1, 50), (2, 4, 40), (4, 4, 40), (5, 5, 40)] {
        let partition = DeleteRecordsPartition::default().with_offset(start);
        let topic = DeleteRecordsTopic::default().with_name(name("t")).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
        assert_eq!(client.call(2, &request).topics[0].partitions[0].low_watermark, start);
        assert_eq!(find(&mut client, 7, -3), (0, offset, base + delta), "from {start} on");
    }
}
