//! The one folder with `unsafe`: calls of librdkafka that rust-rdkafka lacks, as RAII types with their reasons.
//!
//! The consumer is used through librdkafka's event interface alone: rebalances, commit results and errors are values
//! taken from a queue, never callbacks, so the pump decides when to answer them.
#![allow(unsafe_code, reason = "the only folder that calls librdkafka directly")]

mod admin;
mod conf;
mod consumer;
mod event;
mod fault;
mod first_brokers;
mod openssl;
mod partition_list;
mod producer;
mod queue;
mod record;
mod state_changes;
mod text;
mod transaction;

pub(crate) use admin::{
    AlterConfigs, AlterGroupOffsets, AlterScramCredentials, CreateAcls, CreatePartitions, CreateTopics, DeleteAcls,
    DeleteGroupOffsets, DeleteGroups, DeleteRecords, DeleteTopics, DescribeAcls, DescribeCluster, DescribeConfigs,
    DescribeGroups, DescribeScramCredentials, DescribeTopics, ElectLeaders, ListGroupOffsets, ListGroups, ListOffsets,
    NativeAdmin, Outcome, Request,
};
pub(crate) use conf::{is_built_with, not_built_in};
pub(crate) use consumer::NativeConsumer;
pub(crate) use fault::{fault_of, is_of_certificates};
pub(crate) use openssl::outlive_main;
pub(crate) use producer::{
    BatchTicket, MAX_BATCH, MessageArray, NativeProducer, NotTaken, Outbound, Report, ReportSink, Ticket,
};
pub(crate) use queue::{Entry, EventQueue, PartitionQueue};
pub(crate) use record::NativeRecord;
pub(crate) use transaction::GroupMetadata;
