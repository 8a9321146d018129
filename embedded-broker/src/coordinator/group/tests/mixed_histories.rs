//! Random histories of clients of both protocols against one group.

use proptest::prelude::*;

use super::*;

/// What one client does next, or what happens around it. Clients 0 and 1 speak the classic protocol, 2 and 3 the new one.
#[derive(Debug, Clone)]
enum Step {
    /// Does whatever the protocol asks of it.
    Live(usize),
    /// Comes back having lost everything.
    Restart(usize),
    Leave(usize),
    Commit(usize),
    Grow,
    /// Another node coordinates the group from now on.
    HandOver,
    Sleep(u64),
}

const CLIENTS: usize = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let step = prop_oneof![
        12 => client.clone().prop_map(Step::Live),
        1 => client.clone().prop_map(Step::Restart),
        2 => client.clone().prop_map(Step::Leave),
        1 => client.prop_map(Step::Commit),
        1 => Just(Step::Grow),
        1 => Just(Step::HandOver),
        2 => prop_oneof![1..5_000_u64, 9_000..70_000_u64].prop_map(Step::Sleep),
    ];
    prop::collection::vec(step, 1..120)
}

/// What a client believes.
#[derive(Debug, Clone, Default)]
struct Client {
    id: String,
    epoch: i32,
    owned: Vec<i32>,
    held: Option<(Ticket, Held)>,
    is_leader: bool,
    syncs: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Join,
    Sync,
}

struct History {
    group: TestGroup,
    clients: Vec<Client>,
    ids: usize,
}

impl History {
    fn new() -> Self {
        Self { group: TestGroup::new(), clients: vec![Client::default(); CLIENTS], ids: 0 }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Live(client) if client < 2 => self.live_classic(client),
            Step::Live(client) => self.live_consumer(client),
            Step::Restart(client) => self.clients[client] = Client::default(),
            Step::Leave(client) if client < 2 => {
                let id = std::mem::take(&mut self.clients[client]).id;
                let _ = self.group.leave(&id);
            }
            Step::Leave(client) => {
                let id = std::mem::take(&mut self.clients[client]).id;
                let _ = self.group.send(&beating(&id, -1));
            }
            Step::Commit(client) => {
                let me = self.clients[client].clone();
                let _ = self.group.commit("t", &me.id, me.epoch);
            }
            Step::Grow => *self.group.topics.0.get_mut("t").unwrap() += 1,
            Step::HandOver => self.hand_over(),
            Step::Sleep(ms) => self.group.sleep(Duration::from_millis(ms)),
        }
    }

    /// Whoever waits is answered, and what nobody has written down is forgotten.
    fn hand_over(&mut self) {
        self.group.hand_over();
        for client in 0..CLIENTS {
            if let Some((ticket, held)) = self.clients[client].held {
                self.take_held(client, ticket, held);
            }
            assert_eq!(self.clients[client].held, None, "it is not answered");
        }
        assert_eq!(self.group.group.facts(), self.group.recovered.facts());
    }

    fn live_classic(&mut self, client: usize) {
        if let Some((ticket, held)) = self.clients[client].held {
            return self.take_held(client, ticket, held);
        }
        let me = self.clients[client].clone();
        if me.id.is_empty() {
            self.start_join(client);
        } else if me.syncs {
            self.start_sync(client);
        } else {
            match self.group.heartbeat(&me.id, me.epoch) {
                Ok(()) => {}
                Err(ErrorCode::RebalanceInProgress) => self.start_join(client),
                Err(_) => self.clients[client] = Client::default(),
            }
        }
    }

    fn start_join(&mut self, client: usize) {
        let me = &self.clients[client];
        let ticket = self.group.start_join(&joining_classic(&me.id, &me.owned));
        self.take_held(client, ticket, Held::Join);
    }

    fn start_sync(&mut self, client: usize) {
        let me = self.clients[client].clone();
        let all: Vec<i32> = (0..self.group.topics.0["t"]).collect();
        // The leader gives everything to itself.
        let shares = if me.is_leader { vec![(me.id.as_str(), all.as_slice())] } else { Vec::new() };
        let ticket = self.group.start_sync(&me.id, me.epoch, &shares);
        self.take_held(client, ticket, Held::Sync);
    }

    fn take_held(&mut self, client: usize, ticket: Ticket, held: Held) {
        self.clients[client].held = Some((ticket, held));
        match held {
            Held::Join => {
                let Some(reply) = self.group.joined(ticket) else { return };
                let me = &mut self.clients[client];
                me.held = None;
                match reply {
                    Ok(joined) => {
                        me.is_leader = joined.leader == joined.member_id;
                        (me.id, me.epoch, me.syncs) = (joined.member_id.to_string(), joined.generation, true);
                    }
                    Err(refused) if refused.error == ErrorCode::RebalanceInProgress => {}
                    Err(_) => *me = Client::default(),
                }
            }
            Held::Sync => {
                let Some(reply) = self.group.synced(ticket) else { return };
                let me = &mut self.clients[client];
                me.held = None;
                me.syncs = false;
                match reply {
                    Ok(synced) => me.owned = partitions_of(&synced.assignment),
                    Err(ErrorCode::RebalanceInProgress) => self.start_join(client),
                    Err(_) => *me = Client::default(),
                }
            }
        }
    }

    fn live_consumer(&mut self, client: usize) {
        let me = self.clients[client].clone();
        let request = if me.id.is_empty() {
            self.ids += 1;
            self.clients[client].id = format!("m{}", self.ids);
            joining(&self.clients[client].id)
        } else {
            ConsumerHeartbeat { owned: Some(t(&me.owned)), ..beating(&me.id, me.epoch) }
        };
        match self.group.send(&request) {
            Ok(heard) => {
                let me = &mut self.clients[client];
                me.epoch = heard.epoch;
                if let Some(assignment) = heard.assignment {
                    me.owned = assignment.into_iter().map(|(_, partition)| partition).collect();
                }
            }
            Err(_) => self.clients[client] = Client::default(),
        }
    }

    /// Everybody goes on for a while: all arrive, and everything is assigned to one of them.
    fn end(mut self) {
        for _ in 0..40 {
            for client in 0..CLIENTS {
                self.step(&Step::Live(client));
            }
            self.group.sleep(Duration::from_secs(4));
        }
        assert_eq!((self.group.group.kind(), self.group.group.state()), ("consumer", GroupState::Stable));
        let mut owned: Vec<i32> = self.clients.iter().flat_map(|client| client.owned.clone()).collect();
        owned.sort_unstable();
        assert_eq!(owned, (0..self.group.topics.0["t"]).collect::<Vec<_>>(), "{:?}", self.clients);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn both_protocols_share_a_group_and_everything_is_assigned_in_the_end(steps in steps()) {
        let mut history = History::new();
        for step in &steps {
            history.step(step);
        }
        history.end();
    }
}
