//! Sending: templates, and what a send returns.

mod partition_info;
mod send_all;
mod send_error;
mod template;
mod transaction;

pub use partition_info::PartitionInfo;
pub use send_all::SendAllError;
pub use send_error::SendError;
pub use template::KafkaTemplate;
pub use transaction::TransactionError;
pub(crate) use transaction::TransactionPool;
