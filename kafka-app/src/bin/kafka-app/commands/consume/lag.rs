//! How far reading is behind, on standard error.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, stderr, stdout},
    sync::Arc,
    time::Duration,
};

use kafka_app::{
    TopicPartition,
    admin::{AdminClient, OffsetQuery},
    config::IsolationLevel,
};
use parking_lot::Mutex;

use super::super::partitions;
use crate::say::{self, StatusLine};

/// How often it is shown.
const EVERY: Duration = Duration::from_secs(2);

/// The offset of each partition that is read next, where it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Positions(Option<Arc<Mutex<BTreeMap<TopicPartition, i64>>>>);

impl Positions {
    /// Positions that somebody looks at.
    pub(crate) fn watched() -> Self {
        Self(Some(Arc::default()))
    }

    pub(crate) fn set(&self, at: &TopicPartition, offset: i64) {
        let Some(positions) = &self.0 else { return };
        let mut positions = positions.lock();
        match positions.get_mut(at) {
            Some(position) => *position = offset,
            None => {
                positions.insert(at.clone(), offset);
            }
        }
    }

    pub(crate) fn forget(&self, partitions: &[TopicPartition]) {
        if let Some(positions) = &self.0 {
            positions.lock().retain(|at, _| !partitions.contains(at));
        }
    }

    fn now(&self) -> BTreeMap<TopicPartition, i64> {
        self.0.as_ref().map(|positions| positions.lock().clone()).unwrap_or_default()
    }

    /// How many records lie before the ends.
    fn behind(&self, ends: &BTreeMap<TopicPartition, Option<i64>>) -> i64 {
        let positions = self.now();
        let behind = |(at, end): (&TopicPartition, &Option<i64>)| Some(((*end)? - positions.get(at)?).max(0));
        ends.iter().filter_map(behind).sum()
    }
}

/// Shows it again and again, for as long as it is awaited.
pub(crate) async fn show(admin: AdminClient, positions: Positions, isolation: IsolationLevel) {
    // One line that changes, unless records come on the same terminal.
    let one_line = (stderr().is_terminal() && !stdout().is_terminal()).then_some(StatusLine);
    let mut told = None;
    let mut turns = tokio::time::interval(EVERY);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let asked = positions.now();
        if asked.is_empty() {
            continue;
        }
        // What is wrong is told by who reads.
        let Ok(ends) = partitions::offsets(&admin, asked.keys(), OffsetQuery::Latest, isolation).await else {
            continue;
        };
        let behind = positions.behind(&ends);
        if told.replace(behind) == Some(behind) {
            continue;
        }
        match &one_line {
            Some(status) => status.show(format_args!("lag: {behind}")),
            None => say::line(format_args!("lag: {behind}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_of_partitions_whose_position_and_end_are_known() {
        let at = |partition| TopicPartition::new("orders", partition);
        let positions = Positions::watched();
        positions.set(&at(0), 3);
        positions.set(&at(0), 4);
        positions.set(&at(1), 9);
        positions.set(&at(2), 9);
        let ends = [(at(0), Some(10)), (at(1), Some(8)), (at(2), None), (at(3), Some(5))].into();
        assert_eq!(positions.behind(&ends), 6);
        positions.forget(&[at(0)]);
        assert_eq!(positions.behind(&ends), 0);
    }

    #[test]
    fn where_nobody_looks_nothing_is_kept() {
        let positions = Positions::default();
        positions.set(&TopicPartition::new("orders", 0), 3);
        assert!(positions.now().is_empty());
    }
}
