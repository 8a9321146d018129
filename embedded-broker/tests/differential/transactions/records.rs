//! Records of transactions: Produce, Fetch, ListOffsets, DeleteRecords, WriteTxnMarkers, DescribeProducers.

use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::{
    BrokerId, DeleteRecordsRequest, DescribeProducersRequest, ListOffsetsRequest, ProducerId, WriteTxnMarkersRequest,
};

use super::step::Produce;
use super::world::World;
use crate::patience::ask_until;
use crate::raw::Raw;
use crate::records::{fetch_request, produce_request};
use crate::shown;

const NOT_ENOUGH_REPLICAS: i16 = 19;
const CONCURRENT_TRANSACTIONS: i16 = 51;
const TRANSACTIONAL: i16 = 0x10;

impl World {
    pub(super) fn produce(&mut self, produce: Produce) -> String {
        let (id, epoch) = self.identity(produce.producer, produce.epoch);
        let next = self.producers[produce.producer].sequences.get(&produce.partition).copied().unwrap_or_default();
        let sequence = next + produce.sequence;
        let mut raw = Raw::of(produce.records).from(id.0, epoch, sequence).at(shown::present() - 3_000);
        if produce.in_transaction {
            raw.attributes = TRANSACTIONAL;
        }
        let transactional_id = produce.in_transaction.then(|| self.id_of(produce.producer));
        let request = produce_request(&self.topic, self.topic_id, produce.version, produce.partition, raw.bytes())
            .with_transactional_id(transactional_id)
            .with_timeout_ms(30_000);
        let mut answer = ask_until(
            || self.client.call_alone(produce.version, &request),
            |answer| {
                let code = answer.responses[0].partition_responses[0].error_code;
                !matches!(code, CONCURRENT_TRANSACTIONS | NOT_ENOUGH_REPLICAS)
            },
        );
        let one = &mut answer.responses[0].partition_responses[0];
        let time = shown::time(std::mem::take(&mut one.log_append_time_ms));
        if one.error_code == 0 && produce.epoch == 0 && sequence >= next {
            let next = sequence + produce.records;
            self.producers[produce.producer].sequences.insert(produce.partition, next);
        }
        format!("{time} {answer:?}")
    }

    pub(super) fn fetch(&mut self, version: i16, isolation: i8, partition: i32, offset: i64) -> String {
        let request =
            fetch_request(&self.topic, self.topic_id, version, &[(partition, offset)]).with_isolation_level(isolation);
        let mut answer = self.call(version, &request);
        let mut hidden = Vec::new();
        for partition in answer.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
            let bytes = partition.records.take().unwrap_or_default();
            let mut aborted = partition.aborted_transactions.as_mut();
            // A real broker goes by its index of the segment, and tells also of what comes behind the range it gives.
            if let (Some(aborted), Some(end)) = (aborted.as_mut(), shown::end(&bytes)) {
                aborted.retain(|one| one.first_offset < end);
            }
            for one in aborted.into_iter().flatten() {
                hidden.push(format!("aborted {} of {}", one.first_offset, self.called(one.producer_id.0)));
                (one.producer_id, one.first_offset) = (ProducerId(0), 0);
            }
            hidden.sort();
            hidden.extend(shown::batches(&bytes, |id| self.called(id)));
        }
        format!("{answer:?}\n        {hidden:?}")
    }

    pub(super) fn list_offsets(&mut self, isolation: i8, partition: i32, time: i64) -> String {
        let asked = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(time);
        let asked = ListOffsetsTopic::default().with_name(self.topic_name()).with_partitions(vec![asked]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(isolation)
            .with_topics(vec![asked]);
        let mut answer = self.call(7, &request);
        let time = shown::time(std::mem::take(&mut answer.topics[0].partitions[0].timestamp));
        format!("{time} {answer:?}")
    }

    pub(super) fn delete_records(&mut self, partition: i32, offset: i64) -> String {
        self.cut.insert(partition);
        let partition = DeleteRecordsPartition::default().with_partition_index(partition).with_offset(offset);
        let topic = DeleteRecordsTopic::default().with_name(self.topic_name()).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(60_000);
        let answer = self.call(2, &request);
        format!("{answer:?}")
    }

    pub(super) fn mark(
        &mut self,
        producer: usize,
        epoch: i16,
        coordinator: i32,
        commit: bool,
        partition: i32,
    ) -> String {
        let (id, epoch) = self.identity(producer, epoch);
        let topic =
            WritableTxnMarkerTopic::default().with_name(self.topic_name()).with_partition_indexes(vec![partition]);
        let marker = WritableTxnMarker::default()
            .with_producer_id(id)
            .with_producer_epoch(epoch)
            .with_coordinator_epoch(coordinator)
            .with_transaction_result(commit)
            .with_topics(vec![topic]);
        let mut answer = self.call(1, &WriteTxnMarkersRequest::default().with_markers(vec![marker]));
        let called: Vec<_> = answer.markers.iter().map(|marker| marker.producer_id.0).collect();
        let called: Vec<_> = called.into_iter().map(|id| self.called(id)).collect();
        answer.markers.iter_mut().for_each(|marker| marker.producer_id = ProducerId(0));
        format!("{called:?} {answer:?}")
    }

    pub(super) fn describe_producers(&mut self, partition: i32) -> String {
        let topic = TopicRequest::default().with_name(self.topic_name()).with_partition_indexes(vec![partition]);
        let mut answer = self.call(0, &DescribeProducersRequest::default().with_topics(vec![topic]));
        let mut producers = Vec::new();
        for mut one in answer
            .topics
            .iter_mut()
            .flat_map(|topic| &mut topic.partitions)
            .flat_map(|partition| std::mem::take(&mut partition.active_producers))
        {
            let (called, time) = (self.called(one.producer_id.0), shown::time(one.last_timestamp));
            (one.producer_id, one.last_timestamp) = (ProducerId(0), 0);
            producers.push(format!("{called} {time} {one:?}"));
        }
        producers.sort();
        format!("{producers:?} {answer:?}")
    }
}
