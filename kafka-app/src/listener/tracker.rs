//! [`Tracker`]: what was dispatched of a partition and what of it is finished: which offset may be committed.
//!
//! The pump dispatches and advances; lanes finish. They share [`DoneBits`], one bit a record, so that a lane pays one
//! atomic operation for a record and takes no lock, whatever the order records finish in.

use std::{collections::VecDeque, sync::Arc};

use super::done_bits::DoneBits;

/// The position a commit may name: all records before it are finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// Offset of the next record to be handled: one more than that of the last finished record.
    pub(crate) offset: i64,
    /// Leader epoch of the last finished record.
    pub(crate) leader_epoch: Option<i32>,
}

impl Watermark {
    /// Whether it comes before another one as librdkafka compares them: by leader epoch first, where both have one.
    pub(crate) fn is_before(self, other: Self) -> bool {
        match (self.leader_epoch, other.leader_epoch) {
            (Some(epoch), Some(other_epoch)) if epoch != other_epoch => epoch < other_epoch,
            _ => self.offset < other.offset,
        }
    }
}

/// Dispatched records of one assignment of a partition, in order, and the contiguous finished part of them.
///
/// Records are counted by sequence, not by offset: compaction and transaction markers leave gaps between offsets, and a
/// topic that was deleted and made again starts over. Neighbours without a gap are kept as one run, so the usual chunk
/// costs a few words whatever its length.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// Sequence of the oldest unfinished record.
    front: u64,
    /// Sequence the next dispatched record gets.
    next: u64,
    /// Runs that hold an unfinished record; the first holds `front`, unless all is finished.
    runs: VecDeque<Run>,
    watermark: Option<Watermark>,
    done: Arc<DoneBits>,
}

/// Neighbouring offsets of one leader epoch.
#[derive(Debug, Clone, Copy)]
struct Run {
    seq: u64,
    offset: i64,
    len: u64,
    leader_epoch: Option<i32>,
}

impl Tracker {
    /// For at least `room` unfinished records at a time.
    pub(crate) fn new(room: u64) -> Self {
        Self { front: 0, next: 0, runs: VecDeque::new(), watermark: None, done: Arc::new(DoneBits::new(room)) }
    }

    /// Where lanes finish records.
    pub(crate) fn done_bits(&self) -> &Arc<DoneBits> {
        &self.done
    }

    /// Sequence of the next record to be dispatched.
    #[cfg(test)]
    pub(crate) fn next_seq(&self) -> u64 {
        self.next
    }

    /// Records dispatched and not yet below the watermark.
    pub(crate) fn unfinished(&self) -> u64 {
        self.next - self.front
    }

    /// How many more records may be dispatched now.
    pub(crate) fn room(&self) -> u64 {
        // One word less than the window, so that a word of bits is never used by two laps at once.
        (self.done.window() - 64).saturating_sub(self.unfinished())
    }

    /// Notes a record as dispatched and returns its sequence. The caller keeps to [`Tracker::room`].
    pub(crate) fn dispatch(&mut self, offset: i64, leader_epoch: Option<i32>) -> u64 {
        let seq = self.next;
        self.next += 1;
        match self.runs.back_mut() {
            Some(run) if run.continues(offset, leader_epoch) => run.len += 1,
            _ => self.runs.push_back(Run { seq, offset, len: 1, leader_epoch }),
        }
        seq
    }

    /// Takes note of what lanes finished. Returns whether the watermark moved.
    pub(crate) fn advance(&mut self) -> bool {
        let front = self.done.take_from(self.front, self.next);
        if front == self.front {
            return false;
        }
        self.front = front;
        while let Some(run) = self.runs.front() {
            let finished = front.min(run.seq + run.len) - run.seq;
            if finished > 0 {
                self.watermark = Some(run.watermark(finished));
            }
            if finished < run.len {
                break;
            }
            self.runs.pop_front();
        }
        true
    }

    /// Whether a record is finished behind one that is not; as of the last [`Tracker::advance`].
    pub(crate) fn has_gaps(&self) -> bool {
        self.done.is_any_set(self.front, self.next)
    }

    /// What may be committed; `None` while nothing is finished.
    pub(crate) fn watermark(&self) -> Option<Watermark> {
        self.watermark
    }

    /// Offset of the oldest unfinished record.
    pub(crate) fn front_offset(&self) -> Option<i64> {
        self.offset_of(self.front)
    }

    /// Sequence of the oldest unfinished record, or of the next one if all is finished.
    pub(crate) fn front_seq(&self) -> u64 {
        self.front
    }

    /// Offset of an unfinished record.
    pub(crate) fn offset_of(&self, seq: u64) -> Option<i64> {
        if seq < self.front || seq >= self.next {
            return None;
        }
        let index = self.runs.partition_point(|run| run.seq + run.len <= seq);
        let run = self.runs.get(index)?;
        run.offset.checked_add_unsigned(seq - run.seq)
    }

    /// Sequence of the unfinished record with this offset.
    pub(crate) fn seq_of(&self, offset: i64) -> Option<u64> {
        self.runs.iter().filter_map(|run| run.seq_of(offset)).find(|seq| *seq >= self.front)
    }
}

impl Run {
    fn seq_of(&self, offset: i64) -> Option<u64> {
        let nth = offset.checked_sub(self.offset).and_then(|nth| u64::try_from(nth).ok())?;
        (nth < self.len).then(|| self.seq + nth)
    }

    fn continues(&self, offset: i64, leader_epoch: Option<i32>) -> bool {
        self.leader_epoch == leader_epoch && self.offset.checked_add_unsigned(self.len) == Some(offset)
    }

    /// With its first `finished` records finished.
    fn watermark(&self, finished: u64) -> Watermark {
        Watermark { offset: self.offset.saturating_add_unsigned(finished), leader_epoch: self.leader_epoch }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOM: u64 = 960;
    const WINDOW: u64 = 1024;

    fn tracker(offsets: impl IntoIterator<Item = i64>) -> Tracker {
        let mut tracker = Tracker::new(ROOM);
        for offset in offsets {
            tracker.dispatch(offset, Some(1));
        }
        tracker
    }

    fn finish(tracker: &mut Tracker, seqs: impl IntoIterator<Item = u64>) -> Option<i64> {
        for seq in seqs {
            tracker.done_bits().set(seq);
        }
        tracker.advance();
        tracker.watermark().map(|w| w.offset)
    }

    #[test]
    fn nothing_may_be_committed_before_the_first_record_is_finished() {
        let mut tracker = tracker([5, 6, 7]);
        assert_eq!(finish(&mut tracker, [1, 2]), None);
        assert_eq!(finish(&mut tracker, [0]), Some(8));
    }

    #[test]
    fn an_unfinished_record_is_found_by_its_offset() {
        let mut tracker = tracker([5, 6, 9, 5]);
        assert_eq!([5, 6, 7, 9, 10].map(|offset| tracker.seq_of(offset)), [Some(0), Some(1), None, Some(2), None]);
        finish(&mut tracker, [0]);
        assert_eq!(tracker.seq_of(5), Some(3), "that of the topic that was made anew");
    }

    #[test]
    fn what_is_finished_behind_an_unfinished_record_is_a_gap() {
        let mut tracker = tracker(0..200);
        finish(&mut tracker, 0..70);
        assert!(!tracker.has_gaps());
        assert_eq!((finish(&mut tracker, [199]), tracker.has_gaps()), (Some(70), true));
        finish(&mut tracker, 70..199);
        assert!(!tracker.has_gaps());
    }

    #[test]
    fn a_gap_in_the_offsets_is_stepped_over_only_when_the_next_record_is_finished() {
        let mut tracker = tracker([5, 9, 10]);
        assert_eq!(finish(&mut tracker, [0]), Some(6));
        assert_eq!(finish(&mut tracker, [1]), Some(10));
        assert_eq!(tracker.front_offset(), Some(10));
    }

    #[test]
    fn the_watermark_carries_the_leader_epoch_of_the_last_finished_record() {
        let mut tracker = Tracker::new(ROOM);
        tracker.dispatch(0, Some(3));
        tracker.dispatch(1, Some(4));
        assert_eq!(finish(&mut tracker, [0]), Some(1));
        assert_eq!(tracker.watermark().and_then(|w| w.leader_epoch), Some(3));
        assert_eq!(finish(&mut tracker, [1]), Some(2));
        assert_eq!(tracker.watermark().and_then(|w| w.leader_epoch), Some(4));
    }

    #[test]
    fn a_topic_made_anew_starts_over_under_the_same_assignment() {
        let mut tracker = tracker([100, 101, 0, 1]);
        assert_eq!(finish(&mut tracker, [0, 1]), Some(102));
        assert_eq!(finish(&mut tracker, [2]), Some(1));
    }

    #[test]
    fn a_second_report_of_a_finished_record_finishes_no_other() {
        let mut tracker = tracker(0..1);
        finish(&mut tracker, [0]);
        while tracker.next_seq() < WINDOW {
            let seq = tracker.dispatch(1, None);
            finish(&mut tracker, [seq]);
        }
        tracker.dispatch(1, None);
        tracker.done_bits().set(0); // Its bit is that of sequence WINDOW now.
        assert!(!tracker.done_bits().is_set(WINDOW));
    }

    #[test]
    fn the_window_bounds_what_is_unfinished() {
        let mut tracker = Tracker::new(ROOM);
        let mut offset = 0;
        while tracker.room() > 0 {
            tracker.dispatch(offset, None);
            offset += 1;
        }
        assert_eq!(tracker.unfinished(), ROOM);
        finish(&mut tracker, [0]);
        assert_eq!(tracker.room(), 1);
    }

    #[test]
    fn lanes_may_finish_while_the_pump_advances() {
        let mut tracker = Tracker::new(ROOM);
        let total = 300 * WINDOW;
        std::thread::scope(|scope| {
            let (sender, receiver) = std::sync::mpsc::channel::<u64>();
            let done = Arc::clone(tracker.done_bits());
            scope.spawn(move || receiver.into_iter().for_each(|seq| done.set(seq)));
            while tracker.next_seq() < total {
                if tracker.room() > 0 {
                    let seq = tracker.next_seq();
                    tracker.dispatch(i64::try_from(seq).expect("it fits"), None);
                    sender.send(seq).expect("the lane lives");
                }
                tracker.advance();
            }
            drop(sender);
        });
        tracker.advance();
        assert_eq!(tracker.unfinished(), 0);
        assert_eq!(tracker.watermark().map(|w| w.offset), i64::try_from(total).ok());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Dispatch { gap: u8, epoch: bool },
        Finish(prop::sample::Index),
        Advance,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0..3_u8, prop::bool::weighted(0.1)).prop_map(|(gap, epoch)| Step::Dispatch { gap, epoch }),
            3 => any::<prop::sample::Index>().prop_map(Step::Finish),
            1 => Just(Step::Advance),
        ]
    }

    proptest! {
        /// Against a list of (offset, finished): the watermark is the end of the finished prefix, and never runs ahead.
        #[test]
        fn only_the_finished_prefix_may_be_committed(steps in prop::collection::vec(step(), 0..400)) {
            let mut tracker = Tracker::new(ROOM);
            let mut model: Vec<(i64, i32, bool)> = Vec::new();
            let mut epoch = 0;
            for step in steps {
                match step {
                    Step::Dispatch { gap, epoch: bump } => {
                        epoch += i32::from(bump);
                        let offset = model.last().map_or(0, |last| last.0 + 1 + i64::from(gap));
                        let seq = tracker.dispatch(offset, Some(epoch));
                        prop_assert_eq!(usize::try_from(seq).ok(), Some(model.len()));
                        model.push((offset, epoch, false));
                    }
                    Step::Finish(index) => {
                        let open: Vec<usize> = (0..model.len()).filter(|&i| !model[i].2).collect();
                        if !open.is_empty() {
                            let seq = open[index.index(open.len())];
                            model[seq].2 = true;
                            tracker.done_bits().set(seq as u64);
                        }
                    }
                    Step::Advance => { tracker.advance(); }
                }
            }
            tracker.advance();
            let finished = model.iter().take_while(|record| record.2).count();
            let expected = finished.checked_sub(1).map(|last| Watermark {
                offset: model[last].0 + 1,
                leader_epoch: Some(model[last].1),
            });
            prop_assert_eq!(tracker.watermark(), expected);
            prop_assert_eq!(tracker.unfinished(), (model.len() - finished) as u64);
            prop_assert_eq!(tracker.front_offset(), model.get(finished).map(|record| record.0));
            for (seq, record) in model.iter().enumerate().skip(finished) {
                prop_assert_eq!(tracker.offset_of(seq as u64), Some(record.0));
            }
        }
    }

    /// Where the next record lies.
    #[derive(Debug, Clone)]
    enum Place {
        Behind {
            gap: i64,
        },
        NextEpoch,
        /// The topic was made anew.
        Over,
    }

    #[derive(Debug, Clone)]
    enum Turn {
        /// As many as there is room for, at most so many.
        Dispatch(usize, Place),
        /// Unfinished ones from the oldest on.
        FinishOldest(usize),
        Finish(prop::sample::Index),
        /// Said a second time, however long ago it was finished.
        FinishAgain(prop::sample::Index),
        Advance,
    }

    fn turn() -> impl Strategy<Value = Turn> {
        let place = prop_oneof![
            6 => (0..2_i64).prop_map(|gap| Place::Behind { gap }),
            1 => Just(Place::NextEpoch),
            1 => Just(Place::Over),
        ];
        prop_oneof![
            3 => (1..40_usize, place).prop_map(|(n_records, place)| Turn::Dispatch(n_records, place)),
            2 => (1..40_usize).prop_map(Turn::FinishOldest),
            6 => any::<prop::sample::Index>().prop_map(Turn::Finish),
            2 => any::<prop::sample::Index>().prop_map(Turn::FinishAgain),
            4 => Just(Turn::Advance),
        ]
    }

    /// Every record that ever was, whether it is finished, and the first that is not as of the last advance.
    #[derive(Default)]
    struct Model {
        records: Vec<(Watermark, bool)>,
        front: usize,
    }

    impl Model {
        fn next(&self, place: &Place) -> Watermark {
            let last = self.records.last().map_or(Watermark { offset: -1, leader_epoch: Some(0) }, |last| last.0);
            match place {
                Place::Behind { gap } => Watermark { offset: last.offset + 1 + gap, ..last },
                Place::NextEpoch => {
                    Watermark { offset: last.offset + 1, leader_epoch: last.leader_epoch.map(|e| e + 1) }
                }
                Place::Over => Watermark { offset: 0, ..last },
            }
        }

        fn unfinished(&self) -> Vec<usize> {
            (self.front..self.records.len()).filter(|seq| !self.records[*seq].1).collect()
        }

        fn advance(&mut self) -> bool {
            let before = self.front;
            self.front += self.records[before..].iter().take_while(|record| record.1).count();
            self.front > before
        }

        fn watermark(&self) -> Option<Watermark> {
            let (last, _) = self.records[..self.front].last()?;
            Some(Watermark { offset: last.offset + 1, ..*last })
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// The smallest window there is, lap by lap, as a pump uses it.
        #[test]
        fn lap_by_lap_the_watermark_is_the_end_of_the_finished_prefix(turns in prop::collection::vec(turn(), 1_000..2_000)) {
            let (mut tracker, mut model) = (Tracker::new(64), Model::default());
            for turn in turns {
                match turn {
                    Turn::Dispatch(n_records, place) => {
                        for nth in 0..n_records {
                            if tracker.room() == 0 {
                                break;
                            }
                            let record = model.next(if nth == 0 { &place } else { &Place::Behind { gap: 0 } });
                            let seq = tracker.dispatch(record.offset, record.leader_epoch);
                            prop_assert_eq!(seq, model.records.len() as u64);
                            model.records.push((record, false));
                        }
                    }
                    Turn::FinishOldest(n_records) => {
                        for seq in model.unfinished().into_iter().take(n_records) {
                            model.records[seq].1 = true;
                            tracker.done_bits().set(seq as u64);
                        }
                    }
                    Turn::Finish(which) => {
                        let unfinished = model.unfinished();
                        if !unfinished.is_empty() {
                            let seq = *which.get(&unfinished);
                            model.records[seq].1 = true;
                            tracker.done_bits().set(seq as u64);
                        }
                    }
                    Turn::FinishAgain(which) => {
                        if !model.records.is_empty() {
                            let seq = which.index(model.records.len());
                            if model.records[seq].1 {
                                tracker.done_bits().set(seq as u64);
                            }
                        }
                    }
                    Turn::Advance => {
                        prop_assert_eq!(tracker.advance(), model.advance());
                        prop_assert_eq!(tracker.watermark(), model.watermark());
                        let rest = &model.records[model.front..];
                        prop_assert_eq!(tracker.unfinished(), rest.len() as u64);
                        prop_assert_eq!(tracker.room(), 64 - rest.len() as u64);
                        prop_assert_eq!(tracker.has_gaps(), rest.iter().any(|record| record.1));
                        prop_assert_eq!(tracker.front_offset(), rest.first().map(|record| record.0.offset));
                        for (seq, (record, _)) in (model.front as u64..).zip(rest) {
                            prop_assert_eq!(tracker.offset_of(seq), Some(record.offset));
                        }
                    }
                }
            }
        }
    }
}
