//! What clients have sent that no client of Kafka may send.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::inspect::violations::Violation;

/// How many are kept; older ones are forgotten.
const KEPT: usize = 1000;

/// The last violations, each with its number.
#[derive(Debug, Default)]
pub(crate) struct Violations(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many there were.
    noted: u64,
    kept: VecDeque<Violation>,
}

impl Violations {
    pub(crate) fn note(&self, violation: Violation) {
        let mut state = self.0.lock();
        if state.kept.len() == KEPT {
            state.kept.pop_front();
        }
        state.kept.push_back(violation);
        state.noted += 1;
    }

    /// The number of the next one.
    pub(crate) fn next(&self) -> u64 {
        self.0.lock().noted
    }

    /// Those that are kept, from this number on.
    pub(crate) fn since(&self, number: u64) -> Vec<Violation> {
        let state = self.0.lock();
        let first = state.noted - state.kept.len() as u64;
        let skipped = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        state.kept.iter().skip(skipped).cloned().collect()
    }
}
