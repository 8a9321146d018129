//! Configuration: the typed tree under `kafka.*`, its layers and its mistakes.

mod listener;
mod properties;
mod resolved;

pub use listener::{AckMode, DeadLetter, Delivery, ListenerSettings, OnRevoke, Ordering, RetrySettings};
pub use properties::Properties;
pub(crate) use resolved::{BatchLimits, ResolvedListener, Retry, Subscription};
