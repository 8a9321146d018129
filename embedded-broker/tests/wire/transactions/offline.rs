//! A transaction that has ended while the log of one of its partitions cannot be written.

use embedded_broker::{DiskFault, EmbeddedBroker, TransactionState};
use kafka_protocol::messages::DeleteTopicsRequest;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;

use super::*;

const STORAGE_ERROR: i16 = 56;
const CONCURRENT_TRANSACTIONS: i16 = 51;

fn start(dir: &std::path::Path) -> EmbeddedBroker {
    EmbeddedBroker::builder().data_dir(dir).start().expect("the broker starts")
}

fn state_of(broker: &EmbeddedBroker, id: &str) -> TransactionState {
    broker.transactions().get(id).expect("a producer has asked for it").state
}

/// A transaction that is committed after one of its two partitions has gone offline.
fn committed_over_an_offline_partition<'a>(broker: &EmbeddedBroker, client: &'a mut Client) -> Talk<'a> {
    let mut talk = Talk::new(client);
    let producer = talk.init();
    assert_eq!(talk.add(3, producer, &[0, 1]), [0, 0]);
    for partition in [0, 1] {
        assert_eq!(talk.produce(11, producer, 0, partition), (0, 0));
    }
    let full = broker.fail_disk(DiskFault::Full);
    assert_eq!(talk.produce(11, producer, 1, 0).0, STORAGE_ERROR);
    drop(full);
    let request = EndTxnRequest::default()
        .with_transactional_id(talk.transactional_id())
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_committed(true);
    assert_eq!(talk.client.call(3, &request).error_code, 0);
    talk
}

#[test]
fn it_is_complete_after_a_restart_and_holds_up_nobody_until_then() {
    let dir = tempfile::tempdir().expect("a directory");
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    let mut talk = committed_over_an_offline_partition(&broker, &mut client);
    let (id, topic) = (talk.id.clone(), talk.topic.clone());
    assert_eq!(talk.init_as(5, (-1, -1)).0, CONCURRENT_TRANSACTIONS);
    assert_eq!(state_of(&broker, &id), TransactionState::PrepareCommit);
    assert_eq!(talk.fetch(1, 0, 1), r#"0 2 2 Some([]) ["0", "C1"]"#, "the other partition has its marker");
    let mut other = Client::of(&broker);
    let mut other = Talk::new(&mut other);
    let producer = other.init();
    assert_eq!(other.add(3, producer, &[0]), [0]);
    assert_eq!(other.produce(11, producer, 0, 0).0, 0);
    assert_eq!(other.end(3, producer, true).0, 0);

    broker.stop();
    let broker = start(dir.path());
    assert_eq!(state_of(&broker, &id), TransactionState::CompleteCommit);
    let mut client = Client::of(&broker);
    let read = only(client.call(12, &fetch_request(&topic, Uuid::nil(), 12, &[(0, 0)]).with_isolation_level(1)));
    assert_eq!((read.error_code, read.last_stable_offset, read.high_watermark), (0, 2, 2));
}

#[test]
fn it_is_complete_when_the_topic_is_gone() {
    let dir = tempfile::tempdir().expect("a directory");
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    let mut talk = committed_over_an_offline_partition(&broker, &mut client);
    let topic = DeleteTopicState::default().with_name(Some(name(&talk.topic)));
    let request = DeleteTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    assert_eq!(talk.client.call(6, &request).responses[0].error_code, 0);
    assert_eq!(state_of(&broker, &talk.id), TransactionState::CompleteCommit);
    assert_eq!(talk.init_as(5, (-1, -1)).0, 0);
}
