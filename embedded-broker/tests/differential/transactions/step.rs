//! The steps of a sequence, and how they are chosen.

use crate::random::Random;

/// Producers 0 and 1 have the first transactional id, 2 the second.
pub(super) const PRODUCERS: usize = 3;
pub(super) const IDS: usize = 2;
pub(super) const PARTITIONS: i32 = 2;

pub(super) fn id_of(producer: usize) -> usize {
    usize::from(producer == 2)
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Init { producer: usize, version: i16, as_known: AsKnown, timeout_ms: i32 },
    InitIdempotent { version: i16 },
    AddPartitions { producer: usize, version: i16, epoch: i16, partitions: Vec<i32>, verify_only: bool },
    AddOffsets { producer: usize, version: i16, epoch: i16 },
    End { producer: usize, version: i16, epoch: i16, commit: bool },
    Produce(Produce),
    Stage(Stage),
    Fetch { version: i16, isolation: i8, partition: i32, offset: i64 },
    ListOffsets { isolation: i8, partition: i32, time: i64 },
    DeleteRecords { partition: i32, offset: i64 },
    Mark { producer: usize, epoch: i16, coordinator: i32, commit: bool, partition: i32 },
    DescribeProducers { partition: i32 },
    DescribeTransactions { id: usize },
    ListTransactions { version: i16, states: Vec<&'static str>, producer: Option<usize>, pattern: Option<&'static str> },
    CommitOffset { version: i16, partition: i32, offset: i64 },
    FetchOffsets { version: i16, all: bool, stable: bool },
    DeleteOffset { partition: i32 },
    DeleteGroup { version: i16 },
    ListGroups { version: i16 },
}

/// What a producer says of itself when it asks for an epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AsKnown {
    Nobody,
    /// What it is, with this added to its epoch.
    Itself(i16),
    Another,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Produce {
    pub(super) producer: usize,
    pub(super) version: i16,
    /// What is added to the epoch it has.
    pub(super) epoch: i16,
    pub(super) partition: i32,
    pub(super) records: i32,
    /// What is added to the sequence that comes next.
    pub(super) sequence: i32,
    pub(super) in_transaction: bool,
}

/// Offsets of the group that are committed with a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage {
    pub(super) producer: usize,
    pub(super) version: i16,
    pub(super) epoch: i16,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) generation: i32,
}

/// Which generation of the protocol producers speak.
#[derive(Clone, Copy)]
enum Generation {
    First,
    Second,
}

pub(super) fn sequence(random: &mut Random) -> Vec<Step> {
    let generations: Vec<_> = (0..PRODUCERS).map(|_| random.of(&[Generation::First, Generation::Second])).collect();
    let mut steps: Vec<_> = (0..PRODUCERS).map(|producer| init(producer, random)).collect();
    steps.extend((0..20 + random.below(30)).map(|_| step(&generations, random)));
    steps
}

fn step(generations: &[Generation], random: &mut Random) -> Step {
    let producer = random.below(PRODUCERS);
    let generation = generations[producer];
    match random.below(60) {
        0..=3 => init(producer, random),
        4 => Step::InitIdempotent { version: random.version(0, 5) },
        5..=10 => add_partitions(producer, generation, random),
        11..=13 => Step::AddOffsets { producer, version: random.version(0, 4), epoch: epoch(random) },
        14..=22 => Step::End {
            producer,
            version: generation.version((0, 4), (5, 5), random),
            epoch: epoch(random),
            commit: !random.once_in(3),
        },
        23..=34 => Step::Produce(produce(producer, generation, random)),
        35..=38 => Step::Stage(stage(producer, generation, random)),
        39..=43 => Step::Fetch {
            version: random.version(4, 18),
            isolation: random.of(&[0, 1, 1]),
            partition: random.below(2).try_into().expect("small"),
            offset: random.of(&[0, 0, 1, 2, 3, 5, 8, 12]),
        },
        44..=59 => look(producer, random),
        _ => unreachable!("below 60"),
    }
}

fn look(producer: usize, random: &mut Random) -> Step {
    let partition = random.of(&[0, 0, 1, 1, 7]);
    match random.below(16) {
        0 | 1 => Step::ListOffsets { isolation: random.of(&[0, 1, 1]), partition, time: random.of(&[-1, -1, -2, -3]) },
        2 => Step::DeleteRecords { partition, offset: random.of(&[-1, 1, 2, 3, 5]) },
        3 => {
            Step::Mark { producer, epoch: random.of(&[0, 0, -1]), coordinator: 0, commit: random.once_in(2), partition }
        }
        4 | 5 => Step::DescribeProducers { partition },
        6 | 7 => Step::DescribeTransactions { id: random.below(IDS + 1) },
        8 => {
            let version = random.version(0, 2);
            Step::ListTransactions {
                version,
                states: random.of(&[
                    vec![],
                    vec![],
                    vec!["Ongoing"],
                    vec!["CompleteCommit", "Empty"],
                    vec!["none", "Empty"],
                ]),
                producer: random.once_in(3).then_some(producer),
                pattern: if version >= 2 {
                    random.of(&[None, Some(""), Some("txn-.*"), Some(".*none"), Some("txn-(")])
                } else {
                    None
                },
            }
        }
        9 | 10 => Step::CommitOffset {
            version: random.version(2, 9),
            partition: partition.min(2),
            offset: i64::try_from(random.below(50)).expect("small"),
        },
        11 | 12 => {
            Step::FetchOffsets { version: random.version(1, 9), all: random.once_in(2), stable: random.once_in(2) }
        }
        13 => Step::DeleteOffset { partition: partition.min(2) },
        14 => Step::ListGroups { version: random.version(0, 5) },
        _ => Step::DeleteGroup { version: random.version(0, 2) },
    }
}

impl Generation {
    fn version(self, first: (i16, i16), second: (i16, i16), random: &mut Random) -> i16 {
        let (from, to) = match self {
            Self::First => first,
            Self::Second => second,
        };
        random.version(from, to)
    }
}

/// Mostly the one it has.
fn epoch(random: &mut Random) -> i16 {
    random.of(&[0, 0, 0, 0, 0, 0, 0, 0, -1, 1])
}

fn init(producer: usize, random: &mut Random) -> Step {
    let version = random.version(0, 5);
    let as_known = match version {
        3.. => random.of(&[
            AsKnown::Nobody,
            AsKnown::Nobody,
            AsKnown::Itself(0),
            AsKnown::Itself(0),
            AsKnown::Itself(-1),
            AsKnown::Itself(1),
            AsKnown::Another,
        ]),
        _ => AsKnown::Nobody,
    };
    Step::Init {
        producer,
        version,
        as_known,
        timeout_ms: random.of(&[60_000, 60_000, 60_000, 60_000, 70_000, 0, -1, 900_001]),
    }
}

fn add_partitions(producer: usize, generation: Generation, random: &mut Random) -> Step {
    let version = generation.version((0, 3), (4, 5), random);
    Step::AddPartitions {
        producer,
        version,
        epoch: epoch(random),
        partitions: random.of(&[vec![0], vec![1], vec![0, 1], vec![0, 1], vec![0, 9]]),
        verify_only: version >= 4 && random.once_in(3),
    }
}

fn produce(producer: usize, generation: Generation, random: &mut Random) -> Produce {
    Produce {
        producer,
        version: generation.version((3, 11), (12, 13), random),
        epoch: epoch(random).min(0),
        partition: random.of(&[0, 0, 1, 1, 1, 9]),
        records: 1 + i32::from(random.once_in(3)),
        sequence: random.of(&[0, 0, 0, 0, 0, 0, 0, 1, -1, 5]),
        in_transaction: !random.once_in(12),
    }
}

fn stage(producer: usize, generation: Generation, random: &mut Random) -> Stage {
    Stage {
        producer,
        version: generation.version((0, 4), (5, 5), random),
        epoch: epoch(random),
        partition: random.of(&[0, 1, 1, 7]),
        offset: i64::try_from(random.below(50)).expect("small"),
        generation: random.of(&[-1, -1, -1, -1, 3]),
    }
}
