//! One partition's log: batches in, batches out. Nothing in here sees a socket, a clock or a lock.

mod config;

pub(crate) use config::{LogConfig, TimestampType};
