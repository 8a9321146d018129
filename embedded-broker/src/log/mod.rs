//! One partition's log: batches in, batches out. Nothing in here sees a socket, a clock or a lock.

pub(crate) mod batch;
mod compression;
mod config;
mod epochs;
mod partition_log;
mod producer_state;
mod rebuild;
mod record;
mod records;
mod segment;
mod tail;
#[cfg(test)]
pub(crate) mod tests;
mod validate;

pub(crate) use batch::BatchHeader;
pub(crate) use compression::{Compression, Unpacker, unpack};
pub(crate) use config::{LogConfig, TimestampType};
pub(crate) use partition_log::{Appended, OutOfRange, PartitionLog};
pub(crate) use records::for_each_record;
pub(crate) use validate::{OneBatch, Place, Rejected, ValidBatch, validate};
