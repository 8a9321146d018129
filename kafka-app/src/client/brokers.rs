//! [`Brokers`]: the brokers that clients cannot reach now, by what becomes of their connections.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{
    adrift::Adrift,
    port::{Fault, FaultKind},
    refusal::Refusal,
};

/// A connection that failed and that is not tried anew for this long is not needed any more: librdkafka tries those it needs
/// at once, or waits in another state for the time to do so.
const UNNEEDED_AFTER: Duration = Duration::from_millis(500);
/// Faults that wait to be taken; whoever takes them does so every second.
const SAID: usize = 64;

/// A broker that is needed and cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreachableBroker {
    /// `host:port/id`, `host:port/bootstrap` for one that has not told its id yet. `GroupCoordinator` and `TxnCoordinator`
    /// stand for whichever broker coordinates the group or the transactions.
    pub name: String,
    /// Since its connection was lost, or first failed.
    pub unreachable_for: Duration,
}

/// The brokers of some clients that are looked at as one, which may come and go.
#[derive(Debug, Default)]
pub(crate) struct Brokers {
    clients: Mutex<Vec<Weak<Connections>>>,
    /// What clients said that tell nobody by themselves; `None`: they do.
    said: Option<Mutex<Vec<Fault>>>,
}

impl Brokers {
    /// Of clients whose faults somebody [takes](Self::take_said).
    pub(crate) fn heard() -> Self {
        Self { said: Some(Mutex::default()), ..Self::default() }
    }

    /// What one more client has to tell of its connections.
    pub(crate) fn add_client(&self) -> Arc<Connections> {
        let connections = Arc::<Connections>::default();
        let mut clients = self.clients.lock();
        clients.retain(|client| client.strong_count() > 0);
        clients.push(Arc::downgrade(&connections));
        connections
    }

    /// Those that a client needs and cannot reach, by name.
    pub(crate) fn unreachable(&self, now: Instant) -> Vec<UnreachableBroker> {
        let clients = self.clients.lock();
        merged(clients.iter().filter_map(Weak::upgrade).flat_map(|client| client.unreachable(now)).collect())
    }

    /// Whether somebody takes what clients say.
    pub(crate) fn is_heard(&self) -> bool {
        self.said.is_some()
    }

    /// Hands a fault to who takes it.
    pub(crate) fn say(&self, fault: Fault) {
        let Some(mut said) = self.said.as_ref().map(Mutex::lock) else { return };
        if said.len() < SAID && !said.contains(&fault) {
            said.push(fault);
        }
    }

    pub(crate) fn take_said(&self) -> Vec<Fault> {
        self.said.as_ref().map(|said| std::mem::take(&mut *said.lock())).unwrap_or_default()
    }
}

/// Each broker once, with its longest loss.
pub(crate) fn merged(mut brokers: Vec<UnreachableBroker>) -> Vec<UnreachableBroker> {
    brokers.sort_by(|left, right| left.name.cmp(&right.name).then(right.unreachable_for.cmp(&left.unreachable_for)));
    brokers.dedup_by(|later, first| later.name == first.name);
    brokers
}

/// One client's connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    /// By what its brokers are called.
    by_name: Mutex<BTreeMap<String, Connection>>,
    /// Whether brokers let it in.
    pub(super) refusal: Arc<Refusal>,
    adrift: Mutex<Adrift>,
}

#[derive(Debug)]
struct Connection {
    id: i32,
    state: State,
    since: Instant,
    /// Since when it has not been up, if it ever was or failed.
    down_since: Option<Instant>,
    /// It was to be up again since then: not one that was closed because nothing was needed of it.
    is_tried: bool,
}

/// librdkafka's states of a connection, as far as they matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is tried: it is not needed, or has failed just now.
    Idle,
    /// It is to be up.
    Wanted,
    Up,
}

impl Connections {
    /// Has noted that a connection is in another state, by librdkafka's name of it.
    pub(crate) fn note(&self, host: &str, port: i32, id: i32, state: &str, now: Instant) {
        let is_down = state == "DOWN";
        let state = match state {
            "UP" | "REAUTH" => State::Up,
            "INIT" | "DOWN" => State::Idle,
            _ => State::Wanted,
        };
        let name = if port == 0 { host.to_owned() } else { format!("{host}:{port}") };
        if state == State::Up {
            self.refusal.clear();
            self.adrift.lock().ashore();
        }
        let mut connections = self.by_name.lock();
        if id >= 0 {
            // At another address it is still the same one.
            connections.retain(|other, connection| connection.id != id || *other == name);
        }
        let connection =
            connections.entry(name).or_insert(Connection { id, state, since: now, down_since: None, is_tried: false });
        (connection.id, connection.state, connection.since) = (id, state, now);
        if state == State::Up {
            (connection.down_since, connection.is_tried) = (None, false);
        } else if is_down {
            connection.down_since.get_or_insert(now);
        }
        connection.is_tried |= state == State::Wanted && connection.down_since.is_some();
    }

    /// Whether the client is to be given its first brokers now, as it knows none any more; each time once.
    pub(crate) fn first_brokers_are_due(&self, now: Instant) -> bool {
        let idle_since = {
            let connections = self.by_name.lock();
            // Those without a port stand for others: they are connected by themselves, also where the broker is forgotten.
            let brokers = connections.iter().filter(|(name, _)| name.contains(':')).map(|(_, connection)| connection);
            let idle_since = brokers.map(|broker| (broker.state == State::Idle).then_some(broker.since));
            idle_since.reduce(|one, other| Some(one?.max(other?))).flatten()
        };
        idle_since.is_some_and(|since| self.adrift.lock().is_due(since, now))
    }

    pub(super) fn unreachable(&self, now: Instant) -> Vec<UnreachableBroker> {
        let connections = self.by_name.lock();
        let lost = connections.iter().filter_map(|(name, connection)| {
            let is_needed = connection.state == State::Wanted || now.duration_since(connection.since) < UNNEEDED_AFTER;
            let down_since = connection.down_since.filter(|_| connection.is_tried && is_needed)?;
            // As librdkafka's own texts have it.
            let name = match connection.id {
                _ if !name.contains(':') => name.clone(),
                id if id < 0 => format!("{name}/bootstrap"),
                id => format!("{name}/{id}"),
            };
            Some(UnreachableBroker { name, unreachable_for: now.duration_since(down_since) })
        });
        lost.collect()
    }
}

/// What was told of brokers that cannot be reached, so that it is told as well what became of them: pure.
#[derive(Debug, Default)]
pub(crate) struct LostBrokers(BTreeMap<String, Instant>);

/// A broker that was told to be lost, and is not any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FoundBroker {
    pub(crate) name: String,
    pub(crate) unreachable_for: Duration,
}

impl LostBrokers {
    /// A fault was told.
    pub(crate) fn told(&mut self, fault: &Fault, now: Instant) {
        if fault.kind == FaultKind::BrokerUnreachable {
            self.0.entry(fault.broker().to_owned()).or_insert(now);
        }
    }

    /// By what cannot be reached now: a fault for each that nothing was told of, and those that are back.
    pub(crate) fn look(&mut self, unreachable: &[UnreachableBroker], now: Instant) -> (Vec<Fault>, Vec<FoundBroker>) {
        let is_told = |broker: &&UnreachableBroker| self.0.contains_key(&broker.name);
        let faults = unreachable.iter().filter(|broker| !is_told(broker)).map(|broker| Fault {
            kind: FaultKind::BrokerUnreachable,
            text: format!("{}: not connected for {:?}", broker.name, broker.unreachable_for),
        });
        let faults = faults.collect();
        let is_back = |name: &String| unreachable.iter().all(|broker| broker.name != *name);
        let found = self.0.extract_if(.., |name, _| is_back(name));
        let found =
            found.map(|(name, since)| FoundBroker { name, unreachable_for: now.duration_since(since) }).collect();
        (faults, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn names(connections: &Connections, now: Instant) -> Vec<String> {
        connections.unreachable(now).into_iter().map(|broker| broker.name).collect()
    }

    #[test]
    fn first_brokers_are_due_when_none_is_up_or_tried_any_more() {
        let (connections, start) = (Connections::default(), Instant::now());
        let note = |port, id, state, at| connections.note("h", port, id, state, start + at * MS);
        let are_due = |at| connections.first_brokers_are_due(start + at * MS);
        assert!(!are_due(60_000), "it has not begun");
        note(9092, -1, "TRY_CONNECT", 0);
        note(9093, 1, "UP", 10);
        connections.note("GroupCoordinator", 0, -1, "TRY_CONNECT", start + 11 * MS);
        note(9092, -1, "DOWN", 20);
        note(9092, -1, "INIT", 21);
        assert!(!are_due(60_000), "one is up");
        note(9093, 1, "DOWN", 70_000);
        note(9093, 1, "INIT", 70_001);
        assert!(!are_due(70_002));
        assert!(are_due(72_001));
        assert!(!are_due(72_002), "it was told");
        note(9092, -1, "TRY_CONNECT", 73_000);
        assert!(!are_due(900_000), "a broker that is away is tried all the time");
    }

    #[test]
    fn a_broker_that_is_needed_is_unreachable_from_its_loss_until_it_is_up() {
        let (connections, start) = (Connections::default(), Instant::now());
        let note = |state, at| connections.note("h", 9092, 2, state, start + at);
        for (state, at) in [("INIT", 0), ("TRY_CONNECT", 1), ("CONNECT", 2), ("UP", 3)] {
            note(state, at * MS);
            assert_eq!(names(&connections, start + at * MS), [""; 0], "{state}");
        }
        note("DOWN", 100 * MS);
        note("INIT", 101 * MS);
        for (state, at) in [("TRY_CONNECT", 102), ("CONNECT", 900), ("DOWN", 901), ("INIT", 902)] {
            note(state, at * MS);
            assert_eq!(names(&connections, start + at * MS), ["h:9092/2"], "{state}");
        }
        note("TRY_CONNECT", 903 * MS);
        assert_eq!(connections.unreachable(start + 9000 * MS)[0].unreachable_for, 8900 * MS);
        note("UP", 9001 * MS);
        assert_eq!(names(&connections, start + 9001 * MS), [""; 0]);
    }

    #[test]
    fn one_that_nothing_is_wanted_of_any_more_is_not_missed() {
        let (connections, start) = (Connections::default(), Instant::now());
        for state in ["UP", "DOWN", "INIT"] {
            connections.note("h", 9092, 2, state, start);
            assert_eq!(names(&connections, start), [""; 0], "it was closed as it is idle, or another is used instead");
        }
        for state in ["CONNECT", "DOWN", "INIT"] {
            connections.note("h", 9092, 2, state, start);
            assert_eq!(names(&connections, start), ["h:9092/2"]);
        }
        assert_eq!(names(&connections, start + UNNEEDED_AFTER), [""; 0]);
    }

    fn lose(connections: &Connections, host: &str, port: i32, id: i32, now: Instant) {
        connections.note(host, port, id, "DOWN", now);
        connections.note(host, port, id, "CONNECT", now);
    }

    #[test]
    fn a_coordinator_has_no_address_and_a_broker_with_another_is_the_same() {
        let (connections, now) = (Connections::default(), Instant::now());
        lose(&connections, "GroupCoordinator", 0, -1, now);
        lose(&connections, "h", 1, -1, now);
        lose(&connections, "h", 2, 7, now);
        connections.note("h", 3, 7, "CONNECT", now);
        assert_eq!(names(&connections, now), ["GroupCoordinator", "h:1/bootstrap"]);
    }

    #[test]
    fn of_several_clients_the_longest_loss_counts_until_they_are_gone() {
        let (brokers, start) = (Brokers::default(), Instant::now());
        let (one, other) = (brokers.add_client(), brokers.add_client());
        lose(&one, "h", 1, 1, start);
        lose(&other, "h", 1, 1, start + 10 * MS);
        let unreachable = || brokers.unreachable(start + 20 * MS);
        assert_eq!(unreachable(), [UnreachableBroker { name: "h:1/1".to_owned(), unreachable_for: 20 * MS }]);
        drop(one);
        assert_eq!(unreachable()[0].unreachable_for, 10 * MS);
        drop(other);
        assert_eq!(unreachable(), []);
    }

    #[test]
    fn each_loss_is_told_and_what_became_of_it() {
        let (mut lost, start) = (LostBrokers::default(), Instant::now());
        let broker = |name: &str| UnreachableBroker { name: name.to_owned(), unreachable_for: 3 * MS };
        let said = Fault { kind: FaultKind::BrokerUnreachable, text: "h:1/1: Disconnected (after 2ms)".to_owned() };
        lost.told(&said, start);
        let (faults, found) = lost.look(&[broker("h:1/1"), broker("h:2/2")], start + 5 * MS);
        assert_eq!((faults[0].broker(), faults.len(), found), ("h:2/2", 1, vec![]));
        let (faults, found) = lost.look(&[], start + 9 * MS);
        assert_eq!(faults, []);
        assert_eq!(found, [FoundBroker { name: "h:1/1".to_owned(), unreachable_for: 9 * MS }]);
        assert_eq!(lost.look(&[], start + 10 * MS), (vec![], vec![]));
    }
}
