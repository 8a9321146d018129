//! One partition's log: batches in, batches out. Nothing in here sees a socket, a clock or a lock.

mod aborted;
pub(crate) mod batch;
mod change;
mod compaction;
mod compression;
mod config;
mod copied;
mod epochs;
mod large;
mod made_batch;
mod marker;
mod partition_log;
mod producer_state;
mod reading;
mod rebuild;
mod record;
mod records;
mod replicated;
mod restore;
mod retention;
mod segment;
mod tail;
#[cfg(test)]
pub(crate) mod tests;
mod truncation;
mod validate;

pub(crate) use aborted::AbortedTransaction;
pub(crate) use batch::BatchHeader;
pub(crate) use change::LogChange;
pub(crate) use compaction::clean;
#[cfg(feature = "fuzzing")]
pub(crate) use compression::pack;
pub(crate) use compression::{Compression, Unpacker, unpack};
pub(crate) use config::{LogConfig, TimestampType};
pub(crate) use made_batch::{MadeBatch, MadeRecord};
pub(crate) use marker::EndMarker;
pub(crate) use partition_log::{Appended, OutOfRange, Outcome, PartitionLog};
pub(crate) use producer_state::{Guard, ProducerDescription, ProducerEntry, Proof};
pub(crate) use records::{RecordAt, for_each_record};
pub(crate) use restore::Restoring;
pub(crate) use validate::{OneBatch, Place, Rejected, ValidBatch, validate};
