//! Coordinators as pure state machines: state, request and time in; response, records and timers out.
//!
//! Nothing in here sees a socket, a clock or a thread. The shell (`cluster.rs` and the request files) holds the lock,
//! passes the time in, hands the responses to whoever waits for them and sets the timers that came out.

use std::sync::Arc;

use crate::clock::Timestamp;

/// What a deadline of the broker's heap is for. A new deadline for the same key takes the place of the old one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TimerKey {
    /// Something a group waits for; `what` tells the group which of its waits it is.
    Group {
        /// The group.
        group_id: Arc<str>,
        /// Which wait of the group.
        what: Arc<str>,
    },
    /// A test helper that gives up.
    Await(u64),
}

/// A change of the heap that a state machine asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimerChange {
    /// Sets or moves the deadline.
    Schedule(TimerKey, Timestamp),
    /// Forgets the deadline.
    Cancel(TimerKey),
}
