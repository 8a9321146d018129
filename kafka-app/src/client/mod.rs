//! Ports: what the runtime needs of a Kafka client. Only files of this folder name rdkafka.

pub(crate) mod ffi;

mod admin;
mod adrift;
mod brokers;
mod client_log;
mod consumer;
mod delivery;
mod find;
mod inquiry;
mod lag;
mod metadata;
mod offsets;
mod port;
mod produce_error;
mod producer;
#[cfg(test)]
mod property_tests;
mod reader;
mod refusal;
mod scan;
mod transactional;
mod unread;
mod window;

pub(crate) use admin::Admin;
pub use brokers::UnreachableBroker;
pub(crate) use brokers::{Brokers, FoundBroker, LostBrokers, merged};
pub(crate) use client_log::BACK;
pub(crate) use consumer::connect;
pub use delivery::PendingSend;
pub(crate) use delivery::{BatchCompletion, Completion};
pub(crate) use ffi::{
    AlterConfigs, AlterGroupOffsets, AlterScramCredentials, CreateAcls, CreatePartitions, CreateTopics, DeleteAcls,
    DeleteGroupOffsets, DeleteGroups, DeleteRecords, DeleteTopics, DescribeAcls, DescribeCluster, DescribeConfigs,
    DescribeGroups, DescribeScramCredentials, DescribeTopics, ElectLeaders, GroupMetadata, ListGroupOffsets,
    ListGroups, ListOffsets, NativeRecord, Outbound, Outcome, Request, Ticket, is_built_with,
};
pub(crate) use find::{Find, begins_at};
pub(crate) use inquiry::{Inquirer, Inquiry};
#[cfg(test)]
pub(crate) use port::Taken;
pub(crate) use port::{
    Committed, ConsumerClient, ConsumerEvent, Fault, FaultKind, Lease, RecordQueue, Signal, StoredOffset,
};
pub(crate) use producer::{Producer, Receipts, Scope, TryOffer, TryProduce, blocking};
pub(crate) use reader::{read_by_hand, read_from};
pub(crate) use scan::Scan;
pub(crate) use transactional::{TransactionFault, TransactionFaultKind, TransactionalClient, Undelivered};
pub(crate) use window::Window;

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{error::Result, producer::SendError, record::ProducerRecord};

/// Where the runtime puts records: dead letters and what handlers return. A double of it tests the policies.
pub(crate) trait RecordSink: Send + Sync {
    /// Waits for room (back-pressure), then hands the record to the client; what it resolves to is the acknowledgment,
    /// which may be dropped without harm. Records of one caller keep their order.
    fn enqueue(&self, record: ProducerRecord) -> Enqueue<'_>;

    /// As [`RecordSink::enqueue`] without an acknowledgment: for a producer whose transaction fails when a record of it
    /// does. Nothing is allocated for it.
    fn entrust(&self, record: ProducerRecord) -> Enqueue<'_, ()>;

    /// Where the acknowledgments of records with an index below this are to be found.
    fn receipts(&self, n_records: usize) -> Receipts;

    /// As [`RecordSink::enqueue`] of a record that need not be owned, where there is room now and nobody has to see it
    /// before; false, and nothing is sent: it goes by `enqueue`, which may say why. An index is used once.
    fn try_enqueue(&self, record: &Outbound<'_>, receipts: &Receipts, index: usize) -> bool;

    /// As [`RecordSink::entrust`] in the same way.
    fn try_entrust(&self, record: &Outbound<'_>) -> bool;

    /// Number of partitions of a topic; a dead letter keeps its partition only where its topic has it.
    fn n_partitions<'a>(&'a self, topic: &'a str) -> Pin<Box<dyn Future<Output = Result<i32>> + Send + 'a>>;
}

/// A record on its way into the client: done at once when there is room, so that the usual case allocates no future.
#[must_use = "nothing is sent unless it is awaited"]
pub(crate) enum Enqueue<'a, T = PendingSend> {
    /// Accepted or refused already.
    Now(Option<Result<T, SendError>>),
    /// Waits for room.
    Later(Pin<Box<dyn Future<Output = Result<T, SendError>> + Send + 'a>>),
}

impl<T> Enqueue<'_, T> {
    /// Accepted or refused already.
    pub(crate) fn now(result: Result<T, SendError>) -> Self {
        Self::Now(Some(result))
    }
}

impl<T: Unpin> Future for Enqueue<'_, T> {
    type Output = Result<T, SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Now(result) => match result.take() {
                Some(result) => Poll::Ready(result),
                None => Poll::Pending,
            },
            Self::Later(future) => Poll::Ready(ready!(future.as_mut().poll(cx))),
        }
    }
}
