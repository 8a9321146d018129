use std::collections::BTreeMap;
use std::time::Duration;

use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Duration::from_secs(1000);

fn key(partition: i32) -> Key {
    Key { topic: TopicKey::Name(TopicName(StrBytes::from_static_str("t"))), partition }
}

fn asked(partition: i32, fetch_offset: i64) -> Asked {
    let params = Params { fetch_offset, max_bytes: 100, current_leader_epoch: -1, last_fetched_epoch: -1 };
    Asked { key: key(partition), params, called: None }
}

fn told(high_watermark: i64, has_records: bool) -> Told {
    Told { called: None, high_watermark, log_start: 0, has_records, failed: false, diverges: false, prefers: false }
}

fn request(id: i32, epoch: i32) -> SessionRequest {
    SessionRequest { id, epoch, by_id: false }
}

/// Makes a session of partitions that were told to end at 5.
fn created(sessions: &FetchSessions, partitions: &[i32]) -> i32 {
    let answered = partitions.iter().map(|partition| (asked(*partition, 0), told(5, false)));
    sessions.create(false, answered.collect(), NOW)
}

/// Goes on with a session; the partitions that are to be read, in order.
fn go_on(
    sessions: &FetchSessions,
    request: SessionRequest,
    named: &[Asked],
    forgotten: &[Key],
) -> Result<Vec<(i32, i64)>, ErrorCode> {
    let mut asked = named.to_vec();
    sessions.open(request, &mut asked, forgotten, NOW)?;
    Ok(asked.iter().map(|asked| (asked.key.partition, asked.params.fetch_offset)).collect())
}

#[test]
fn a_session_goes_on_by_its_epoch_and_with_the_partitions_it_has() {
    let sessions = FetchSessions::new(1000);
    let id = created(&sessions, &[2, 0, 1]);
    assert_ne!(id, NO_SESSION);
    assert_eq!(go_on(&sessions, request(id, 1), &[], &[]), Ok(vec![(2, 0), (0, 0), (1, 0)]));
    assert_eq!(go_on(&sessions, request(id, 2), &[asked(0, 7)], &[]), Ok(vec![(2, 0), (0, 7), (1, 0)]));
    assert_eq!(go_on(&sessions, request(id, 3), &[asked(9, 1)], &[key(2)]), Ok(vec![(0, 7), (1, 0), (9, 1)]));
    assert_eq!(go_on(&sessions, request(id, 3), &[], &[]), Err(ErrorCode::InvalidFetchSessionEpoch), "a repetition");
    assert_eq!(go_on(&sessions, request(id, 5), &[], &[]), Err(ErrorCode::InvalidFetchSessionEpoch));
    let by_id = SessionRequest { by_id: true, ..request(id, 4) };
    assert_eq!(go_on(&sessions, by_id, &[], &[]), Err(ErrorCode::FetchSessionTopicIdError));
    assert_eq!(go_on(&sessions, request(id, 4), &[], &[]).map(|read| read.len()), Ok(3));
}

#[test]
fn sessions_that_nobody_made_are_not_found() {
    let sessions = FetchSessions::new(1000);
    for id in [0, 1, 5, -1, i32::MIN, i32::MAX] {
        assert_eq!(go_on(&sessions, request(id, 1), &[], &[]), Err(ErrorCode::FetchSessionIdNotFound), "{id}");
    }
}

#[test]
fn a_full_request_ends_the_session_it_names() {
    let sessions = FetchSessions::new(1000);
    for epoch in [INITIAL_EPOCH, FINAL_EPOCH] {
        let id = created(&sessions, &[0]);
        assert_eq!(go_on(&sessions, request(id, epoch), &[asked(4, 4)], &[]), Ok(vec![(4, 4)]));
        assert_eq!(go_on(&sessions, request(id, 1), &[], &[]), Err(ErrorCode::FetchSessionIdNotFound));
    }
}

#[test]
fn a_session_without_partitions_ends() {
    let sessions = FetchSessions::new(1000);
    let id = created(&sessions, &[0, 1]);
    assert_eq!(go_on(&sessions, request(id, 1), &[], &[key(0), key(1)]), Ok(vec![]));
    assert_eq!(go_on(&sessions, request(id, 2), &[], &[]), Err(ErrorCode::FetchSessionIdNotFound));
}

#[test]
fn only_what_has_changed_is_told_and_records_send_a_partition_to_the_end() {
    let answered = [0, 1, 2].map(|partition| (asked(partition, 0), told(5, false)));
    let mut session = Session::new(false, 1, answered.to_vec());
    assert!(!session.tell(&key(0), &told(5, false)), "as before");
    assert!(session.tell(&key(0), &told(6, false)), "the high watermark");
    assert!(session.tell(&key(0), &Told { log_start: 3, ..told(6, false) }), "the start");
    assert!(session.tell(&key(0), &Told { log_start: 3, ..told(6, true) }), "records");
    let order: Vec<_> = session.asked().map(|asked| asked.key.partition).collect();
    assert_eq!(order, [1, 2, 0]);
    let failed = Told { failed: true, ..told(5, false) };
    assert!(session.tell(&key(1), &failed) && session.tell(&key(1), &failed), "an error, each time");
    assert!(session.tell(&key(1), &told(5, false)), "it is over");
    assert!(!session.tell(&key(1), &told(5, false)));
    let parted = Told { diverges: true, ..told(5, false) };
    assert!(
        session.tell(&key(2), &parted) && session.tell(&key(2), &parted),
        "another way than the client's, each time"
    );
    assert!(!session.tell(&key(2), &told(5, false)), "it is over, and was told where the log ends");
}

#[test]
fn what_a_topic_was_first_called_is_remembered() {
    let mut session = Session::new(true, 1, vec![(asked(0, 0), told(5, false))]);
    for name in ["first", "second"] {
        session.tell(&key(0), &Told { called: Some(Arc::from(name)), ..told(5, false) });
    }
    assert_eq!(session.asked().next().and_then(|asked| asked.called).as_deref(), Some("first"));
}

#[test]
fn a_full_table_makes_room_for_more_partitions_or_after_two_minutes() {
    let at = |seconds| Duration::from_secs(seconds);
    let mut slots = Slots::new(2);
    assert_eq!(slots.admit(1, 3, at(0)), Some(None));
    assert_eq!(slots.admit(2, 5, at(10)), Some(None));
    assert_eq!(slots.admit(3, 50, at(100)), None, "both are young and used");
    slots.touch(1, 3, at(125));
    slots.touch(2, 5, at(126));
    assert_eq!(slots.admit(3, 3, at(127)), None, "no more partitions than the smallest");
    assert_eq!(slots.admit(3, 4, at(128)), Some(Some(1)), "more than the smallest that is old");
    assert_eq!(slots.admit(4, 6, at(129)), None, "2 is still too young");
    slots.touch(2, 5, at(131));
    assert_eq!(slots.admit(4, 6, at(132)), Some(Some(2)));
    assert_eq!(slots.admit(5, 1, at(249)), Some(Some(3)), "nobody has used it");
    assert_eq!(Slots::new(0).admit(1, 1, at(0)), None);
}

#[derive(Debug, Clone)]
enum Step {
    /// Data is appended to a partition, or its start moves.
    Grow(i32),
    Trim(i32),
    /// A request that names and forgets these, and reads at most so many partitions with records.
    Fetch {
        named: Vec<i32>,
        forgotten: Vec<i32>,
        room: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let partitions = || prop::collection::vec(0..6, 0..3);
    prop_oneof![
        3 => (0..6).prop_map(Step::Grow),
        1 => (0..6).prop_map(Step::Trim),
        4 => (partitions(), partitions(), 0..3_usize)
            .prop_map(|(named, forgotten, room)| Step::Fetch { named, forgotten, room }),
    ]
}

/// A client that keeps what it was told, beside the partitions as they are.
#[derive(Default)]
struct World {
    /// End and start.
    partitions: BTreeMap<i32, (i64, i64)>,
    /// What the client wants and was told of it: its next offset, end and start.
    client: BTreeMap<i32, (i64, i64, i64)>,
}

impl World {
    fn truth(&self, partition: i32) -> (i64, i64) {
        self.partitions.get(&partition).copied().unwrap_or_default()
    }

    /// Reads as the broker does and hears what a client hears.
    fn hear(&mut self, session: &mut Session, order: &[Asked], mut room: usize) {
        for asked in order {
            let partition = asked.key.partition;
            let (end, start) = self.truth(partition);
            let next = asked.params.fetch_offset;
            let has_records = next < end && room > 0;
            room -= usize::from(has_records);
            let told = Told { log_start: start, ..told(end, has_records) };
            let heard = session.tell(&asked.key, &told);
            let known = self.client.get_mut(&partition).expect("only what the client wants is read");
            if heard {
                *known = (if has_records { end } else { known.0 }, end, start);
            }
            assert_eq!((known.1, known.2), (end, start), "the client knows what is true of {partition}");
        }
    }
}

proptest! {
    #[test]
    fn a_client_that_hears_only_changes_knows_all_and_every_partition_has_its_turn(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let sessions = FetchSessions::new(8);
        let mut world = World { client: BTreeMap::from([(0, (0, 0, 0))]), ..World::default() };
        let first = vec![(asked(0, 0), told(0, false))];
        let id = sessions.create(false, first, NOW);
        let mut epoch = 1;
        for step in steps {
            match step {
                Step::Grow(partition) => world.partitions.entry(partition).or_default().0 += 1,
                Step::Trim(partition) => {
                    let known = world.partitions.entry(partition).or_default();
                    known.1 = known.0;
                }
                Step::Fetch { mut named, forgotten, room } => {
                    named.sort_unstable();
                    named.dedup();
                    let kept: Vec<i32> = forgotten.into_iter().filter(|one| *one != 0 && !named.contains(one)).collect();
                    for partition in &named {
                        world.client.entry(*partition).or_insert((0, -1, -1));
                    }
                    world.client.retain(|partition, _| !kept.contains(partition));
                    // The client also names what it has read farther in than it has said.
                    let mut asked_now: Vec<Asked> =
                        world.client.iter().map(|(partition, known)| asked(*partition, known.0)).collect();
                    let forgotten: Vec<Key> = kept.into_iter().map(key).collect();
                    let context = sessions.open(request(id, epoch), &mut asked_now, &forgotten, NOW).unwrap();
                    epoch += 1;
                    let Context::Incremental { session, epoch: at, .. } = context else { panic!("it has partitions") };
                    let mut session = session.lock();
                    prop_assert!(session.is_at(at));
                    let waiting = |asked: &&Asked| world.truth(asked.key.partition).0 > asked.params.fetch_offset;
                    let first_waiting = asked_now.iter().find(waiting).map(|asked| asked.key.partition);
                    world.hear(&mut session, &asked_now, room);
                    let after: Vec<_> = session.asked().map(|asked| asked.key.partition).collect();
                    prop_assert_eq!(after.len(), world.client.len());
                    if let (Some(first), true) = (first_waiting, room > 0) {
                        let served = after.iter().rev().take(room.max(1)).any(|one| *one == first);
                        prop_assert!(served, "the first that had records has gone to the end");
                    }
                }
            }
        }
    }

    #[test]
    fn slots_are_never_more_than_there_are(
        steps in prop::collection::vec((0..3_u8, 1..12_i32, 0..6_usize, 0..200_u64), 1..80),
        max in 0..5_usize,
    ) {
        let mut slots = Slots::new(max);
        let mut now = Duration::ZERO;
        for (what, id, partitions, seconds) in steps {
            now += Duration::from_secs(seconds);
            let before = slots.ids();
            match what {
                0 if !before.contains(&id) => {
                    let admitted = slots.admit(id, partitions, now);
                    prop_assert_eq!(slots.ids().contains(&id), admitted.is_some());
                    if before.len() < max {
                        prop_assert_eq!(admitted, Some(None));
                    }
                }
                1 => slots.touch(id, partitions, now),
                2 => slots.remove(id),
                _ => {}
            }
            slots.ids();
        }
    }
}
