//! A group as a whole: what its two protocols and its offsets do to each other.

mod deletion;
mod expiry;
mod hand_over;
mod limits;
mod migration;
mod mixed_histories;
mod transactional;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Group;
use super::OffsetToCommit;
use super::catalog::tests::{TestTopics, topic_id};
use super::classic::{Identity, JoinRequest, LeavingMember, Protocol, SyncRequest};
use super::config::GroupConfig;
use super::consumer::{ConsumerHeartbeat, ConsumerRecord, Heard, HeartbeatRefused, TopicPartitions};
use super::consumer_protocol::{assigned_partitions, write_assignment};
use super::record::GroupRecord;
use super::state::GroupState;
use super::turn::{JoinReply, Reply, SyncReply, Ticket, Turn, World};
use crate::coordinator::ErrorCode;
use crate::state::StateRecord;

/// A group, the one its records alone make, and their world.
struct TestGroup {
    group: Group,
    recovered: Group,
    topics: TestTopics,
    config: GroupConfig,
    now: Duration,
    tickets: u64,
    turns: u64,
    replies: HashMap<Ticket, Reply>,
}

/// A group that was written down in short, and read again.
fn kept(group: &Group) -> Group {
    let id: Arc<str> = Arc::from("g");
    let mut read = Group::new();
    for record in group.facts() {
        let fact = StateRecord::Group { id: Arc::clone(&id), record };
        let bytes = fact.encode().expect("every fact can be written");
        match StateRecord::decode(&bytes).expect("what was written can be read") {
            StateRecord::Group { record, .. } => read.replay(&record),
            other => panic!("{fact:?} became {other:?}"),
        }
    }
    read
}

impl TestGroup {
    /// A group beside the topic `t` with six partitions.
    fn new() -> Self {
        Self::with(GroupConfig::default())
    }

    fn with(config: GroupConfig) -> Self {
        Self {
            group: Group::new(),
            recovered: Group::new(),
            topics: TestTopics(BTreeMap::from([("t".into(), 6)])),
            config,
            now: Duration::ZERO,
            tickets: 0,
            turns: 0,
            replies: HashMap::new(),
        }
    }

    fn turn<R>(&mut self, call: impl FnOnce(&mut Group, &mut Turn<'_>) -> R) -> R {
        let wall_ms = i64::try_from(self.now.as_millis()).unwrap();
        let (now, config) = (self.now, &self.config);
        let mut turn = Turn::new(World { group_id: "g", now, wall_ms, config, topics: &self.topics });
        self.group.poll(&mut turn);
        let result = call(&mut self.group, &mut turn);
        turn.records.iter().for_each(|record| self.recovered.replay(record));
        for (ticket, reply) in turn.replies {
            assert!(self.replies.insert(ticket, reply).is_none(), "{ticket:?} was answered twice");
        }
        self.check();
        // Dear, and as good from time to time.
        self.turns += 1;
        if self.turns % 16 == 1 {
            assert_eq!(kept(&self.recovered).facts(), self.recovered.facts());
        }
        result
    }

    fn sleep(&mut self, duration: Duration) {
        self.now += duration;
        self.turn(|_, _| ());
    }

    /// What must always hold: one owner for a partition, and recovery finds what live requests made. A classic group is
    /// written down when it has come to rest.
    fn check(&self) {
        let (live, recovered) = (&self.group, &self.recovered);
        assert_eq!(live.offsets, recovered.offsets);
        assert_eq!(live.exists(), recovered.exists());
        assert_eq!(live.kind(), recovered.kind());
        if let Some(group) = live.describe_consumer(&self.config) {
            assert_eq!(Some(&group), recovered.describe_consumer(&self.config).as_ref());
            let mut held = TopicPartitions::new();
            for member in group.members.iter().map(|described| &described.member) {
                for partition in member.assigned.iter().chain(&member.pending_revocation) {
                    assert!(held.insert(*partition), "{partition:?} has two owners: {group:?}");
                }
            }
        } else if matches!(live.state(), GroupState::Stable | GroupState::Empty) {
            assert_eq!(live.describe_classic(), recovered.describe_classic());
            assert_eq!(live.classic().generation(), recovered.classic().generation());
        }
    }

    fn start_join(&mut self, request: &JoinRequest) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.turn(|group, turn| group.join(request, ticket, turn));
        ticket
    }

    fn joined(&mut self, ticket: Ticket) -> Option<JoinReply> {
        match self.replies.remove(&ticket)? {
            Reply::Join(reply) => Some(reply),
            Reply::Sync(_) => panic!("{ticket:?} is a sync"),
        }
    }

    fn join(&mut self, request: &JoinRequest) -> JoinReply {
        let ticket = self.start_join(request);
        self.joined(ticket).expect("the join is held")
    }

    fn start_sync(&mut self, member: &str, generation: i32, shares: &[(&str, &[i32])]) -> Ticket {
        let assignments = shares.iter().map(|(id, share)| (*id, share_of_t(share))).collect();
        let identity = Identity { member_id: member, instance_id: None, generation };
        let request = SyncRequest { identity, protocol_type: None, protocol: None, assignments };
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.turn(|group, turn| group.sync(&request, ticket, turn));
        ticket
    }

    fn synced(&mut self, ticket: Ticket) -> Option<SyncReply> {
        match self.replies.remove(&ticket)? {
            Reply::Sync(reply) => Some(reply),
            Reply::Join(_) => panic!("{ticket:?} is a join"),
        }
    }

    /// The partitions of `t` a member is told to have.
    fn sync(&mut self, member: &str, generation: i32, shares: &[(&str, &[i32])]) -> Result<Vec<i32>, ErrorCode> {
        let ticket = self.start_sync(member, generation, shares);
        self.synced(ticket).expect("the sync is held").map(|synced| partitions_of(&synced.assignment))
    }

    fn heartbeat(&mut self, member_id: &str, generation: i32) -> Result<(), ErrorCode> {
        self.turn(|group, turn| group.heartbeat(Identity { member_id, instance_id: None, generation }, turn))
    }

    fn leave(&mut self, member_id: &str) -> Result<(), ErrorCode> {
        let leaving = [LeavingMember { member_id, instance_id: None }];
        self.turn(|group, turn| group.leave(&leaving, turn)).and_then(|results| results[0])
    }

    fn send(&mut self, heartbeat: &ConsumerHeartbeat) -> Result<Heard, HeartbeatRefused> {
        self.turn(|group, turn| group.consumer_heartbeat(heartbeat, turn))
    }

    fn commit(&mut self, topic: &str, member_id: &str, generation: i32) -> Result<(), ErrorCode> {
        let offset = OffsetToCommit { topic, partition: 0, offset: 1, leader_epoch: -1, metadata: "", retention: None };
        let identity = Identity { member_id, instance_id: None, generation };
        self.turn(|group, turn| {
            group.validate_commit(identity, 9, turn)?;
            group.commit_offset(&offset, turn)
        })
    }

    /// A classic member that has all six partitions in generation 1.
    fn classic_member(&mut self) -> Arc<str> {
        let joined = self.join(&joining_classic("", &[])).unwrap();
        let me = joined.member_id;
        assert_eq!(self.sync(&me, joined.generation, &[(&me, &[0, 1, 2, 3, 4, 5])]).unwrap().len(), 6);
        me
    }
}

fn share_of_t(partitions: &[i32]) -> Bytes {
    write_assignment(1, &BTreeMap::from([("t".into(), partitions.to_vec())]))
}

fn partitions_of(share: &Bytes) -> Vec<i32> {
    let mut partitions: Vec<_> = assigned_partitions(share).unwrap_or_default().into_iter().map(|(_, p)| p).collect();
    partitions.sort_unstable();
    partitions
}

/// A subscription to `t`, of somebody who has these partitions of it.
fn subscription_to_t(owned: &[i32]) -> Bytes {
    let mut bytes = b"\0\x01\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\x01\0\x01t".to_vec();
    bytes.extend(i32::try_from(owned.len()).unwrap().to_be_bytes());
    owned.iter().for_each(|partition| bytes.extend(partition.to_be_bytes()));
    bytes.into()
}

fn joining_classic(member_id: &str, owned: &[i32]) -> JoinRequest {
    use std::sync::atomic::{AtomicU64, Ordering};
    static FRESH: AtomicU64 = AtomicU64::new(1);
    JoinRequest {
        member_id: member_id.into(),
        instance_id: None,
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_secs(60),
        protocol_type: "consumer".into(),
        protocols: vec![Protocol { name: "range".into(), metadata: subscription_to_t(owned) }],
        can_rejoin_with_id: false,
        can_skip_assignment: true,
        fresh: FRESH.fetch_add(1, Ordering::Relaxed).into(),
    }
}

fn beating(member: &str, epoch: i32) -> ConsumerHeartbeat {
    ConsumerHeartbeat {
        member_id: member.into(),
        may_lack_id: false,
        epoch,
        instance_id: None,
        rack_id: None,
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout: None,
        names: None,
        regex: None,
        assignor: None,
        owned: None,
    }
}

fn joining(member: &str) -> ConsumerHeartbeat {
    ConsumerHeartbeat {
        rebalance_timeout: Some(Duration::from_secs(60)),
        names: Some(["t".into()].into()),
        owned: Some(TopicPartitions::new()),
        ..beating(member, 0)
    }
}

fn t(partitions: &[i32]) -> TopicPartitions {
    partitions.iter().map(|&partition| (topic_id("t"), partition)).collect()
}
