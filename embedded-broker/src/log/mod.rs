//! One partition's log: batches in, batches out. Nothing in here sees a socket, a clock or a lock.

pub(crate) mod batch;
mod config;
mod decompress;
mod epochs;
mod partition_log;
mod producer_state;
mod record;
mod records;
mod segment;
mod tail;
#[cfg(test)]
pub(crate) mod tests;
mod validate;

pub(crate) use batch::{BatchHeader, Compression};
pub(crate) use config::{LogConfig, TimestampType};
pub(crate) use decompress::decompress;
pub(crate) use partition_log::{Appended, PartitionLog};
pub(crate) use records::for_each_record;
pub(crate) use validate::{Rejected, ValidBatch, one_batch, validate};
