//! Every edge of the state table, fencing, and what is answered in each state; then random histories.

use std::sync::Arc;

use super::config::TransactionConfig;
use super::record::{Generation, Metadata, TopicPartition, TransactionRecord};
use super::state::TransactionState;
use super::turn::{Markers, Turn};
use super::*;
use crate::coordinator::ErrorCode;

mod ends;
mod forced;
mod histories;
mod producers;
mod states;

/// An id with the clock and the producer ids around it.
struct Case {
    transaction: Transaction,
    config: TransactionConfig,
    now_ms: i64,
    last_producer_id: i64,
    /// What live requests made true, to be replayed.
    records: Vec<TransactionRecord>,
    markers: Option<Markers>,
}

const V1: Generation = Generation::V1;
const V2: Generation = Generation::V2;

fn partition(name: &str, index: i32) -> TopicPartition {
    (Arc::from(name), index)
}

impl Case {
    fn new() -> Self {
        Self {
            transaction: Transaction::new(1, 0),
            config: TransactionConfig::default(),
            now_ms: 1_000,
            last_producer_id: 1,
            records: Vec::new(),
            markers: None,
        }
    }

    /// A producer has the id: producer id 1, epoch 0.
    fn initialized() -> Self {
        let mut case = Self::new();
        assert_eq!(case.init(None), Ok((1, 0)));
        case
    }

    /// In this state, with the epoch a client of this generation has then.
    fn in_state(state: TransactionState, generation: Generation) -> (Self, i16) {
        let mut case = Self::initialized();
        let commit = matches!(state, TransactionState::PrepareCommit | TransactionState::CompleteCommit);
        if state == TransactionState::Empty {
            return (case, 0);
        }
        case.add(1, 0, generation).unwrap();
        if state == TransactionState::Ongoing {
            return (case, 0);
        }
        case.end(1, 0, commit, generation).unwrap();
        if matches!(state, TransactionState::CompleteCommit | TransactionState::CompleteAbort) {
            case.complete();
        }
        assert_eq!(case.transaction.state(), state);
        (case, if generation == V2 { 1 } else { 0 })
    }

    fn turn<R>(&mut self, call: impl FnOnce(&mut Transaction, &mut Turn<'_>) -> R) -> R {
        let last = &mut self.last_producer_id;
        let mut new_producer_id = || {
            *last += 1;
            *last
        };
        let mut turn = Turn::new(self.now_ms, &self.config, &mut new_producer_id);
        let result = call(&mut self.transaction, &mut turn);
        self.records.extend(turn.records);
        self.markers = turn.markers.or(self.markers.take());
        result
    }

    fn init(&mut self, expected: Option<(i64, i16)>) -> Result<(i64, i16), ErrorCode> {
        let request = InitRequest { timeout_ms: 60_000, expected };
        self.turn(|transaction, turn| transaction.init_producer_id(&request, turn))
    }

    fn add(&mut self, producer_id: i64, epoch: i16, generation: Generation) -> Result<(), ErrorCode> {
        let partitions = [partition("t", 0), partition("t", 1)];
        self.turn(|transaction, turn| transaction.add_partitions(producer_id, epoch, &partitions, generation, turn))
    }

    fn end(&mut self, producer_id: i64, epoch: i16, commit: bool, generation: Generation) -> Result<Ended, ErrorCode> {
        let request = EndRequest { producer_id, epoch, commit, generation };
        self.turn(|transaction, turn| transaction.end(&request, turn))
    }

    /// The markers are written.
    fn complete(&mut self) -> Option<Markers> {
        self.turn(|transaction, turn| transaction.complete(turn));
        self.markers.take()
    }

    fn metadata(&self) -> &Metadata {
        &self.transaction.metadata
    }

    /// Puts the epoch near its end, as 32765 transactions would.
    fn with_epoch(mut self, epoch: i16) -> Self {
        self.transaction.metadata.epoch = epoch;
        self
    }
}

fn ended(producer_id: i64, epoch: i16) -> Result<Ended, ErrorCode> {
    Ok(Ended { producer_id, epoch })
}

/// What clients of the older generation are told: nothing.
const UNTOLD: Result<Ended, ErrorCode> = Ok(Ended { producer_id: -1, epoch: -1 });
