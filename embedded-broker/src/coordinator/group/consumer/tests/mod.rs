//! The consumer protocol heartbeat by heartbeat: time is a value, timers are polled, topics are a list.

mod epochs;
mod histories;
mod lifecycle;
mod static_members;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{ConsumerGroupDescription, ConsumerHeartbeat, ConsumerState, Heard, HeartbeatRefused, TopicPartitions};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::Group;
use crate::coordinator::group::catalog::tests::{TestTopics, topic_id};
use crate::coordinator::group::config::GroupConfig;
use crate::coordinator::group::record::GroupRecord;
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::{Turn, World};

const SESSION: Duration = Duration::from_secs(45);
const REBALANCE: Duration = Duration::from_secs(60);

/// Partitions of the topic `t`.
fn t(partitions: &[i32]) -> TopicPartitions {
    partitions.iter().map(|&partition| (topic_id("t"), partition)).collect()
}

/// A group, its topics, its clock, and everything it has said so far.
struct TestGroup {
    group: Group,
    topics: TestTopics,
    config: GroupConfig,
    now: Duration,
    records: Vec<GroupRecord>,
}

impl TestGroup {
    /// A group beside the topic `t` with six partitions.
    fn new() -> Self {
        let topics = TestTopics(BTreeMap::from([("t".into(), 6)]));
        Self { group: Group::new(), topics, config: GroupConfig::default(), now: Duration::ZERO, records: Vec::new() }
    }

    fn turn<R>(&mut self, call: impl FnOnce(&mut Group, &mut Turn<'_>) -> R) -> R {
        let wall_ms = i64::try_from(self.now.as_millis()).unwrap();
        let (now, config) = (self.now, &self.config);
        let mut turn = Turn::new(World { group_id: "g", now, wall_ms, config, topics: &self.topics });
        self.group.poll(&mut turn);
        let result = call(&mut self.group, &mut turn);
        self.records.append(&mut turn.records);
        assert!(turn.replies.is_empty());
        self.check();
        result
    }

    fn send(&mut self, heartbeat: &ConsumerHeartbeat) -> Result<Heard, HeartbeatRefused> {
        self.turn(|group, turn| group.consumer_heartbeat(heartbeat, turn))
    }

    /// The error of a heartbeat that is refused.
    fn refused(&mut self, heartbeat: &ConsumerHeartbeat) -> ErrorCode {
        self.send(heartbeat).expect_err("the heartbeat is taken").error
    }

    /// A member joins, and is told something.
    fn join(&mut self, member: &str) -> Heard {
        self.send(&joining(member)).unwrap()
    }

    /// A heartbeat in which nothing has changed.
    fn beat(&mut self, member: &str, epoch: i32) -> Heard {
        self.send(&heartbeat(member, epoch)).unwrap()
    }

    /// A heartbeat that says what the member has.
    fn own(&mut self, member: &str, epoch: i32, owned: &[i32]) -> Heard {
        self.send(&ConsumerHeartbeat { owned: Some(t(owned)), ..heartbeat(member, epoch) }).unwrap()
    }

    fn sleep(&mut self, duration: Duration) {
        self.now += duration;
        self.turn(|_, _| ());
    }

    fn describe(&self) -> ConsumerGroupDescription {
        self.group.describe_consumer(&self.config).unwrap()
    }

    fn state(&self) -> ConsumerState {
        self.group.consumer().state()
    }

    fn members(&self) -> Vec<Arc<str>> {
        let members = self.group.describe_consumer(&self.config).map(|group| group.members).unwrap_or_default();
        members.into_iter().map(|described| described.member.id).collect()
    }

    /// What must always hold: one owner for a partition, epochs in order, a timer for whoever must be heard of.
    fn check(&self) {
        let Some(description) = self.group.describe_consumer(&self.config) else { return };
        let group = self.group.consumer();
        let mut held = TopicPartitions::new();
        for member in group.members.values() {
            for partition in member.assigned.iter().chain(&member.pending_revocation) {
                assert!(held.insert(*partition), "{partition:?} has two owners: {description:?}");
            }
            assert!(member.epoch <= group.assignment_epoch, "{member:?}");
        }
        assert!(group.assignment_epoch <= group.epoch);
        assert!(group.target.keys().all(|id| group.members.contains_key(id)), "a target for nobody");
        for key in group.timers.keys() {
            match key {
                TimerKey::Session(id) => assert!(group.members.contains_key(id), "{id} is gone"),
                TimerKey::Revocation(id) => assert!(!group.members[id].pending_revocation.is_empty()),
                TimerKey::Rejoin(id) | TimerKey::Share(id) => assert!(group.members[id].classic.is_some()),
                TimerKey::Join | TimerKey::Sync | TimerKey::Pending(_) => panic!("{key:?} is of a classic group"),
            }
        }
        for (id, member) in &group.members {
            assert!(group.timers.deadline(&TimerKey::Session(Arc::clone(id))).is_some(), "{id} is immortal");
            let revoking = group.timers.deadline(&TimerKey::Revocation(Arc::clone(id))).is_some();
            assert_eq!(revoking, !member.pending_revocation.is_empty() && member.classic.is_none(), "{member:?}");
        }
    }

    /// The facts alone make the same group again.
    fn check_replay(&self) {
        let mut recovered = Group::new();
        self.records.iter().for_each(|record| recovered.replay(record));
        let (now, then) = (&self.group, &recovered);
        assert_eq!(then.describe_consumer(&self.config), now.describe_consumer(&self.config));
        assert_eq!(recovered.offsets, self.group.offsets);
    }
}

fn heartbeat(member: &str, epoch: i32) -> ConsumerHeartbeat {
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
        rebalance_timeout: Some(REBALANCE),
        names: Some(["t".into()].into()),
        owned: Some(TopicPartitions::new()),
        ..heartbeat(member, 0)
    }
}
