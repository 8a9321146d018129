//! What generated code may call; hidden, and exempt from semantic versioning.

pub use crate::{
    config::{AckMode, DeadLetter, Delivery, OnRevoke, Ordering, RetrySettings},
    extract::FromRecord,
    handler::{
        BatchContext, BatchHandler, BatchOutcome, Declaration, ErrorClass, Failure, KafkaError, Outcome, Outputs,
        RecordContext, RecordHandler, Rejection,
    },
    listener::Listener,
};
