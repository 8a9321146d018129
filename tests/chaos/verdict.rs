//! [`Verdict`]: what became of the records: pure.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
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

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.partition, self.offset)
    }
}

/// What a reader saw in a topic.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    first: BTreeMap<Number, Place>,
    /// In the order in which they came, each at its later place.
    repeated: Vec<(Number, Place)>,
    /// The highest place of each key so far.
    highest: BTreeMap<u64, u64>,
    /// Records that came first only after one that should have followed them.
    n_reordered: u64,
}

impl Seen {
    /// Notes the next record; those of one key lie in one partition.
    pub(crate) fn note(&mut self, number: Number, place: Place) {
        match self.first.entry(number) {
            Entry::Vacant(first) => first.insert(place),
            Entry::Occupied(_) => return self.repeated.push((number, place)),
        };
        let highest = self.highest.entry(number.key).or_insert(number.place);
        if number.place < *highest {
            self.n_reordered += 1;
        } else {
            *highest = number.place;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.first.len()
    }

    /// Those of `sent` that never came.
    pub(crate) fn missing<'a>(&'a self, sent: &'a BTreeSet<Number>) -> impl Iterator<Item = Number> + 'a {
        sent.iter().copied().filter(|number| !self.first.contains_key(number))
    }

    /// How many records came more often than they came in `input`: what is there twice may come out twice.
    fn n_repeated_beyond(&self, input: &Self) -> u64 {
        let input = input.n_again();
        let beyond = |(number, n): (Number, u64)| n.saturating_sub(input.get(&number).copied().unwrap_or(0));
        self.n_again().into_iter().map(beyond).sum()
    }

    /// How often each record came that came again, the first time not counted.
    fn n_again(&self) -> BTreeMap<Number, u64> {
        let mut again = BTreeMap::new();
        for (number, _) in &self.repeated {
            *again.entry(*number).or_default() += 1;
        }
        again
    }

    /// What came again, with its first and its later place.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = (Number, Place, Place)> + '_ {
        self.repeated.iter().filter_map(|(number, later)| Some((*number, *self.first.get(number)?, *later)))
    }
}

/// What a run says of the mode's promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Kept,
    Broken,
    /// The pipeline did not run, or nothing went through it: nothing is known of the promise.
    Untried,
}

/// The verdict on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) mode: Mode,
    /// Whether any handler was ever called.
    pub(crate) has_run: bool,
    pub(crate) n_rounds: u64,
    pub(crate) n_records: u64,
    pub(crate) n_lost: u64,
    pub(crate) n_repeated: u64,
    pub(crate) n_reordered: u64,
}

impl Verdict {
    /// Of what was acknowledged to the producer, what there is of it in the input, and what came out.
    ///
    /// The input counts, as the producer that wrote it may have written a record twice (`docs/librdkafka.md`, "When an
    /// idempotent producer repeats"): the pipeline handles both, and is right.
    pub(crate) fn new(
        mode: Mode,
        has_run: bool,
        n_rounds: u64,
        sent: &BTreeSet<Number>,
        input: &Seen,
        output: &Seen,
    ) -> Self {
        Self {
            mode,
            has_run,
            n_rounds,
            n_records: sent.len() as u64,
            n_lost: output.missing(sent).count() as u64,
            n_repeated: output.n_repeated_beyond(input),
            n_reordered: output.n_reordered,
        }
    }

    /// Whether the mode kept its promise, if anything was tried at all.
    pub(crate) fn outcome(&self) -> Outcome {
        // A mode that may lose keeps its promise by losing everything.
        let is_all_lost = self.mode == Mode::AtMostOnce && self.n_lost == self.n_records;
        let is_kept = match self.mode {
            Mode::AtMostOnce => self.n_repeated == 0,
            Mode::AtLeastOnce => self.n_lost == 0,
            Mode::ExactlyOnce => self.n_lost == 0 && self.n_repeated == 0 && self.n_reordered == 0,
        };
        match is_kept {
            _ if !self.has_run || self.n_records == 0 || is_all_lost => Outcome::Untried,
            true => Outcome::Kept,
            false => Outcome::Broken,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, has_run: _, n_rounds, n_records, n_lost, n_repeated, n_reordered } = self;
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
        let written: Vec<_> = (0..sent).collect();
        verdict_of(mode, &written, came)
    }

    fn verdict_of(mode: Mode, written: &[u64], came: &[u64]) -> Verdict {
        let sent = written.iter().map(|place| Number { key: 0, place: *place }).collect();
        Verdict::new(mode, true, 1, &sent, &seen(written), &seen(came))
    }

    fn seen(places: &[u64]) -> Seen {
        let mut seen = Seen::default();
        for (offset, place) in (0..).zip(places) {
            seen.note(Number { key: 0, place: *place }, Place { partition: 0, offset });
        }
        seen
    }

    fn is_kept(verdict: &Verdict) -> bool {
        match verdict.outcome() {
            Outcome::Kept => true,
            Outcome::Broken => false,
            Outcome::Untried => panic!("it was tried: {verdict}"),
        }
    }

    #[test]
    fn all_once_and_in_order_keeps_every_promise() {
        for mode in [Mode::AtMostOnce, Mode::AtLeastOnce, Mode::ExactlyOnce] {
            assert!(is_kept(&verdict(mode, 3, &[0, 1, 2])), "{mode:?}");
        }
    }

    #[test]
    fn a_lost_record_breaks_all_but_at_most_once() {
        let lost = verdict(Mode::AtLeastOnce, 3, &[0, 2]);
        assert_eq!((lost.n_lost, lost.n_repeated, lost.n_reordered), (1, 0, 0));
        assert!(!is_kept(&lost) && !is_kept(&verdict(Mode::ExactlyOnce, 3, &[0, 2])));
        assert!(is_kept(&verdict(Mode::AtMostOnce, 3, &[0, 2])));
    }

    #[test]
    fn a_repeated_record_breaks_all_but_at_least_once() {
        let repeated = verdict(Mode::AtMostOnce, 2, &[0, 1, 0, 1, 1]);
        assert_eq!((repeated.n_lost, repeated.n_repeated, repeated.n_reordered), (0, 3, 0));
        assert!(!is_kept(&repeated) && !is_kept(&verdict(Mode::ExactlyOnce, 2, &[0, 1, 0])));
        assert!(is_kept(&verdict(Mode::AtLeastOnce, 2, &[0, 1, 0])));
    }

    #[test]
    fn what_is_twice_in_the_input_may_come_out_twice_and_no_more_often() {
        for mode in [Mode::AtMostOnce, Mode::ExactlyOnce] {
            assert!(is_kept(&verdict_of(mode, &[0, 1, 0, 1, 2], &[0, 1, 0, 1, 2])), "{mode:?}");
            let repeated = verdict_of(mode, &[0, 1, 0, 1, 2], &[0, 1, 0, 0, 2, 2]);
            assert_eq!((repeated.n_lost, repeated.n_repeated), (0, 2), "one of `0`, one of `2`: {repeated}");
            assert!(!is_kept(&repeated));
        }
    }

    #[test]
    fn what_is_repeated_is_told_with_both_its_places() {
        let (number, at) = (Number { key: 1, place: 2 }, |offset| Place { partition: 0, offset });
        let mut seen = Seen::default();
        [5, 7, 9].into_iter().for_each(|offset| seen.note(number, at(offset)));
        assert_eq!(seen.repeated().collect::<Vec<_>>(), [(number, at(5), at(7)), (number, at(5), at(9))]);
    }

    #[test]
    fn what_came_late_is_reordered_and_not_repeated() {
        let reordered = verdict(Mode::ExactlyOnce, 3, &[0, 2, 1]);
        assert_eq!((reordered.n_lost, reordered.n_repeated, reordered.n_reordered), (0, 0, 1));
        assert!(!is_kept(&reordered));
    }

    #[test]
    fn a_run_without_records_proves_nothing() {
        assert_eq!(verdict(Mode::AtMostOnce, 0, &[]).outcome(), Outcome::Untried);
    }

    #[test]
    fn a_mode_that_may_lose_proves_nothing_by_losing_everything() {
        assert_eq!(verdict(Mode::AtMostOnce, 3, &[]).outcome(), Outcome::Untried);
        assert!(!is_kept(&verdict(Mode::AtLeastOnce, 3, &[])));
    }

    #[test]
    fn what_a_pipeline_that_never_ran_did_not_bring_is_not_lost() {
        for mode in [Mode::AtMostOnce, Mode::AtLeastOnce, Mode::ExactlyOnce] {
            let verdict = Verdict { has_run: false, ..verdict(mode, 3, &[]) };
            assert_eq!(verdict.outcome(), Outcome::Untried);
        }
    }
}
