//! The replicas of one partition: who leads, who is in sync, how far each has got, and what all of them have.
//!
//! Pure: what happens, and when, comes in; what the log has to do comes out. There is one log a partition, the leader's,
//! and a follower is an offset into it: whatever is before it, the follower has. So an election is a cut: the log ends
//! from then on where the new leader's ended, and what was behind is lost.
//!
//! As Kafka 4.1: followers that hear the leader follow; one that was behind for `replica.lag.time.max.ms` is out of sync,
//! and in again once it has the high watermark and all of the epochs before; the high watermark is what every replica in
//! sync has, and stands still while fewer than `min.insync.replicas` are; who goes out of sync meanwhile may still be
//! elected (KIP-966), as nothing is acknowledged that it lacks. A partition moves by having the old replicas and the new ones,
//! until all that are to stay are in sync.
//! Different: what a leader had and its successor had not is gone at once, from the old leader's own log, too.

mod assignment;
mod change;
mod controller;
mod election;
mod moment;
mod moving;
mod progress;
mod replicas;
mod restart;
#[cfg(test)]
mod tests;

pub(crate) use assignment::Assignment;
#[cfg(test)]
use change::Cut;
pub(crate) use change::{Change, Elected};
pub(crate) use election::Election;
pub(crate) use moment::{Moment, Rules, Standing};
pub(crate) use moving::Uncancelled;
pub(crate) use replicas::{Acknowledged, Replicas};
pub(crate) use restart::{Found, Remembered};
