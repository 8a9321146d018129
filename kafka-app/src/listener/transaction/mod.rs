//! Exactly once: outputs and positions of a consumer in transactions that take turns.

mod asker;
mod cycle;
mod known;
mod ledger;
mod open;
mod producer;
mod quit;
mod spread;
mod step;
#[cfg(test)]
mod tests;
mod turns;
mod worker;

pub(crate) use asker::{Positions, Question, Why};
pub(crate) use cycle::N_TURNS;
pub(crate) use ledger::Prior;
pub(crate) use open::Transaction;
pub(crate) use producer::{OpenProducer, OpenProducerOf, TurnProducer};
pub(crate) use step::{Drained, Step};
pub(crate) use turns::{News, Position, TransactionSpec, Turns};
pub(crate) use worker::Answer;
#[cfg(test)]
pub(crate) use {
    asker::Ask,
    ledger::Ledger,
    step::Ended,
    worker::{Clerk, Job, What},
};
