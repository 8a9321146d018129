//! Random histories of several clients against one group.

use proptest::prelude::*;

use super::*;

/// What one client does next, or what happens around it.
#[derive(Debug, Clone)]
enum Step {
    /// Comes, or comes back having lost everything.
    Join(usize),
    /// Beats, having done what it was told.
    Beat(usize),
    /// Beats and gives nothing up.
    Cling(usize),
    /// Leaves; a static member for a while.
    Leave(usize),
    Subscribe(usize, bool),
    Grow,
    Sleep(u64),
}

const CLIENTS: usize = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let step = prop_oneof![
        3 => client.clone().prop_map(Step::Join),
        10 => client.clone().prop_map(Step::Beat),
        2 => client.clone().prop_map(Step::Cling),
        1 => client.clone().prop_map(Step::Leave),
        1 => (client, any::<bool>()).prop_map(|(client, both)| Step::Subscribe(client, both)),
        1 => Just(Step::Grow),
        2 => prop_oneof![1..5_000_u64, 20_000..60_000_u64].prop_map(Step::Sleep),
    ];
    prop::collection::vec(step, 1..150)
}

/// What a client believes. Clients 2 and 3 are static and take a new id each time.
#[derive(Debug, Clone, Default)]
struct Client {
    id: String,
    instance: Option<Arc<str>>,
    epoch: i32,
    owned: TopicPartitions,
    /// What it was told to have last; each assignment is told once.
    told: TopicPartitions,
}

struct History {
    group: TestGroup,
    clients: Vec<Client>,
    ids: usize,
    last_epoch: i32,
}

impl History {
    fn new() -> Self {
        let mut group = TestGroup::new();
        group.topics.0.insert("u".into(), 3);
        let instance = |client: usize| (client >= 2).then(|| format!("static-{client}").into());
        let clients = (0..CLIENTS).map(|client| Client { instance: instance(client), ..Client::default() }).collect();
        Self { group, clients, ids: 0, last_epoch: 0 }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Join(client) => self.join(client),
            Step::Beat(client) => self.beat(client, None),
            Step::Cling(client) => {
                let me = self.clients[client].clone();
                let clinging = ConsumerHeartbeat { owned: Some(me.owned), ..self.heartbeat(client) };
                if let Ok(heard) = self.group.send(&clinging) {
                    self.take(client, heard);
                }
            }
            Step::Leave(client) => {
                let epoch = if self.clients[client].instance.is_some() { -2 } else { -1 };
                let leaving = ConsumerHeartbeat { epoch, ..self.heartbeat(client) };
                let _ = self.group.send(&leaving);
            }
            Step::Subscribe(client, both) => {
                let names = if both { ["t".into(), "u".into()].into() } else { ["t".into()].into() };
                self.beat(client, Some(names));
            }
            Step::Grow => *self.group.topics.0.get_mut("u").unwrap() += 1,
            Step::Sleep(ms) => self.group.sleep(Duration::from_millis(ms)),
        }
        if self.group.group.kind() == "consumer" {
            let epoch = self.group.group.consumer().epoch;
            assert!(epoch >= self.last_epoch, "the group's epoch went back");
            self.last_epoch = epoch;
        }
    }

    fn heartbeat(&self, client: usize) -> ConsumerHeartbeat {
        let me = &self.clients[client];
        ConsumerHeartbeat { instance_id: me.instance.clone(), ..heartbeat(&me.id, me.epoch) }
    }

    fn join(&mut self, client: usize) {
        self.ids += 1;
        let id = self.ids;
        let me = self.clients[client].clone();
        let id = if me.id.is_empty() || me.instance.is_some() { format!("m{id}") } else { me.id };
        let request = ConsumerHeartbeat { instance_id: me.instance, ..joining(&id) };
        // Refused when its former self has not left: then it goes on as that.
        if let Ok(heard) = self.group.send(&request) {
            self.clients[client].id = id;
            self.clients[client].owned.clear();
            self.clients[client].told.clear();
            self.take(client, heard);
        }
    }

    fn beat(&mut self, client: usize, names: Option<std::collections::BTreeSet<Arc<str>>>) {
        let me = &mut self.clients[client];
        me.owned.clone_from(&me.told);
        let owned = Some(me.owned.clone());
        let request = ConsumerHeartbeat { owned, names, ..self.heartbeat(client) };
        match self.group.send(&request) {
            Ok(heard) => self.take(client, heard),
            Err(refused) if refused.error == ErrorCode::FencedMemberEpoch => self.join(client),
            Err(_) => {}
        }
    }

    fn take(&mut self, client: usize, heard: Heard) {
        let me = &mut self.clients[client];
        me.epoch = heard.epoch;
        if let Some(assignment) = heard.assignment {
            me.told = assignment;
        }
    }

    /// Everybody who is in beats a few times more: all arrive at one target that covers everything wanted.
    fn settle(&mut self) {
        for _ in 0..4 {
            for client in 0..CLIENTS {
                let instance_is_in = self.group.members().iter().any(|id| **id == *self.clients[client].id);
                if instance_is_in {
                    self.group.sleep(Duration::from_millis(1));
                    self.beat(client, None);
                }
            }
        }
    }

    fn end(mut self) {
        self.settle();
        let away = |group: &TestGroup| group.group.consumer().members.values().any(|m| m.epoch == -2);
        if self.group.group.kind() == "consumer" && !away(&self.group) && !self.group.members().is_empty() {
            let group = self.group.group.consumer();
            assert_eq!(group.state(), ConsumerState::Stable, "{:?}", group.describe(&self.group.config));
            for member in group.members.values() {
                assert_eq!(member.assigned, group.target[&member.id]);
            }
        }
        self.group.check_replay();
        while let Some(deadline) = self.group.group.next_deadline() {
            self.group.now = self.group.now.max(deadline);
            self.group.turn(|_, _| ());
        }
        assert!(self.group.group.kind() == "classic" || self.group.members().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_partition_ever_has_two_owners_and_everybody_arrives(steps in steps()) {
        let mut history = History::new();
        for step in &steps {
            history.step(step);
        }
        history.end();
    }
}
