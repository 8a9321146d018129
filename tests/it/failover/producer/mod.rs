//! [`Producer`]: an idempotent producer that never raises its epoch, so that what is there twice or not at all is the brokers'
//! doing. librdkafka's is not such a one: see [`super::raised_epoch`].
//!
//! A task for each partition sends up to five batches ahead of their answers. Where a node refuses one, or is gone, it
//! asks who leads now and sends all that is not acknowledged again, in order and as it was, as Java's producer does.

mod sequence;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use kafka_app_tests::PATIENCE;
use kafka_protocol::{
    indexmap::IndexMap,
    messages::{
        InitProducerIdRequest, ProduceRequest, ProducerId,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    records::{Compression, NO_TIMESTAMP, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use super::{
    PARTITIONS,
    wire::{Wire, name},
};
use sequence::{Batch, Sequence};

/// Numbers of a batch at most.
const BATCH: usize = 4;
const INIT_PRODUCER_ID: i16 = 4;
/// The newest version that goes by names.
const PRODUCE: i16 = 12;
/// How long a node may wait for the others.
const ALL_HAVE_IT_MS: i32 = 5_000;
/// Between two questions to a cluster that cannot help: as long as Java's producer waits.
const BACK_OFF: Duration = Duration::from_millis(20);

/// A number, and the partition and the offset where it is.
pub(super) type There = (usize, (i32, i64));

/// Sends numbers to all partitions in turn. What is not acknowledged when it is dropped may be there, once.
pub(super) struct Producer {
    partitions: Vec<UnboundedSender<usize>>,
    there: UnboundedReceiver<There>,
    tasks: JoinSet<Result<()>>,
}

/// What each of its tasks knows.
struct Own {
    servers: String,
    topic: String,
    /// Producer id and epoch.
    id: (i64, i16),
    partition: i32,
    there: UnboundedSender<There>,
}

impl Producer {
    pub(super) async fn new(servers: &str, topic: &str) -> Result<Self> {
        let id = tokio::time::timeout(PATIENCE, new_id(servers)).await.context("nobody gives it an id")?;
        let (sender, there) = unbounded_channel();
        let (mut tasks, mut partitions) = (JoinSet::new(), Vec::new());
        for partition in 0..PARTITIONS {
            let (numbers, given) = unbounded_channel();
            let (servers, topic, there) = (servers.to_owned(), topic.to_owned(), sender.clone());
            tasks.spawn(Own { servers, topic, id, partition, there }.serve(given));
            partitions.push(numbers);
        }
        Ok(Self { partitions, there, tasks })
    }

    pub(super) fn send(&self, number: usize) -> Result<()> {
        Ok(self.partitions[number % self.partitions.len()].send(number)?)
    }

    /// The next number that is acknowledged.
    ///
    /// # Errors
    /// A broker has answered as none may, or nothing is acknowledged for a long time.
    pub(super) async fn next_there(&mut self) -> Result<There> {
        tokio::select! {
            biased;
            Some(ended) = self.tasks.join_next() => {
                ended??;
                bail!("a producer's task has ended by itself")
            }
            there = tokio::time::timeout(PATIENCE, self.there.recv()) => {
                there.context("nothing is acknowledged any more")?.context("nobody sends")
            }
        }
    }
}

/// What is next on a connection.
enum Next {
    Answer(std::io::Result<(i16, i64)>),
    Numbers(Vec<usize>),
    /// The producer is dropped.
    End,
}

impl Own {
    async fn serve(self, mut given: UnboundedReceiver<usize>) -> Result<()> {
        let mut sequence = Sequence::default();
        loop {
            if let Some(mut leader) = Wire::to_leader(&self.servers, &self.topic, self.partition).await {
                sequence.begin_again();
                if self.talk(&mut leader, &mut sequence, &mut given).await? {
                    return Ok(());
                }
            }
            tokio::time::sleep(BACK_OFF).await;
        }
    }

    /// Sends to a node for as long as it takes what it is sent; whether that was all.
    async fn talk(
        &self,
        leader: &mut Wire,
        sequence: &mut Sequence,
        given: &mut UnboundedReceiver<usize>,
    ) -> Result<bool> {
        while !sequence.is_stuck() {
            while let Some(batch) = sequence.send() {
                if leader.send(PRODUCE, &self.request(batch)?).await.is_err() {
                    return Ok(false);
                }
            }
            match next(leader, sequence, given).await {
                Next::Answer(Err(_)) => return Ok(false),
                Next::Answer(Ok((code, offset))) => {
                    let there = sequence.answered(code, offset);
                    let there = there.with_context(|| format!("of partition {}", self.partition))?;
                    for (number, offset) in there {
                        // Nobody listens any more who has dropped the producer.
                        let _heard = self.there.send((number, (self.partition, offset)));
                    }
                }
                Next::Numbers(numbers) => sequence.add(numbers)?,
                Next::End => return Ok(true),
            }
        }
        Ok(false)
    }

    fn request(&self, batch: &Batch) -> Result<ProduceRequest> {
        let records = encoded(batch, self.id)?;
        let data = PartitionProduceData::default().with_index(self.partition).with_records(Some(records));
        let topic = TopicProduceData::default().with_name(name(&self.topic)).with_partition_data(vec![data]);
        Ok(ProduceRequest::default().with_acks(-1).with_timeout_ms(ALL_HAVE_IT_MS).with_topic_data(vec![topic]))
    }
}

/// An answer, or numbers there is room for.
async fn next(leader: &mut Wire, sequence: &Sequence, given: &mut UnboundedReceiver<usize>) -> Next {
    let mut numbers = Vec::new();
    tokio::select! {
        answer = leader.receive::<ProduceRequest>(PRODUCE), if sequence.is_under_way() => Next::Answer(answer.and_then(|mut answer| {
            let partition = answer.responses.pop().and_then(|mut topic| topic.partition_responses.pop());
            let partition = partition.ok_or(std::io::ErrorKind::InvalidData)?;
            Ok((partition.error_code, partition.base_offset))
        })),
        n = given.recv_many(&mut numbers, BATCH), if sequence.has_room() => match n {
            0 => Next::End,
            _ => Next::Numbers(numbers),
        },
    }
}

/// The id of a new producer; its epoch is 0.
async fn new_id(servers: &str) -> (i64, i16) {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    loop {
        for node in servers.split(',') {
            let Ok(mut node) = Wire::open(node).await else { continue };
            match node.call(INIT_PRODUCER_ID, &request).await {
                Ok(made) if made.error_code == 0 => return (made.producer_id.0, made.producer_epoch),
                _ => {}
            }
        }
        tokio::time::sleep(BACK_OFF).await;
    }
}

fn encoded(batch: &Batch, (producer_id, producer_epoch): (i64, i16)) -> Result<Bytes> {
    let records = (0..).zip(&batch.numbers).map(|(index, number)| Record {
        transactional: false,
        control: false,
        partition_leader_epoch: -1,
        producer_id,
        producer_epoch,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(index),
        sequence: batch.sequence + index,
        timestamp: NO_TIMESTAMP,
        key: None,
        value: Some(number.to_string().into()),
        headers: IndexMap::new(),
        delete_horizon: false,
    });
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, &records.collect::<Vec<_>>(), &options)?;
    Ok(bytes.freeze())
}
