//! What is asked of the transaction coordinator: InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn,
//! DescribeTransactions, ListTransactions.

use std::fmt::Debug;

use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::add_partitions_to_txn_response::AddPartitionsToTxnTopicResult;
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, DescribeTransactionsRequest,
    EndTxnRequest, InitProducerIdRequest, InitProducerIdResponse, ListTransactionsRequest, ProducerId,
};
use kafka_protocol::protocol::Request;

use super::step::{AsKnown, IDS};
use super::world::World;
use crate::patience::{ask_until, comes_true};
use crate::shown;
use crate::topics::text;

const CONCURRENT_TRANSACTIONS: i16 = 51;
const OFFSETS_TOPIC: &str = "__consumer_offsets";

impl World {
    /// Asks again while the markers of the transaction before are on their way.
    fn call_until_settled<Q: Request>(
        &mut self,
        version: i16,
        request: &Q,
        code: impl Fn(&Q::Response) -> i16,
    ) -> Q::Response
    where
        Q::Response: Debug,
    {
        ask_until(|| self.call(version, request), |answer| code(answer) != CONCURRENT_TRANSACTIONS)
    }

    pub(super) fn init(&mut self, producer: usize, version: i16, as_known: AsKnown, timeout_ms: i32) -> String {
        let mut request = InitProducerIdRequest::default()
            .with_transactional_id(Some(self.id_of(producer)))
            .with_transaction_timeout_ms(timeout_ms);
        if version >= 3 {
            let (id, epoch) = match as_known {
                AsKnown::Nobody => (ProducerId(-1), -1),
                AsKnown::Itself(epoch) => self.identity(producer, epoch),
                AsKnown::Another => (ProducerId(1 << 40), 0),
            };
            request = request.with_producer_id(id).with_producer_epoch(epoch);
        }
        let answer = self.call_until_settled(version, &request, |answer| answer.error_code);
        if answer.error_code == 0 {
            self.producers[producer].is_now(answer.producer_id.0, answer.producer_epoch);
        }
        self.settle();
        self.given(answer)
    }

    pub(super) fn init_idempotent(&mut self, version: i16) -> String {
        let answer = self.call(version, &InitProducerIdRequest::default().with_transaction_timeout_ms(60_000));
        self.given(answer)
    }

    fn given(&mut self, mut answer: InitProducerIdResponse) -> String {
        let called = self.called(answer.producer_id.0);
        answer.producer_id = ProducerId(0);
        format!("{called} {answer:?}")
    }

    pub(super) fn add_partitions(
        &mut self,
        producer: usize,
        version: i16,
        epoch: i16,
        partitions: &[i32],
        verify_only: bool,
    ) -> String {
        let (id, epoch) = self.identity(producer, epoch);
        let topic =
            AddPartitionsToTxnTopic::default().with_name(self.topic_name()).with_partitions(partitions.to_vec());
        let request = if version < 4 {
            AddPartitionsToTxnRequest::default()
                .with_v3_and_below_transactional_id(self.id_of(producer))
                .with_v3_and_below_producer_id(id)
                .with_v3_and_below_producer_epoch(epoch)
                .with_v3_and_below_topics(vec![topic])
        } else {
            let transaction = AddPartitionsToTxnTransaction::default()
                .with_transactional_id(self.id_of(producer))
                .with_producer_id(id)
                .with_producer_epoch(epoch)
                .with_verify_only(verify_only)
                .with_topics(vec![topic]);
            AddPartitionsToTxnRequest::default().with_transactions(vec![transaction])
        };
        let mut answer = self.call_until_settled(version, &request, first_code);
        results(&mut answer).for_each(|topic| topic.results_by_partition.sort_by_key(|one| one.partition_index));
        format!("{answer:?}")
    }

    pub(super) fn add_offsets(&mut self, producer: usize, version: i16, epoch: i16) -> String {
        let (id, epoch) = self.identity(producer, epoch);
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(self.id_of(producer))
            .with_producer_id(id)
            .with_producer_epoch(epoch)
            .with_group_id(self.group_id());
        let answer = self.call_until_settled(version, &request, |answer| answer.error_code);
        format!("{answer:?}")
    }

    pub(super) fn end(&mut self, producer: usize, version: i16, epoch: i16, commit: bool) -> String {
        let (id, epoch) = self.identity(producer, epoch);
        let request = EndTxnRequest::default()
            .with_transactional_id(self.id_of(producer))
            .with_producer_id(id)
            .with_producer_epoch(epoch)
            .with_committed(commit);
        let mut answer = self.call_until_settled(version, &request, |answer| answer.error_code);
        if answer.error_code == 0 && answer.producer_epoch >= 0 {
            self.producers[producer].is_now(answer.producer_id.0, answer.producer_epoch);
        }
        self.settle();
        let called = self.called(answer.producer_id.0);
        answer.producer_id = ProducerId(0);
        format!("{called} {answer:?}")
    }

    /// Waits until no markers are on their way.
    pub(super) fn settle(&mut self) {
        let ids = (0..IDS).map(|id| self.transactional_id(id)).collect();
        let request = DescribeTransactionsRequest::default().with_transactional_ids(ids);
        comes_true("all markers are written", || {
            let states = self.client.call(0, &request).transaction_states;
            states.iter().all(|one| !one.transaction_state.starts_with("Prepare"))
        });
    }

    pub(super) fn describe_transactions(&mut self, id: usize) -> String {
        let ids = vec![self.transactional_id(id)];
        let mut answer = self.call(0, &DescribeTransactionsRequest::default().with_transactional_ids(ids));
        let mut hidden = Vec::new();
        for one in &mut answer.transaction_states {
            hidden.push(self.called(one.producer_id.0));
            hidden.push(shown::time(std::mem::take(&mut one.transaction_start_time_ms)));
            one.producer_id = ProducerId(0);
            one.topics.sort_by_key(|topic| topic.topic.clone());
            for topic in &mut one.topics {
                topic.partitions.sort_unstable();
                // Which one is a matter of the group's name.
                if *topic.topic.0 == *OFFSETS_TOPIC {
                    topic.partitions.fill(0);
                }
            }
        }
        format!("{hidden:?} {answer:?}")
    }

    pub(super) fn list_transactions(
        &mut self,
        version: i16,
        states: &[&str],
        producer: Option<usize>,
        pattern: Option<&str>,
    ) -> String {
        let ids = producer.map(|producer| self.identity(producer, 0).0);
        let mut request = ListTransactionsRequest::default()
            .with_state_filters(states.iter().map(|state| text(state)).collect())
            .with_producer_id_filters(ids.into_iter().collect());
        if version >= 2 {
            request = request.with_transactional_id_pattern(pattern.map(text));
        }
        let mut answer = self.call(version, &request);
        let mut own = std::mem::take(&mut answer.transaction_states);
        own.retain(|one| self.ids.iter().any(|id| **id == *one.transactional_id.0));
        let mut own: Vec<_> = own
            .into_iter()
            .map(|one| {
                let id = self.names.meaning(&one.transactional_id.0);
                format!("{id} {} {}", self.called(one.producer_id.0), one.transaction_state.as_str())
            })
            .collect();
        own.sort();
        format!("{own:?} {answer:?}")
    }
}

fn results(answer: &mut AddPartitionsToTxnResponse) -> impl Iterator<Item = &mut AddPartitionsToTxnTopicResult> {
    let newer = answer.results_by_transaction.iter_mut().flat_map(|one| &mut one.topic_results);
    newer.chain(&mut answer.results_by_topic_v3_and_below)
}

fn first_code(answer: &AddPartitionsToTxnResponse) -> i16 {
    let newer = answer.results_by_transaction.iter().flat_map(|one| &one.topic_results);
    let mut topics = newer.chain(&answer.results_by_topic_v3_and_below);
    topics.find_map(|topic| topic.results_by_partition.first()).map_or(0, |one| one.partition_error_code)
}
