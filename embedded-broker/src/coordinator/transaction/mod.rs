//! The transaction coordinator: who may write under a transactional id, and where each transaction stands.
//!
//! [`Transaction`] is pure: state, request and time in, facts and answers out. It sees no socket, clock or thread, and
//! writes no marker itself: that is an effect of a turn, and what came of it is told to the next one.
//!
//! Both generations of the protocol are spoken side by side, by what each request says of its client: until KIP-890 a
//! producer keeps its epoch from transaction to transaction ([`Generation::V1`]), since then the end of each brings a
//! new one ([`Generation::V2`]), so that nothing late can slip into the next.

mod add_partitions;
pub(crate) mod config;
mod end;
mod forced;
mod init_producer_id;
mod machine;
pub(crate) mod record;
pub(crate) mod state;
#[cfg(test)]
mod tests;
pub(crate) mod turn;

pub(crate) use end::{EndRequest, Ended};
pub(crate) use init_producer_id::InitRequest;
pub(crate) use machine::{Description, Transaction};
