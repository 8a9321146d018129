//! DeleteRecords.

use crate::client::Client;
use crate::each_broker::{on_each_broker, unique};
use crate::patience::ask_until;
use crate::records::{NOBODY, batch, produce};
use kafka_protocol::messages::DeleteRecordsRequest;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};

use super::{make, manual, name, with_config};

#[test]
fn records_are_deleted_up_to_an_offset() {
    on_each_broker(|client| {
        let topic_name = unique("trimmed");
        make(client, manual(&topic_name, &[(0, &[1])]));
        append(client, &topic_name, 5);
        let mut before = |index, offset| delete_records(client, &topic_name, index, offset);
        assert_eq!(before(0, 2), (0, 2));
        assert_eq!(before(0, 1), (0, 2), "below the start nothing changes");
        assert_eq!(before(0, 6), (1, -1));
        assert_eq!(before(0, -2), (1, -1));
        assert_eq!(before(7, 0), (3, -1));
        assert_eq!(before(0, -1), (0, 5));
        let compacted = unique("compacted");
        make(client, with_config(manual(&compacted, &[(0, &[1])]), "cleanup.policy", "compact"));
        assert_eq!(delete_records(client, &compacted, 0, 0), (44, -1));
    });
}

fn delete_records(client: &mut Client, topic: &str, index: i32, offset: i64) -> (i16, i64) {
    let partition = DeleteRecordsPartition::default().with_partition_index(index).with_offset(offset);
    let topic = DeleteRecordsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let mut answers = Vec::new();
    for version in 0..=2 {
        let request = DeleteRecordsRequest::default().with_topics(vec![topic.clone()]).with_timeout_ms(10_000);
        let mut ask = || {
            let answer = client.call(version, &request).topics.remove(0).partitions.remove(0);
            (answer.error_code, answer.low_watermark)
        };
        // A real broker may still be making the log of a new topic: it does not lead it yet.
        answers.push(ask_until(&mut ask, |(code, _)| *code != 6));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "all versions answer the same: {answers:?}");
    answers.remove(0)
}

/// Appends records one by one, each a batch of its own.
fn append(client: &mut Client, topic: &str, records: usize) {
    for _ in 0..records {
        // A real broker may still be making the log of a new topic.
        let write = || produce(client, topic, 0, batch(&["value"], NOBODY)).error_code;
        assert_eq!(ask_until(write, |code| ![3, 6].contains(code)), 0);
    }
}
