//! Consumer groups: which there are, what is known of one, and the offsets it has committed.
//!
//! Each group is asked of its coordinator. Both protocols are there: the classic one, whose brokers carry assignments they
//! cannot read, and that of KIP-848, where the broker assigns.

mod assignment;
mod delete;
mod describe;
mod kinds;
mod list;
mod offsets;

pub(crate) use describe::{GroupDescription, GroupMember};
pub(crate) use kinds::{GroupState, GroupType};
pub(crate) use list::GroupListing;
pub(crate) use offsets::CommittedOffset;
