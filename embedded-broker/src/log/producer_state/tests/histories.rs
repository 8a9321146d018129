//! Random histories of producers that go on, repeat themselves, skip, begin anew and fall silent, against plain arithmetic.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Sequences are counted modulo this.
const SEQUENCES: i64 = 1 << 31;
const IDLE_MS: i64 = 1_000;

#[derive(Debug, Clone)]
enum What {
    /// What comes next.
    Next { records: i32 },
    /// One of the last batches again, counted from the newest.
    Again { back: usize },
    /// As many sequences too far on, or back.
    Off { by: i64, records: i32 },
    /// An epoch that was followed by another.
    Stale,
    /// The next epoch, which has to begin at 0.
    Bumped { first: i64, records: i32 },
}

#[derive(Debug, Clone)]
enum Step {
    Send {
        id: i64,
        what: What,
    },
    Sleep(i64),
    /// The broker starts again and knows what its snapshot says.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let records = 1..5_i32;
    let what = prop_oneof![
        8 => records.clone().prop_map(|records| What::Next { records }),
        4 => (0..8_usize).prop_map(|back| What::Again { back }),
        2 => (-6..6_i64, records.clone()).prop_map(|(by, records)| What::Off { by, records }),
        1 => Just(What::Stale),
        1 => (prop_oneof![4 => Just(0_i64), 1 => 1..4_i64], records)
            .prop_map(|(first, records)| What::Bumped { first, records }),
    ];
    prop_oneof![
        20 => (0..3_i64, what).prop_map(|(id, what)| Step::Send { id, what }),
        1 => (1..600_i64).prop_map(Step::Sleep),
        1 => Just(Step::Restart),
    ]
}

/// A batch that was taken.
#[derive(Debug, Clone, Copy)]
struct Sent {
    epoch: i16,
    first: i64,
    records: i32,
    offset: i64,
}

impl Sent {
    fn next(&self) -> i64 {
        (self.first + i64::from(self.records)) % SEQUENCES
    }
}

/// What a partition knows of one producer.
#[derive(Debug, Default)]
struct Known {
    /// Everything of the newest epoch.
    sent: Vec<Sent>,
    /// How many of the last ones are remembered.
    remembered: usize,
    last_ms: i64,
}

struct Model {
    known: BTreeMap<i64, Known>,
    /// Where producers that nobody knows begin.
    begin: i64,
    offset: i64,
    now_ms: i64,
}

impl Model {
    /// What the producer sends.
    fn batch(&self, id: i64, what: &What) -> Sent {
        let known = self.known.get(&id);
        let newest = known.and_then(|known| known.sent.last());
        let (epoch, next) = newest.map_or((5, self.begin), |newest| (newest.epoch, newest.next()));
        let of = |epoch, first: i64, records| Sent { epoch, first: first.rem_euclid(SEQUENCES), records, offset: -1 };
        match *what {
            What::Next { records } => of(epoch, next, records),
            What::Off { by, records } => of(epoch, next + by, records),
            What::Stale => of(epoch - 1, next, 1),
            What::Bumped { first, records } => of(epoch + 1, first, records),
            What::Again { back } => {
                let again = known.and_then(|known| known.sent.iter().rev().nth(back));
                again.copied().unwrap_or_else(|| of(epoch, next, 1))
            }
        }
    }

    /// What is to become of it.
    fn expected(&self, id: i64, batch: &Sent) -> Result<Verdict, ErrorCode> {
        let Some(known) = self.known.get(&id) else { return Ok(Verdict::Append) };
        let newest = known.sent.last().expect("who is known has sent something");
        if batch.epoch < newest.epoch {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        let expected = if batch.epoch > newest.epoch { 0 } else { newest.next() };
        let same = |sent: &&Sent| (sent.epoch, sent.first, sent.records) == (batch.epoch, batch.first, batch.records);
        match known.sent.iter().rev().take(known.remembered).find(same) {
            Some(seen) => Ok(Verdict::Duplicate { base_offset: seen.offset, max_timestamp: seen.offset }),
            None if batch.first == expected => Ok(Verdict::Append),
            None => Err(ErrorCode::OutOfOrderSequenceNumber),
        }
    }

    fn appended(&mut self, id: i64, batch: Sent) {
        let known = self.known.entry(id).or_default();
        if known.sent.last().is_some_and(|newest| newest.epoch != batch.epoch) {
            *known = Known::default();
        }
        known.sent.push(Sent { offset: self.offset, ..batch });
        known.remembered = (known.remembered + 1).min(REMEMBERED);
        known.last_ms = self.offset;
        self.offset += i64::from(batch.records);
    }
}

/// The batch on the wire; its time is its offset, so that each has its own.
fn on_the_wire(id: i64, batch: &Sent, time: i64) -> BatchHeader {
    let records = usize::try_from(batch.records).unwrap();
    let sequence = i32::try_from(batch.first).unwrap();
    let bytes = TestBatch::of(&vec!["x"; records]).at(&vec![time; records]).from(id, batch.epoch, sequence).bytes();
    BatchHeader::read(&bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn each_batch_is_taken_once_in_its_order_and_repetitions_are_told_where_they_lie(
        steps in prop::collection::vec(step(), 1..120),
        begin in prop_oneof![Just(0), 0..SEQUENCES, (SEQUENCES - 12)..SEQUENCES],
    ) {
        let mut states = ProducerStates::default();
        let mut model = Model { known: BTreeMap::new(), begin, offset: 0, now_ms: 0 };
        for step in steps {
            match step {
                Step::Send { id, what } => {
                    let batch = model.batch(id, &what);
                    let header = on_the_wire(id, &batch, model.offset);
                    let verdict = code(&states, &header);
                    prop_assert_eq!(verdict, model.expected(id, &batch), "{:?} of {}: {:?}", what, id, batch);
                    if verdict == Ok(Verdict::Append) {
                        states.appended(&header, model.offset);
                        model.appended(id, batch);
                    }
                }
                Step::Sleep(ms) => {
                    model.now_ms = model.now_ms.max(model.offset) + ms;
                    states.expire(model.now_ms, IDLE_MS);
                    let now_ms = model.now_ms;
                    model.known.retain(|_, known| now_ms - known.last_ms < IDLE_MS);
                }
                Step::Restart => {
                    let entries = states.entries();
                    states = ProducerStates::default();
                    states.take_up(&entries);
                    model.known.values_mut().for_each(|known| known.remembered = 1);
                }
            }
        }
        let known: Vec<i64> = states.describe().iter().map(|producer| producer.producer_id).collect();
        prop_assert_eq!(known, model.known.into_keys().collect::<Vec<_>>());
    }
}
