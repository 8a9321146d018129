//! Random histories of several clients against one group.

use proptest::prelude::*;

use super::*;

/// What one client does next, or that time passes.
#[derive(Debug, Clone)]
enum Step {
    /// Joins with the id it has, or without one.
    Join {
        client: usize,
        forget_id: bool,
        protocols: Vec<&'static str>,
    },
    Sync {
        client: usize,
    },
    Heartbeat {
        client: usize,
    },
    Commit {
        client: usize,
        offset: i64,
    },
    Leave {
        client: usize,
    },
    Sleep {
        ms: u64,
    },
}

const CLIENTS: usize = 5;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let lists = prop::sample::select(vec![vec!["range"], vec!["range", "rr"], vec!["rr", "range"]]);
    let step = prop_oneof![
        6 => (client.clone(), prop::bool::weighted(0.15), lists)
            .prop_map(|(client, forget_id, protocols)| Step::Join { client, forget_id, protocols }),
        6 => client.clone().prop_map(|client| Step::Sync { client }),
        3 => client.clone().prop_map(|client| Step::Heartbeat { client }),
        2 => (client.clone(), 0..100_i64).prop_map(|(client, offset)| Step::Commit { client, offset }),
        1 => client.prop_map(|client| Step::Leave { client }),
        3 => prop_oneof![0..100_u64, 1_000..12_000_u64, 50_000..70_000_u64].prop_map(|ms| Step::Sleep { ms }),
    ];
    prop::collection::vec(step, 1..120)
}

/// What a client believes. Clients 3 and 4 are static.
#[derive(Debug, Clone, Default)]
struct Client {
    instance: Option<String>,
    member_id: String,
    generation: i32,
    waiting: Vec<Ticket>,
}

struct History {
    group: TestGroup,
    clients: Vec<Client>,
    /// Leader and protocol by generation, as the first member was told.
    generations: HashMap<i32, (Arc<str>, Option<Arc<str>>)>,
    seen: usize,
    last_generation: i32,
}

impl History {
    fn new(delay: Duration) -> Self {
        let config = GroupConfig { initial_rebalance_delay: delay, ..GroupConfig::default() };
        let instance = |client: usize| (client >= 3).then(|| format!("static-{client}"));
        let clients = (0..CLIENTS).map(|client| Client { instance: instance(client), ..Client::default() });
        Self {
            group: TestGroup::with(config),
            clients: clients.collect(),
            generations: HashMap::new(),
            seen: 0,
            last_generation: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Join { client, forget_id, protocols: names } => self.join(*client, *forget_id, names),
            Step::Sync { client } => {
                let me = self.clients[*client].clone();
                let identity = Identity {
                    member_id: &me.member_id,
                    instance_id: me.instance.as_deref(),
                    generation: me.generation,
                };
                let request =
                    SyncRequest { identity, protocol_type: None, protocol: None, assignments: HashMap::new() };
                let ticket = self.group.ticket();
                self.clients[*client].waiting.push(ticket);
                self.group.turn(|group, turn| group.sync(&request, ticket, turn));
            }
            Step::Heartbeat { client } => {
                let me = self.clients[*client].clone();
                let _ = self.group.heartbeat(&me.member_id, me.generation);
            }
            Step::Commit { client, offset } => {
                let me = self.clients[*client].clone();
                let _ = self.group.commit(id(&me.member_id, me.generation), *offset);
            }
            Step::Leave { client } => {
                let member_id = self.clients[*client].member_id.clone();
                let _ = self.group.leave(&member_id);
            }
            Step::Sleep { ms } => self.group.sleep(Duration::from_millis(*ms)),
        }
        self.observe();
    }

    fn join(&mut self, client: usize, forget_id: bool, names: &[&str]) {
        let me = &mut self.clients[client];
        if forget_id {
            me.member_id.clear();
        }
        let join = JoinRequest {
            member_id: me.member_id.as_str().into(),
            instance_id: me.instance.as_deref().map(Into::into),
            protocols: protocols(names),
            ..request(&format!("client{client}"))
        };
        let ticket = self.group.start_join(join);
        self.clients[client].waiting.push(ticket);
    }

    /// Lets the clients read their answers and checks what must always hold.
    fn observe(&mut self) {
        for client in &mut self.clients {
            let (answered, waiting) =
                client.waiting.iter().partition::<Vec<_>, _>(|ticket| self.group.replies.contains_key(ticket));
            client.waiting = waiting;
            for ticket in answered {
                self.seen += 1;
                match &self.group.replies[&ticket] {
                    Reply::Join(Ok(joined)) => {
                        client.member_id = joined.member_id.to_string();
                        client.generation = joined.generation;
                        let told = (Arc::clone(&joined.leader), joined.protocol.clone());
                        let first = self.generations.entry(joined.generation).or_insert_with(|| told.clone());
                        assert_eq!(first.1, told.1, "one generation, one protocol");
                    }
                    Reply::Join(Err(refused)) if refused.error == ErrorCode::MemberIdRequired => {
                        client.member_id = refused.member_id.to_string();
                    }
                    Reply::Join(Err(refused)) if refused.error == ErrorCode::UnknownMemberId => {
                        client.member_id.clear()
                    }
                    Reply::Join(Err(_)) | Reply::Sync(_) => {}
                }
            }
        }
        assert_eq!(self.seen, self.group.replies.len(), "an answer nobody asked for");
        assert!(self.group.generation() >= self.last_generation, "the generation went back");
        self.last_generation = self.group.generation();
        self.check_members();
    }

    fn check_members(&self) {
        let group = self.group.classic();
        assert_eq!(group.leader.is_some(), !group.members.is_empty());
        assert!(group.leader.as_ref().is_none_or(|leader| group.members.contains_key(leader)));
        assert_eq!(
            group.state == ClassicState::Empty,
            group.members.is_empty() && group.gathering.is_none() && group.state != ClassicState::PreparingRebalance
        );
        for (instance, id) in &group.static_members {
            assert_eq!(group.members[id].instance_id.as_ref(), Some(instance));
        }
        let held: usize = group
            .members
            .values()
            .map(|m| usize::from(m.awaiting_join.is_some()) + usize::from(m.awaiting_sync.is_some()))
            .sum();
        let waiting: usize = self.clients.iter().map(|client| client.waiting.len()).sum();
        assert_eq!(held, waiting, "somebody waits for an answer that nobody will give");
    }

    /// With nobody doing anything any more, everybody is answered and gone.
    fn end(mut self) {
        let mut rounds = 0;
        while let Some(deadline) = self.group.group.next_deadline() {
            rounds += 1;
            assert!(rounds < 100, "timers go on for ever");
            self.group.now = self.group.now.max(deadline);
            self.group.turn(|_, _| ());
            self.observe();
        }
        assert_eq!((self.group.state(), self.group.members().len()), (ClassicState::Empty, 0));
        assert!(self.clients.iter().all(|client| client.waiting.is_empty()));
        self.check_replay();
    }

    /// The facts alone make the same group again.
    fn check_replay(&self) {
        let mut recovered = Group::new();
        for record in &self.group.records {
            recovered.replay(record);
        }
        let (now, then) = (&self.group.group, &recovered);
        assert_eq!(now.offsets, then.offsets);
        assert_eq!(now.classic().generation, then.classic().generation);
        assert_eq!(now.classic().describe(), then.classic().describe());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_history_ends_with_everybody_answered(steps in steps(), delay in prop::sample::select(vec![0_u64, 3_000])) {
        let mut history = History::new(Duration::from_millis(delay));
        for step in &steps {
            history.step(step);
        }
        history.end();
    }
}
