//! The classic protocol edge by edge: time is a value, timers are polled, nothing runs in the background.

mod commits;
mod descriptions;
mod dynamic_members;
mod generations;
mod histories;
mod leaving;
mod static_members;
mod timeouts;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{ClassicState, Identity, JoinRequest, LeavingMember, Protocol, SyncRequest};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::catalog::tests::TestTopics;
use crate::coordinator::group::config::GroupConfig;
use crate::coordinator::group::record::GroupRecord;
use crate::coordinator::group::turn::{JoinReply, Joined, Reply, SyncReply, Ticket, Turn, World};
use crate::coordinator::group::{Group, OffsetToCommit};

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(60);

/// A group, its clock, and everything it has said so far.
struct TestGroup {
    group: Group,
    config: GroupConfig,
    now: Duration,
    tickets: u64,
    replies: HashMap<Ticket, Reply>,
    records: Vec<GroupRecord>,
}

impl TestGroup {
    fn new() -> Self {
        Self::with(GroupConfig::default())
    }

    fn with(config: GroupConfig) -> Self {
        let (now, tickets) = (Duration::ZERO, 0);
        Self { group: Group::new(), config, now, tickets, replies: HashMap::new(), records: Vec::new() }
    }

    fn turn<R>(&mut self, call: impl FnOnce(&mut Group, &mut Turn<'_>) -> R) -> R {
        let topics = TestTopics::default();
        let wall_ms = i64::try_from(self.now.as_millis()).unwrap();
        let world = World { group_id: "g", now: self.now, wall_ms, config: &self.config, topics: &topics };
        let mut turn = Turn::new(world);
        self.group.poll(&mut turn);
        let result = call(&mut self.group, &mut turn);
        self.records.append(&mut turn.records);
        for (ticket, reply) in turn.replies {
            assert!(self.replies.insert(ticket, reply).is_none(), "{ticket:?} was answered twice");
        }
        self.check_timers();
        result
    }

    fn classic(&self) -> &super::ClassicGroup {
        self.group.classic()
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests build their requests in the call")]
    fn start_join(&mut self, request: JoinRequest) -> Ticket {
        let ticket = self.ticket();
        self.turn(|group, turn| group.join(&request, ticket, turn));
        ticket
    }

    fn join(&mut self, request: JoinRequest) -> JoinReply {
        let ticket = self.start_join(request);
        self.joined(ticket).expect("the join is held")
    }

    fn start_sync(&mut self, member: &str, generation: i32, shares: &[(&str, &'static str)]) -> Ticket {
        let assignments = shares.iter().map(|(id, share)| (*id, Bytes::from_static(share.as_bytes()))).collect();
        let request =
            SyncRequest { identity: id(member, generation), protocol_type: None, protocol: None, assignments };
        let ticket = self.ticket();
        self.turn(|group, turn| group.sync(&request, ticket, turn));
        ticket
    }

    fn sync(&mut self, member: &str, generation: i32, shares: &[(&str, &'static str)]) -> Result<Bytes, ErrorCode> {
        let ticket = self.start_sync(member, generation, shares);
        self.synced(ticket).expect("the sync is held").map(|synced| synced.assignment)
    }

    fn heartbeat(&mut self, member: &str, generation: i32) -> Result<(), ErrorCode> {
        self.turn(|group, turn| group.heartbeat(id(member, generation), turn))
    }

    fn leave(&mut self, member_id: &str) -> Result<(), ErrorCode> {
        let leaving = [LeavingMember { member_id, instance_id: None }];
        self.turn(|group, turn| group.leave(&leaving, turn)).and_then(|results| results[0])
    }

    fn commit(&mut self, identity: Identity<'_>, offset: i64) -> Result<(), ErrorCode> {
        let commit =
            OffsetToCommit { topic: "t", partition: 0, offset, leader_epoch: 3, metadata: "", retention: None };
        self.commit_one(identity, &commit)
    }

    fn commit_one(&mut self, identity: Identity<'_>, commit: &OffsetToCommit<'_>) -> Result<(), ErrorCode> {
        self.turn(|group, turn| {
            group.validate_commit(identity, 8, turn)?;
            group.commit_offset(commit, turn)
        })
    }

    fn joined(&self, ticket: Ticket) -> Option<JoinReply> {
        match self.replies.get(&ticket)? {
            Reply::Join(reply) => Some(reply.clone()),
            Reply::Sync(_) => panic!("{ticket:?} is a sync"),
        }
    }

    fn synced(&self, ticket: Ticket) -> Option<SyncReply> {
        match self.replies.get(&ticket)? {
            Reply::Sync(reply) => Some(reply.clone()),
            Reply::Join(_) => panic!("{ticket:?} is a join"),
        }
    }

    fn sleep(&mut self, duration: Duration) {
        self.now += duration;
        self.turn(|_, _| ());
    }

    fn state(&self) -> ClassicState {
        self.classic().state()
    }

    /// Joins dynamic members that know their ids, until all are in one generation that is stable.
    fn stable(names: &[&str]) -> Self {
        let mut group = Self::new();
        group.add_stable(names.iter().map(|name| request(name)).collect());
        group
    }

    fn add_stable(&mut self, requests: Vec<JoinRequest>) {
        let mut tickets = Vec::new();
        for mut request in requests {
            // Everybody who is in joins again as soon as somebody new is coming.
            let rejoining: Vec<_> = tickets.drain(..).map(|(_, request): (Ticket, JoinRequest)| request).collect();
            request.can_rejoin_with_id = false;
            let ticket = self.start_join(request.clone());
            for old in rejoining {
                tickets.push((self.start_join(old.clone()), old));
            }
            let reply = self.joined(ticket).expect("all are there").expect("nothing is wrong");
            request.member_id = reply.member_id;
            tickets.push((ticket, request));
        }
        let generation = self.classic().generation;
        let leader = self.leader();
        self.sync(&leader, generation, &[]).unwrap();
        for (_, request) in &tickets {
            self.sync(&request.member_id, generation, &[]).unwrap();
        }
        assert_eq!(self.state(), ClassicState::Stable);
    }

    fn leader(&self) -> String {
        self.classic().leader.as_deref().expect("nobody leads").to_owned()
    }

    fn generation(&self) -> i32 {
        self.classic().generation
    }

    fn members(&self) -> Vec<Arc<str>> {
        self.classic().members.keys().cloned().collect()
    }

    /// The id of the member whose client id or instance id this is.
    fn member(&self, name: &str) -> String {
        let prefix = format!("{name}-");
        let mut found = self.members().into_iter().filter(|id| id.starts_with(&prefix));
        found.next().unwrap_or_else(|| panic!("{name} is not in the group")).to_string()
    }

    /// No timer without its reason, and no reason without its timer.
    fn check_timers(&self) {
        use super::super::timers::TimerKey;
        let group = self.classic();
        let has = |key| group.timers.deadline(&key).is_some();
        for key in group.timers.keys() {
            match key {
                TimerKey::Join => assert_eq!(group.state, ClassicState::PreparingRebalance),
                TimerKey::Sync => assert!(!group.pending_sync.is_empty()),
                TimerKey::Session(id) => assert!(group.members.contains_key(id), "{id} is gone"),
                TimerKey::Revocation(id) | TimerKey::Rejoin(id) | TimerKey::Share(id) => {
                    panic!("{id} is of a consumer group")
                }
                TimerKey::Pending(id) => assert!(group.pending.contains(id), "{id} is not pending"),
            }
        }
        assert_eq!(has(TimerKey::Join), group.state == ClassicState::PreparingRebalance);
        assert_eq!(has(TimerKey::Sync), !group.pending_sync.is_empty());
        for (id, member) in &group.members {
            assert!(has(TimerKey::Session(Arc::clone(id))) || member.is_alive_without_heartbeat(), "{id} is immortal");
        }
        for id in &group.pending {
            assert!(has(TimerKey::Pending(Arc::clone(id))));
        }
    }
}

fn id(member_id: &str, generation: i32) -> Identity<'_> {
    Identity { member_id, instance_id: None, generation }
}

fn protocols(names: &[&str]) -> Vec<Protocol> {
    let protocol = |name: &&str| Protocol { name: (*name).into(), metadata: Bytes::copy_from_slice(name.as_bytes()) };
    names.iter().map(protocol).collect()
}

/// A first JoinGroup of a client that can come back with an id.
fn request(client: &str) -> JoinRequest {
    use std::sync::atomic::{AtomicU64, Ordering};
    static FRESH: AtomicU64 = AtomicU64::new(0);
    JoinRequest {
        member_id: "".into(),
        instance_id: None,
        client_id: client.into(),
        client_host: "/127.0.0.1".into(),
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        protocol_type: "consumer".into(),
        protocols: protocols(&["range"]),
        can_rejoin_with_id: true,
        can_skip_assignment: true,
        fresh: FRESH.fetch_add(1, Ordering::Relaxed).into(),
    }
}

/// A JoinGroup of a member that has its id.
fn rejoin(member_id: &str) -> JoinRequest {
    JoinRequest { member_id: member_id.into(), ..request("c") }
}

fn static_request(instance: &str) -> JoinRequest {
    JoinRequest { instance_id: Some(instance.into()), ..request("c") }
}

fn member_ids(joined: &Joined) -> Vec<&str> {
    joined.members.iter().map(|member| &*member.member_id).collect()
}
