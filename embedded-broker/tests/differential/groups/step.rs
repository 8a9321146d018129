//! The steps of a sequence, and how they are chosen.

use crate::random::Random;

/// Clients 0 and 1 speak the classic protocol, 2 as well as a static member; 3 and 4 speak the consumer protocol, 5 as well
/// as a static member.
pub(super) const CLIENTS: usize = 6;

/// Whether a client speaks the consumer protocol.
pub(super) fn is_consumer(client: usize) -> bool {
    client >= 3
}

/// The instance of a client that is a static member.
pub(super) fn instance(client: usize) -> Option<String> {
    matches!(client, 2 | 5).then(|| format!("instance-{client}"))
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Join(Join),
    Sync(Sync),
    Heartbeat { client: usize, version: i16, generation: i32, as_instance: bool },
    Leave { clients: Vec<usize>, version: i16, by_instance: bool },
    Beat { client: usize, version: i16, beat: Beat },
    Commit(Commit),
    Fetch { version: i16, client: Option<usize>, epoch: i32, all: bool, stable: bool },
    DeleteOffsets { topic: usize },
    DescribeClassic { version: i16 },
    DescribeConsumer { version: i16 },
    List { version: i16, states: Vec<&'static str>, types: Vec<&'static str> },
    DeleteGroup { version: i16 },
}

impl Step {
    /// Whether it brings a pattern that has to be looked up.
    pub(super) fn brings_pattern(&self) -> bool {
        let Self::Beat { beat, .. } = self else { return false };
        matches!(beat, Beat::Join { regex: Some("dif.*"), .. } | Beat::SubscribePattern { regex: "dif.*" })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(super) client: usize,
    pub(super) version: i16,
    /// It was restarted: it has lost its id.
    pub(super) forgets: bool,
    pub(super) protocol_type: &'static str,
    pub(super) protocols: Vec<&'static str>,
    pub(super) topics: Vec<usize>,
    pub(super) subscription: i16,
    pub(super) session_ms: i32,
}

#[derive(Debug, Clone)]
pub(crate) struct Sync {
    pub(super) client: usize,
    pub(super) version: i16,
    /// What is added to the generation the client is in.
    pub(super) generation: i32,
    pub(super) protocol_type: Option<&'static str>,
    /// Whether it names the protocol it was told.
    pub(super) names_protocol: bool,
    pub(super) user_data: bool,
}

/// What a member of the consumer protocol says.
#[derive(Debug, Clone)]
pub(crate) enum Beat {
    Join {
        topics: Vec<usize>,
        regex: Option<&'static str>,
        assignor: Option<&'static str>,
    },
    /// That it is alive, with its epoch and this added to it.
    Plain {
        epoch: i32,
    },
    /// That it has done what it was told.
    Done,
    /// That it still has what it had.
    Cling,
    /// All there is to say.
    Full,
    Subscribe {
        topics: Vec<usize>,
    },
    SubscribePattern {
        regex: &'static str,
    },
    Leave {
        epoch: i32,
    },
    /// Something that makes no sense.
    Senseless(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(super) version: i16,
    /// Who commits; nobody in particular.
    pub(super) client: Option<usize>,
    pub(super) generation: i32,
    pub(super) topic: usize,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) metadata: Option<String>,
}

/// A sequence for some of the clients. Two where the protocols meet: among more, it depends on the order of random ids which
/// partitions somebody has, and so how many of them are kept the next time.
pub(super) fn sequence(random: &mut Random) -> Vec<Step> {
    let clients: &[usize] = match random.below(4) {
        0 => &[0, 1, 2],
        1 => &[3, 4, 5],
        _ => random.of(&[&[0, 3], &[2, 5], &[0, 5], &[2, 3]]),
    };
    let length = 20 + random.below(40);
    (0..length).map(|_| step(clients, random)).collect()
}

fn step(clients: &[usize], random: &mut Random) -> Step {
    let client = random.of(clients);
    match random.below(30) {
        0..=17 if is_consumer(client) => {
            let version = random.version(0, 1).max(i16::from(!random.once_in(4)));
            // Where members of the classic protocol are in the group, ranges go in the order of their random ids.
            let assignors: &[_] = if clients.iter().all(|client| is_consumer(*client)) {
                &[None, None, Some("uniform"), Some("range"), Some("sticky")]
            } else {
                &[None, Some("uniform"), Some("sticky")]
            };
            Step::Beat { client, version, beat: beat(assignors, random) }
        }
        0..=6 => Step::Join(join(client, random)),
        7..=12 => Step::Sync(sync(client, random)),
        13..=16 => Step::Heartbeat {
            client,
            version: random.version(0, 4),
            generation: offset(random),
            as_instance: !random.once_in(5),
        },
        17 | 18 => leave(client, clients, random),
        19..=21 => Step::Commit(commit(clients, random)),
        22 | 23 => Step::Fetch {
            version: random.version(1, 9),
            client: (!random.once_in(3)).then_some(client),
            epoch: offset(random),
            all: random.once_in(2),
            stable: random.once_in(2),
        },
        24 => Step::DeleteOffsets { topic: random.below(3) },
        25 | 26 => Step::DescribeClassic { version: random.version(0, 6) },
        27 => Step::DescribeConsumer { version: random.version(0, 1) },
        28 => Step::List {
            version: random.version(0, 5),
            states: random.of(&[vec![], vec![], vec!["Stable", "empty"], vec!["PREPARINGREBALANCE"], vec!["none"]]),
            types: random.of(&[vec![], vec![], vec!["Consumer"], vec!["classic"], vec!["none"]]),
        },
        _ => Step::DeleteGroup { version: random.version(0, 2) },
    }
}

/// Mostly nothing.
fn offset(random: &mut Random) -> i32 {
    random.of(&[0, 0, 0, 0, 0, 0, 1, -1])
}

/// What a member of the consumer protocol subscribes to: only one topic that exists. Of two, which partitions a member
/// keeps, and so how many of each, depends on the order of random ids.
fn topics(random: &mut Random) -> Vec<usize> {
    random.of(&[vec![0], vec![0], vec![0], vec![0, 2], vec![2], vec![]])
}

fn join(client: usize, random: &mut Random) -> Join {
    let lowest = if instance(client).is_some() { 5 } else { 0 };
    Join {
        client,
        version: random.version(lowest, 9),
        forgets: random.once_in(8),
        protocol_type: if random.once_in(20) { "connect" } else { "consumer" },
        protocols: random.of(&[
            vec!["range"],
            vec!["range"],
            vec!["range", "roundrobin"],
            vec!["roundrobin", "range"],
            vec!["cooperative-sticky", "range"],
        ]),
        // Kafka fails to turn a group back in which a member subscribes to nothing.
        topics: random.of(&[vec![0], vec![0], vec![0, 2]]),
        subscription: random.version(0, 3),
        // Longer than the most patient try of a sequence takes.
        session_ms: if random.once_in(20) { 1_000 } else { 600_000 },
    }
}

fn sync(client: usize, random: &mut Random) -> Sync {
    Sync {
        client,
        version: random.version(if instance(client).is_some() { 3 } else { 0 }, 5),
        generation: offset(random),
        protocol_type: random.of(&[Some("consumer"), Some("consumer"), Some("consumer"), None, Some("connect")]),
        names_protocol: !random.once_in(8),
        user_data: random.once_in(12),
    }
}

fn leave(client: usize, clients: &[usize], random: &mut Random) -> Step {
    let mut leaving = vec![client];
    if random.once_in(3) {
        leaving.push(random.of(clients));
    }
    Step::Leave { clients: leaving, version: random.version(0, 5), by_instance: random.once_in(3) }
}

fn beat(assignors: &[Option<&'static str>], random: &mut Random) -> Beat {
    match random.below(20) {
        0..=4 => Beat::Join {
            // For somebody who joins without a name of a topic, Kafka takes the group's subscriptions as they were before.
            topics: random.of(&[vec![0], vec![0], vec![0, 2], vec![2]]),
            regex: random.of(&[None, None, None, None, Some("dif.*"), Some(""), Some("dif(")]),
            assignor: random.of(assignors),
        },
        5..=7 => Beat::Plain { epoch: offset(random) },
        8..=12 => Beat::Done,
        13 => Beat::Cling,
        14 => Beat::Full,
        15 | 16 => Beat::Subscribe { topics: topics(random) },
        17 => Beat::SubscribePattern { regex: random.of(&["dif.*", "dif.*", "", "dif["]) },
        18 => Beat::Leave { epoch: random.of(&[-1, -2, -1, -2, -3]) },
        _ => Beat::Senseless(random.below(6)),
    }
}

fn commit(clients: &[usize], random: &mut Random) -> Commit {
    let client = (!random.once_in(3)).then(|| random.of(clients));
    let generation = offset(random);
    // If all that makes a group is too long, Kafka has it and does not show it.
    let longest = if client.is_some() && generation >= 0 { 4097 } else { 4096 };
    Commit {
        version: random.version(2, 9),
        client,
        generation,
        topic: random.below(3),
        partition: random.of(&[0, 1, 11, 12]),
        offset: i64::try_from(random.below(100)).expect("a small number"),
        metadata: random.of(&[None, Some(String::new()), Some("noted".to_owned()), Some("x".repeat(longest))]),
    }
}
