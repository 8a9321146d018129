//! Transactions: what a real Apache Kafka 4.1 answers to the same requests, the embedded broker answers too, in both
//! generations of the protocol.
//!
//! A real broker writes markers some milliseconds after EndTxn is answered; conversations wait for them, and what is
//! answered meanwhile is tested on the embedded broker alone (`alone.rs`), where markers can be held back.

use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, DescribeTransactionsRequest, EndTxnRequest, FindCoordinatorRequest,
    InitProducerIdRequest, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
use crate::core_as_kafka::raw::Raw;
use crate::core_as_kafka::{Line, delete_before, make, seen_on_each_broker};
use crate::each_broker::unique;
use crate::patience::ask_until;
use crate::records::*;

mod alone;
mod coordinator;
mod offline;
mod offsets;
mod partitions;
mod tools;

/// A producer id with its epoch.
type Producer = (i64, i16);

/// A conversation of one transactional id with one broker.
struct Talk<'a> {
    client: &'a mut Client,
    id: String,
    topic: String,
    topic_id: Uuid,
    /// Producer ids in the order in which they were first seen: what they are called in the lines.
    producers: Vec<i64>,
    lines: Vec<Line>,
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Whether a coordinator says that it is still loading, or not here (yet).
fn is_absent(code: i16) -> bool {
    matches!(code, 14..=16)
}

impl<'a> Talk<'a> {
    fn new(client: &'a mut Client) -> Self {
        let topic = make(client, &[]);
        let topic_id = topic_id(client, &topic);
        let mut talk = Self { client, id: unique("txn"), topic, topic_id, producers: Vec::new(), lines: Vec::new() };
        talk.await_coordinator();
        talk
    }

    /// A real broker makes the topic of its coordinators when it is first asked for one.
    fn await_coordinator(&mut self) {
        let request = FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(vec![text(&self.id)]);
        ask_until(|| self.client.call(6, &request).coordinators[0].error_code, |code| *code == 0);
        let id = self.transactional_id();
        let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![id]);
        ask_until(|| self.client.call(0, &request).transaction_states[0].error_code, |code| !is_absent(*code));
    }

    fn transactional_id(&self) -> TransactionalId {
        TransactionalId(text(&self.id))
    }

    fn say(&mut self, asked: &'static str, seen: String) {
        self.lines.push((asked, seen));
    }

    /// What a producer id is called.
    fn name(&mut self, id: i64) -> String {
        if id == -1 {
            return "-".to_owned();
        }
        let known = self.producers.iter().position(|known| *known == id);
        let at = known.unwrap_or_else(|| {
            self.producers.push(id);
            self.producers.len() - 1
        });
        format!("P{at}")
    }

    /// Asks again as long as the answer is that of a coordinator that is not ready.
    fn init_request(&mut self, version: i16, request: &InitProducerIdRequest) -> (i16, Producer) {
        let answer = ask_until(|| self.client.call(version, request), |answer| !is_absent(answer.error_code));
        (answer.error_code, (answer.producer_id.0, answer.producer_epoch))
    }

    fn init_as(&mut self, version: i16, expected: Producer) -> (i16, Producer) {
        let mut request = InitProducerIdRequest::default()
            .with_transactional_id(Some(self.transactional_id()))
            .with_transaction_timeout_ms(60_000);
        if version >= 3 {
            request = request.with_producer_id(ProducerId(expected.0)).with_producer_epoch(expected.1);
        }
        self.init_request(version, &request)
    }

    /// A new producer takes the id; waits for the end of what is open.
    fn init(&mut self) -> Producer {
        let (code, producer) = ask_until(|| self.init_as(5, (-1, -1)), |(code, _)| *code != 51);
        assert_eq!(code, 0);
        producer
    }

    fn say_init(&mut self, asked: &'static str, version: i16, expected: Producer) -> Producer {
        let (code, producer) = self.init_as(version, expected);
        let name = self.name(producer.0);
        self.say(asked, format!("{code} {name} {}", producer.1));
        producer
    }

    fn add(&mut self, version: i16, (id, epoch): Producer, partitions: &[i32]) -> Vec<i16> {
        let topic =
            AddPartitionsToTxnTopic::default().with_name(name(&self.topic)).with_partitions(partitions.to_vec());
        self.add_topics(version, (id, epoch), vec![topic], false)
    }

    fn add_topics(
        &mut self,
        version: i16,
        (id, epoch): Producer,
        topics: Vec<AddPartitionsToTxnTopic>,
        verify_only: bool,
    ) -> Vec<i16> {
        let results = if version >= 4 {
            let transaction = AddPartitionsToTxnTransaction::default()
                .with_transactional_id(self.transactional_id())
                .with_producer_id(ProducerId(id))
                .with_producer_epoch(epoch)
                .with_verify_only(verify_only)
                .with_topics(topics);
            let request = AddPartitionsToTxnRequest::default().with_transactions(vec![transaction]);
            self.client.call(version, &request).results_by_transaction.remove(0).topic_results
        } else {
            let request = AddPartitionsToTxnRequest::default()
                .with_v3_and_below_transactional_id(self.transactional_id())
                .with_v3_and_below_producer_id(ProducerId(id))
                .with_v3_and_below_producer_epoch(epoch)
                .with_v3_and_below_topics(topics);
            self.client.call(version, &request).results_by_topic_v3_and_below
        };
        let mut results: Vec<_> = results
            .iter()
            .flat_map(|topic| topic.results_by_partition.iter().map(move |one| (&topic.name, one)))
            .collect();
        results.sort_by_key(|(name, one)| ((*name).clone(), one.partition_index));
        results.into_iter().map(|(_, one)| one.partition_error_code).collect()
    }

    fn say_add(&mut self, asked: &'static str, version: i16, producer: Producer, partitions: &[i32]) {
        let codes = self.add(version, producer, partitions);
        self.say(asked, format!("{codes:?}"));
    }

    /// Writes one record as the producer, in a transaction.
    fn produce(&mut self, version: i16, (id, epoch): Producer, sequence: i32, partition: i32) -> (i16, i64) {
        let batch = Raw::of(1).from(id, epoch, sequence).with(|raw| raw.attributes = 0x10);
        self.produce_raw(version, Some(self.transactional_id()), &batch, partition)
    }

    fn produce_raw(
        &mut self,
        version: i16,
        transactional_id: Option<TransactionalId>,
        batch: &Raw,
        partition: i32,
    ) -> (i16, i64) {
        let request = produce_request(&self.topic, self.topic_id, version, partition, batch.bytes())
            .with_transactional_id(transactional_id);
        let answer = self.client.call_alone(version, &request);
        let answer = &answer.responses[0].partition_responses[0];
        (answer.error_code, answer.base_offset)
    }

    fn say_produce(&mut self, asked: &'static str, version: i16, producer: Producer, sequence: i32, partition: i32) {
        let (code, offset) = self.produce(version, producer, sequence, partition);
        self.say(asked, format!("{code} {offset}"));
    }

    /// Ends the transaction, and waits for its markers.
    fn end(&mut self, version: i16, (id, epoch): Producer, commit: bool) -> (i16, Producer) {
        let request = EndTxnRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(epoch)
            .with_committed(commit);
        let answer = self.client.call(version, &request);
        self.settle();
        (answer.error_code, (answer.producer_id.0, answer.producer_epoch))
    }

    fn say_end(&mut self, asked: &'static str, version: i16, producer: Producer, commit: bool) -> Producer {
        let (code, next) = self.end(version, producer, commit);
        let name = self.name(next.0);
        self.say(asked, format!("{code} {name} {}", next.1));
        next
    }

    /// Waits until no markers are on their way.
    fn settle(&mut self) {
        ask_until(|| self.state(), |state| !state.starts_with("Prepare"));
    }

    fn state(&mut self) -> String {
        let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![self.transactional_id()]);
        self.client.call(0, &request).transaction_states[0].transaction_state.to_string()
    }

    /// What a reader sees of a partition from an offset on: code, high watermark, last stable offset, aborted
    /// transactions, and the offsets of all batches with a C for control ones.
    fn fetch(&mut self, partition: i32, offset: i64, isolation: i8) -> String {
        let request =
            fetch_request(&self.topic, self.topic_id, 16, &[(partition, offset)]).with_isolation_level(isolation);
        let answer = only(self.client.call(16, &request));
        let aborted = answer.aborted_transactions.map(|aborted| {
            let mut aborted: Vec<_> = aborted.iter().map(|one| (one.first_offset, one.producer_id.0)).collect();
            aborted.sort_unstable();
            aborted.into_iter().map(|(offset, id)| format!("{} {offset}", self.name(id))).collect::<Vec<_>>()
        });
        let bytes = answer.records.unwrap_or_default();
        let batches = offsets_of(&bytes);
        let (code, end, stable) = (answer.error_code, answer.high_watermark, answer.last_stable_offset);
        format!("{code} {end} {stable} {aborted:?} {batches:?}")
    }

    fn say_fetch(&mut self, asked: &'static str, partition: i32, offset: i64, isolation: i8) {
        let seen = self.fetch(partition, offset, isolation);
        self.say(asked, seen);
    }
}

/// The base offsets of batches; control batches are marked with a C.
fn offsets_of(mut bytes: &[u8]) -> Vec<String> {
    let mut batches = Vec::new();
    while bytes.len() >= 61 {
        let number = |at: usize| i64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let control = if bytes[22] & 0x20 != 0 { "C" } else { "" };
        batches.push(format!("{control}{}", number(0)));
        let length = usize::try_from(number(8) >> 32).expect("a length");
        bytes = bytes.get(12 + length..).unwrap_or_default();
    }
    batches
}
