//! Configuration: the typed tree under `kafka.*`, its layers and its mistakes.

mod listener;

pub use listener::{AckMode, DeadLetter, Delivery, ListenerSettings, OnRevoke, Ordering, RetrySettings};
