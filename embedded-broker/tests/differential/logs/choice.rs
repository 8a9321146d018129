//! How the steps of a sequence are chosen.

use super::step::{Asked, Batch, By, FORMER, Fetch, Flaw, Keys, Produce, Sequence, Session, Step, TOPICS, Want};
use crate::random::Random;

const HOUR: i64 = 3_600_000;

/// A sequence. Where a topic packs batches anew their sizes are not those of a real broker, whose packers are others: there
/// nothing is asked that depends on them.
pub(super) fn sequence(random: &mut Random) -> Vec<Step> {
    let packs = random.once_in(3);
    let length = 15 + random.below(30);
    (0..length).map(|_| step(packs, random)).collect()
}

fn step(packs: bool, random: &mut Random) -> Step {
    let topic = topic(random);
    match random.below(50) {
        0..=17 => Step::Produce(produce(random)),
        18..=32 => Step::Fetch(fetch(packs, random)),
        33..=37 => {
            let version = random.version(1, 10);
            let asked = (0..1 + random.below(2)).map(|_| asked(version, random)).collect();
            Step::ListOffsets { version, isolation: random.of(&[0, 0, 1]), asked }
        }
        38 | 39 => {
            let n = i32::from(random.once_in(2));
            let partitions = (0..=n).map(|index| (index, cut(random))).collect();
            Step::DeleteRecords { version: random.version(0, 2), topic, partitions }
        }
        40 => Step::EpochEnd {
            version: random.version(2, 4),
            topic,
            partition: partition(random),
            current_epoch: random.of(&[-1, -1, 0, 1]),
            epoch: random.of(&[-1, 0, 0, 1, 7]),
        },
        41 => Step::DescribeProducers { topic, partition: partition(random) },
        42 => Step::Metadata { version: random.version(0, 13), topic, by_id: random.once_in(2) },
        43..=45 => alter(packs, random),
        46 => Step::Create {
            version: random.version(2, 7),
            topic: random.below(2),
            partitions: random.of(&[1, 2, 2, 3]),
            config: random.of(&[
                None,
                None,
                Some(("cleanup.policy", "compact")),
                Some(("message.timestamp.type", "LogAppendTime")),
            ]),
            validate_only: random.once_in(4),
        },
        47 => Step::Delete {
            version: random.version(1, 6),
            topic: random.of(&[0, 0, 1, 2, FORMER]),
            by_id: random.once_in(2),
        },
        48 => Step::Grow {
            version: random.version(0, 3),
            topic,
            count: random.of(&[1, 2, 3, 3, 4]),
            validate_only: random.once_in(3),
        },
        _ => Step::Metadata { version: 12, topic: random.below(2), by_id: true },
    }
}

/// Mostly one that is there.
fn topic(random: &mut Random) -> usize {
    random.of(&[0, 0, 0, 0, 0, 1, 1, 1, 2, FORMER])
}

fn partition(random: &mut Random) -> i32 {
    random.of(&[0, 0, 0, 0, 1, 1, 2, 9])
}

fn produce(random: &mut Random) -> Produce {
    let first = partition(random);
    let mut batches = vec![(first, batch(random))];
    if random.once_in(3) {
        let other = i32::from(first == 0);
        batches.push((other, batch(random)));
    }
    Produce {
        version: random.version(3, 13),
        acks: random.of(&[-1, -1, -1, -1, 1, 1, 0, 2, -2]),
        topic: topic(random),
        batches,
    }
}

fn batch(random: &mut Random) -> Batch {
    let by = random.once_in(2).then(|| By {
        producer: random.below(2),
        epoch: random.of(&[0, 0, 0, 0, 0, 1, 2]),
        sequence: match random.below(12) {
            0..=5 => Sequence::Next,
            6..=8 => Sequence::Again(random.below(6)),
            9 => Sequence::Gap(random.of(&[1, 2, -1, -2])),
            10 => Sequence::Exactly(random.of(&[0, 0, i32::MAX, i32::MAX - 1])),
            _ => Sequence::Exactly(random.of(&[-1, 1, 2, 5])),
        },
    });
    Batch {
        records: 1 + i32::try_from(random.below(3)).expect("small"),
        codec: random.of(&[0, 0, 0, 0, 1, 2, 3, 4]),
        keys: random.of(&[Keys::None, Keys::All, Keys::All, Keys::AllButSecond]),
        time: random.of(&[-5_000, -4_000, -3_000, -3_000, -HOUR * 3 / 2, -48 * HOUR, 55 * 60_000]),
        pace: random.of(&[0, 0, 7, -3, -2 * HOUR]),
        value_len: random.of(&[1, 1, 5, 100, 300]),
        by,
        flaw: if random.once_in(6) { flaw(random) } else { Flaw::None },
    }
}

fn flaw(random: &mut Random) -> Flaw {
    random.of(&[
        Flaw::Crc,
        Flaw::Magic(0),
        Flaw::Magic(1),
        Flaw::Magic(3),
        Flaw::BaseOffset,
        Flaw::Span(5),
        Flaw::Span(-1),
        Flaw::Count(0),
        Flaw::Count(-1),
        Flaw::Attributes(0x20),
        Flaw::Attributes(0x10),
        Flaw::Attributes(0x08),
        Flaw::Attributes(0x40),
        Flaw::MaxTimestamp,
        Flaw::Twice,
        Flaw::CutOff(0),
        Flaw::CutOff(10),
        Flaw::CutOff(60),
        Flaw::CutOff(65),
        Flaw::Length(0),
        Flaw::Length(48),
        Flaw::Length(49),
        Flaw::LeaderEpoch,
    ])
}

fn fetch(packs: bool, random: &mut Random) -> Fetch {
    let session = random.of(&[
        Session::None,
        Session::None,
        Session::New,
        Session::Next,
        Session::Next,
        Session::Next,
        Session::WrongEpoch,
        Session::Unknown,
    ]);
    let n = if session == Session::Next { random.below(3) } else { 1 + random.below(3) };
    // What a session was told in a newer version, a real broker fails to answer in one before 12.
    let version = match session {
        Session::None => random.version(4, 18),
        Session::New => random.of(&[7, 11, 12, 12, 13, 16, 18, 18]),
        _ => random.of(&[12, 12, 12, 13, 16, 18, 18]),
    };
    let wants: Vec<_> = (0..n).map(|_| want(version, random)).collect();
    let sizes: &[i32] = match (packs, wants.len()) {
        (true, _) => &[i32::MAX],
        // Of the last batch that fits only in part, a real broker sends the part, and counts it.
        (false, 1) if session == Session::None => &[0, 1, 100, 250, 700, i32::MAX],
        _ => &[0, i32::MAX, i32::MAX],
    };
    let n_forgotten = if session == Session::Next { random.below(2) } else { 0 };
    Fetch {
        version,
        isolation: random.of(&[0, 0, 1]),
        min_bytes: random.of(&[0, 1, 1, 1_000_000]),
        max_bytes: random.of(sizes),
        session,
        forgets: (0..n_forgotten).map(|_| (topic(random), partition(random))).collect(),
        wants: wants.into_iter().map(|want| if packs { Want { max_bytes: i32::MAX, ..want } } else { want }).collect(),
    }
}

fn want(version: i16, random: &mut Random) -> Want {
    let offset = i64::try_from(random.below(12)).expect("small");
    Want {
        topic: topic(random),
        partition: partition(random),
        offset: random.of(&[0, 0, offset, offset, offset, -1, i64::MAX]),
        max_bytes: random.of(&[0, 1, 100, 250, 700, i32::MAX, i32::MAX, i32::MAX]),
        leader_epoch: if version >= 9 { random.of(&[-1, -1, -1, 0, 0, 1, -2]) } else { -1 },
        last_epoch: if version >= 12 { random.of(&[-1, -1, -1, -1, 0, 1]) } else { -1 },
    }
}

fn asked(version: i16, random: &mut Random) -> Asked {
    let special = random.of(&[-1, -1, -2, -2, -3, -3, -4, -5, -6, i64::MIN]);
    let distance =
        random.of(&[-48 * HOUR, -48 * HOUR + 1, -HOUR * 3 / 2, -5_000, -4_000, -2_999, 55 * 60_000, 56 * 60_000]);
    Asked {
        topic: topic(random),
        partition: partition(random),
        leader_epoch: if version >= 4 { random.of(&[-1, -1, -1, 0, 1, -2]) } else { -1 },
        time: if random.once_in(2) { Ok(special) } else { Err(distance) },
    }
}

fn cut(random: &mut Random) -> i64 {
    random.of(&[0, 1, 2, 3, 4, 5, -1, -2, 100])
}

fn alter(packs: bool, random: &mut Random) -> Step {
    let mut configs = vec![
        ("message.timestamp.type", Some("LogAppendTime")),
        ("message.timestamp.type", Some("CreateTime")),
        ("message.timestamp.type", None),
        ("message.timestamp.before.max.ms", Some("7200000")),
        ("message.timestamp.before.max.ms", None),
        ("message.timestamp.after.max.ms", Some("60000")),
        ("message.timestamp.after.max.ms", Some("9000000")),
        ("cleanup.policy", Some("compact")),
        ("cleanup.policy", Some("compact,delete")),
        ("cleanup.policy", Some("delete")),
        ("cleanup.policy", Some("none")),
        ("no.such.config", Some("1")),
    ];
    if packs {
        configs.extend(
            ["gzip", "snappy", "lz4", "zstd", "uncompressed", "producer", "none"]
                .map(|codec| ("compression.type", Some(codec))),
        );
    } else {
        configs.extend([
            ("max.message.bytes", Some("150")),
            ("max.message.bytes", Some("400")),
            ("max.message.bytes", None),
            ("max.message.bytes", Some("-1")),
        ]);
    }
    let (config, value) = random.of(&configs);
    Step::Alter { topic: topic(random).min(TOPICS - 1), config, value, validate_only: random.once_in(8) }
}
