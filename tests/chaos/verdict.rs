//! [`Verdict`]: what became of the records: pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use clap::ValueEnum;

use crate::numbers::Number;

/// A delivery mode and its promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "these are the modes' names")]
pub(crate) enum Mode {
    AtMostOnce,
    AtLeastOnce,
    ExactlyOnce,
}

impl Mode {
    /// As the configuration has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at-most-once",
            Self::AtLeastOnce => "at-least-once",
            Self::ExactlyOnce => "exactly-once",
        }
    }
}

/// What came out at the end of the pipeline.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    times: BTreeMap<Number, u32>,
    /// The highest place of each key so far.
    highest: BTreeMap<u64, u64>,
    /// Records that came first only after one that should have followed them.
    n_reordered: u64,
}

impl Outputs {
    /// Notes the next record of the output; those of one key lie in one partition.
    pub(crate) fn note(&mut self, number: Number) {
        let times = self.times.entry(number).or_default();
        *times += 1;
        if *times > 1 {
            return;
        }
        let highest = self.highest.entry(number.key).or_insert(number.place);
        if number.place < *highest {
            self.n_reordered += 1;
        } else {
            *highest = number.place;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// Those of `sent` that never came.
    pub(crate) fn missing<'a>(&'a self, sent: &'a BTreeSet<Number>) -> impl Iterator<Item = Number> + 'a {
        sent.iter().copied().filter(|number| !self.times.contains_key(number))
    }

    fn n_repeated(&self) -> u64 {
        self.times.values().map(|times| u64::from(times - 1)).sum()
    }
}

/// The verdict on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) mode: Mode,
    pub(crate) n_rounds: u64,
    pub(crate) n_records: u64,
    pub(crate) n_lost: u64,
    pub(crate) n_repeated: u64,
    pub(crate) n_reordered: u64,
}

impl Verdict {
    /// Of what was acknowledged to the producer, and what came out.
    pub(crate) fn new(mode: Mode, n_rounds: u64, sent: &BTreeSet<Number>, outputs: &Outputs) -> Self {
        Self {
            mode,
            n_rounds,
            n_records: sent.len() as u64,
            n_lost: outputs.missing(sent).count() as u64,
            n_repeated: outputs.n_repeated(),
            n_reordered: outputs.n_reordered,
        }
    }

    /// Whether the mode kept its promise, and anything was tried at all.
    pub(crate) fn is_kept(&self) -> bool {
        let promise = match self.mode {
            Mode::AtMostOnce => self.n_repeated == 0,
            Mode::AtLeastOnce => self.n_lost == 0,
            Mode::ExactlyOnce => self.n_lost == 0 && self.n_repeated == 0 && self.n_reordered == 0,
        };
        promise && self.n_records > 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, n_rounds, n_records, n_lost, n_repeated, n_reordered } = self;
        write!(
            f,
            "delivery={} rounds={n_rounds} records={n_records} lost={n_lost} repeated={n_repeated} reordered={n_reordered}",
            mode.name()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(mode: Mode, sent: u64, came: &[u64]) -> Verdict {
        let number = |place| Number { key: 0, place };
        let sent = (0..sent).map(number).collect();
        let mut outputs = Outputs::default();
        came.iter().for_each(|place| outputs.note(number(*place)));
        Verdict::new(mode, 1, &sent, &outputs)
    }

    #[test]
    fn all_once_and_in_order_keeps_every_promise() {
        for mode in [Mode::AtMostOnce, Mode::AtLeastOnce, Mode::ExactlyOnce] {
            assert!(verdict(mode, 3, &[0, 1, 2]).is_kept(), "{mode:?}");
        }
    }

    #[test]
    fn a_lost_record_breaks_all_but_at_most_once() {
        let lost = verdict(Mode::AtLeastOnce, 3, &[0, 2]);
        assert_eq!((lost.n_lost, lost.n_repeated, lost.n_reordered), (1, 0, 0));
        assert!(!lost.is_kept() && !verdict(Mode::ExactlyOnce, 3, &[0, 2]).is_kept());
        assert!(verdict(Mode::AtMostOnce, 3, &[0, 2]).is_kept());
    }

    #[test]
    fn a_repeated_record_breaks_all_but_at_least_once() {
        let repeated = verdict(Mode::AtMostOnce, 2, &[0, 1, 0, 1, 1]);
        assert_eq!((repeated.n_lost, repeated.n_repeated, repeated.n_reordered), (0, 3, 0));
        assert!(!repeated.is_kept() && !verdict(Mode::ExactlyOnce, 2, &[0, 1, 0]).is_kept());
        assert!(verdict(Mode::AtLeastOnce, 2, &[0, 1, 0]).is_kept());
    }

    #[test]
    fn what_came_late_is_reordered_and_not_repeated() {
        let reordered = verdict(Mode::ExactlyOnce, 3, &[0, 2, 1]);
        assert_eq!((reordered.n_lost, reordered.n_repeated, reordered.n_reordered), (0, 0, 1));
        assert!(!reordered.is_kept());
    }

    #[test]
    fn a_run_without_records_proves_nothing() {
        assert!(!verdict(Mode::AtMostOnce, 0, &[]).is_kept());
    }
}
