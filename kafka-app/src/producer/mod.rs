//! Sending: templates, and what a send returns.

mod send_error;

pub use send_error::SendError;
