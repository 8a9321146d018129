//! Sending: templates, and what a send returns.

mod encoded;
mod interceptor;
mod partition_info;
mod request;
mod send_all;
mod send_error;
mod template;
mod transaction;

pub(crate) use interceptor::Interceptors;
pub use interceptor::ProducerInterceptor;
pub use partition_info::PartitionInfo;
pub(crate) use request::{CORRELATION_ID, Inbox, REPLY_PARTITION, REPLY_TOPIC, ReplyReader, Requests};
pub use request::{CorrelationId, Release, Replies, Reply, ReplyCounts, RequestError, RequestTimeout};
pub use send_all::SendAllError;
pub use send_error::SendError;
pub use template::KafkaTemplate;
pub use transaction::TransactionError;
pub(crate) use transaction::TransactionPool;
