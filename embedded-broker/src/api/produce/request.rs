//! A Produce request as it lies in the connection's buffer.

use std::time::Duration;

use uuid::Uuid;

use crate::api::RequestContext;
use crate::error::ErrorCode;
use crate::fault::target::Part;
use crate::log::{BatchHeader, OneBatch, Rejected};
use crate::protocol::Malformed;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::wire::Reader;

/// One partition's batch, still in the connection's buffer.
pub(super) struct PartitionData<'a> {
    pub(super) index: i32,
    pub(super) records: &'a [u8],
}

/// One topic of the request: its name (to version 12) or id, and how many of the partitions are its own.
pub(super) struct TopicData<'a> {
    pub(super) name: &'a str,
    pub(super) id: Uuid,
    pub(super) partitions: usize,
}

/// The whole of it, without a copy of anything.
pub(super) struct ProduceRequest<'a> {
    pub(super) transactional_id: Option<&'a str>,
    pub(super) acks: i16,
    pub(super) timeout: Duration,
    pub(super) topics: Vec<TopicData<'a>>,
    /// Of all topics, in order.
    pub(super) partitions: Vec<PartitionData<'a>>,
}

impl<'a> ProduceRequest<'a> {
    /// Reads the whole request before any of it is appended.
    pub(super) fn read(body: &'a [u8], version: i16) -> Result<Self, Malformed> {
        let mut body = Reader::new(body, version >= 9);
        let transactional_id = body.nullable_string()?;
        let acks = body.i16()?;
        let timeout = Duration::from_millis(u64::try_from(body.i32()?).unwrap_or(0));
        let n_topics = body.array_len()?;
        let mut request = Self { transactional_id, acks, timeout, topics: Vec::new(), partitions: Vec::new() };
        for _ in 0..n_topics {
            let by_id = version >= 13;
            let id = if by_id { body.uuid()? } else { Uuid::nil() };
            let name = if by_id { "" } else { body.string()? };
            let partitions = body.array_len()?;
            for _ in 0..partitions {
                let index = body.i32()?;
                let records = body.nullable_bytes()?.unwrap_or_default();
                body.skip_tags()?;
                request.partitions.push(PartitionData { index, records });
            }
            body.skip_tags()?;
            request.topics.push(TopicData { name, id, partitions });
        }
        body.skip_tags()?;
        Ok(request)
    }
}

impl ProduceRequest<'_> {
    /// Every batch with its topic, in order.
    pub(super) fn each(&self) -> impl Iterator<Item = (&TopicData<'_>, &PartitionData<'_>)> {
        let topics = self.topics.iter().flat_map(|topic| std::iter::repeat_n(topic, topic.partitions));
        topics.zip(&self.partitions)
    }

    pub(super) fn part(&self, topic: &TopicData<'_>, data: &PartitionData<'_>) -> Part {
        Part {
            topic: topic.name.to_owned(),
            topic_id: topic.id,
            partition: Some(data.index),
            group: None,
            transactional_id: self.transactional_id.map(str::to_owned),
        }
    }

    /// # Errors
    ///
    /// What is wrong with the request as a whole. As Kafka, which looks for a batch of a transaction first of all: where it
    /// cannot tell, nothing is taken; and where it finds one, the client must be allowed to write by the transactional id.
    pub(super) fn check_transaction(&self, cx: &RequestContext<'_>) -> Result<(), Rejected> {
        for data in &self.partitions {
            if OneBatch::is_transactional(data.records)? {
                return self.check_transactional_id(cx);
            }
        }
        Ok(())
    }

    fn check_transactional_id(&self, cx: &RequestContext<'_>) -> Result<(), Rejected> {
        let Some(id) = self.transactional_id else {
            let message = "a transactional batch needs a request with a transactional id";
            return Err(Rejected::new(ErrorCode::TransactionalIdAuthorizationFailed, message));
        };
        let allowed = cx.require(Operation::Write, Resource::TransactionalId(id));
        allowed.map_err(|code| Rejected::new(code, "the client may not write by the transactional id"))
    }

    /// # Errors
    ///
    /// As Kafka: one transaction belongs to one producer, so a request cannot carry batches of two.
    pub(super) fn has_one_producer(&self) -> Result<(), Rejected> {
        if self.transactional_id.is_none() {
            return Ok(());
        }
        let headers = self.partitions.iter().filter_map(|data| BatchHeader::read(data.records));
        let mut producers = headers
            .filter(|header| header.is_transactional() && header.has_producer_id())
            .map(|header| (header.producer_id, header.producer_epoch));
        let Some(first) = producers.next() else { return Ok(()) };
        if producers.all(|other| other == first) {
            return Ok(());
        }
        let message = "Transactional records contained more than one producer ID";
        Err(Rejected::new(ErrorCode::InvalidProducerIdMapping, message))
    }
}
