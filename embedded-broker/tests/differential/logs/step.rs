//! The steps of a sequence.

/// Topics 0 and 1 are there at the beginning, topic 2 never is.
pub(super) const TOPICS: usize = 3;
/// By its id: what topic 0 was before it was deleted.
pub(super) const FORMER: usize = 3;
/// How many partitions a topic has at first.
pub(super) const PARTITIONS: i32 = 2;

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Produce(Produce),
    Fetch(Fetch),
    ListOffsets {
        version: i16,
        isolation: i8,
        asked: Vec<Asked>,
    },
    DeleteRecords {
        version: i16,
        topic: usize,
        partitions: Vec<(i32, i64)>,
    },
    EpochEnd {
        version: i16,
        topic: usize,
        partition: i32,
        current_epoch: i32,
        epoch: i32,
    },
    DescribeProducers {
        topic: usize,
        partition: i32,
    },
    Metadata {
        version: i16,
        topic: usize,
        by_id: bool,
    },
    Alter {
        topic: usize,
        config: &'static str,
        value: Option<&'static str>,
        validate_only: bool,
    },
    Create {
        version: i16,
        topic: usize,
        partitions: i32,
        config: Option<(&'static str, &'static str)>,
        validate_only: bool,
    },
    Delete {
        version: i16,
        topic: usize,
        by_id: bool,
    },
    Grow {
        version: i16,
        topic: usize,
        count: i32,
        validate_only: bool,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Produce {
    pub(super) version: i16,
    pub(super) acks: i16,
    pub(super) topic: usize,
    pub(super) batches: Vec<(i32, Batch)>,
}

/// A batch that is made when it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(super) records: i32,
    pub(super) codec: i16,
    pub(super) keys: Keys,
    /// Distance from the present of the first record, and of each from the one before.
    pub(super) time: i64,
    pub(super) pace: i64,
    pub(super) value_len: usize,
    pub(super) by: Option<By>,
    pub(super) flaw: Flaw,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Keys {
    None,
    All,
    AllButSecond,
}

/// An idempotent producer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By {
    pub(super) producer: usize,
    pub(super) epoch: i16,
    pub(super) sequence: Sequence,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Sequence {
    /// What comes next; 0 in a new epoch.
    Next,
    /// What was sent this many batches before the last one.
    Again(usize),
    /// Distance from the next.
    Gap(i32),
    Exactly(i32),
}

/// What is wrong with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    Crc,
    Magic(u8),
    BaseOffset,
    Span(i32),
    Count(i32),
    Attributes(i16),
    MaxTimestamp,
    Twice,
    CutOff(usize),
    Length(i32),
    LeaderEpoch,
}

#[derive(Debug, Clone)]
pub(crate) struct Fetch {
    pub(super) version: i16,
    pub(super) isolation: i8,
    pub(super) min_bytes: i32,
    pub(super) max_bytes: i32,
    pub(super) session: Session,
    pub(super) wants: Vec<Want>,
    pub(super) forgets: Vec<(usize, i32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    None,
    New,
    /// Goes on with the one there is.
    Next,
    WrongEpoch,
    Unknown,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Want {
    pub(super) topic: usize,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) max_bytes: i32,
    pub(super) leader_epoch: i32,
    pub(super) last_epoch: i32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(super) topic: usize,
    pub(super) partition: i32,
    pub(super) leader_epoch: i32,
    /// Special, or a distance from the present.
    pub(super) time: Result<i64, i64>,
}
