//! The pump, turned by hand.

mod acknowledgment;
mod at_most_once;
mod circuit;
mod ends;
mod events;
mod hand_over;
mod positions;
mod rebalance;

use std::time::Duration;

use crate::config::{AckMode, Delivery, ResolvedListener};

const SECOND: Duration = Duration::from_secs(1);

fn listener() -> ResolvedListener {
    ResolvedListener::new("bill", "orders", "billing")
}

fn manual(ack_mode: AckMode) -> ResolvedListener {
    ResolvedListener { ack_mode, ..listener() }
}

fn at_most_once() -> ResolvedListener {
    ResolvedListener { delivery: Delivery::AtMostOnce, ..listener() }
}
