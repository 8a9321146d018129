//! The nodes of the cluster, as an immutable picture that is replaced whole: which there are, which are up, which reach
//! each other, and which one is the controller. No sockets, no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Cluster;
use crate::error::{Error, ErrorCode};
use crate::placement::Usable;

/// One broker of the cluster, as clients are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) id: i32,
    pub(crate) rack: Option<String>,
    /// Where its listeners are reached, those that clients are told of.
    pub(crate) endpoints: Vec<Endpoint>,
}

/// The address of one listener of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) listener: Arc<str>,
    /// Absent for a listener on all addresses: each client is told the one it has reached.
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
}

#[cfg(test)]
impl Node {
    /// A node nobody connects to.
    pub(crate) fn of(id: i32) -> Self {
        let endpoint = Endpoint { listener: Arc::from("PLAINTEXT"), host: Some("127.0.0.1".to_owned()), port: 1 };
        Self { id, rack: None, endpoints: vec![endpoint] }
    }
}

/// What has become of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeState {
    Up,
    /// It still serves, and leads nothing any more: the controlled shutdown of Kafka.
    Stopping,
    /// Its sockets are closed, and nobody has noticed yet.
    Lost,
    /// Its sockets are closed, and everybody knows.
    Down,
}

/// All nodes at one moment. One that is down is still registered, until somebody [unregisters](Self::unregister) it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nodes {
    all: Vec<(Arc<Node>, NodeState)>,
    /// Those that the cluster has forgotten, until they start again.
    unregistered: BTreeSet<i32>,
    /// Pairs that do not reach each other, the smaller id first, and how many want it so.
    isolated: BTreeMap<(i32, i32), u32>,
    /// -1 if no node is up.
    controller: i32,
    /// Goes up whenever another node is the controller.
    controller_epoch: i32,
}

impl Nodes {
    /// They are all up, and the first one is the controller.
    pub(crate) fn new(nodes: Vec<Node>) -> Self {
        let controller = nodes.first().map_or(-1, |node| node.id);
        let all = nodes.into_iter().map(|node| (Arc::new(node), NodeState::Up)).collect();
        Self { all, unregistered: BTreeSet::new(), isolated: BTreeMap::new(), controller, controller_epoch: 1 }
    }

    /// Every node there is, by id, registered or not.
    pub(crate) fn every(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.all.iter().map(|(node, _)| node)
    }

    /// Every node that is registered, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.every().filter(|node| self.is_registered(node.id))
    }

    /// How many are registered.
    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    /// One of [all](Self::every).
    pub(crate) fn get(&self, id: i32) -> Option<&Arc<Node>> {
        self.every().find(|node| node.id == id)
    }

    pub(crate) fn is_registered(&self, id: i32) -> bool {
        self.get(id).is_some() && !self.unregistered.contains(&id)
    }

    /// Those that clients are told of, by id: as Kafka, a node that stops is told of until it is down, and one that was lost
    /// until somebody has noticed.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.iter().filter(|node| !self.is_fenced(node.id))
    }

    /// Whether a node is taken for alive and may lead partitions. One that was [lost](NodeState::Lost) is, until somebody has
    /// noticed.
    pub(crate) fn is_up(&self, id: i32) -> bool {
        matches!(self.state(id), Some(NodeState::Up | NodeState::Lost)) && self.is_registered(id)
    }

    /// Those that new replicas may be placed on: as Kafka, one that stops is none of them until it is down.
    pub(crate) fn usable(&self) -> Vec<Usable> {
        let usable = self.iter().filter(|node| self.state(node.id) != Some(NodeState::Stopping));
        let of = |node: &Arc<Node>| Usable { id: node.id, rack: node.rack.clone(), fenced: self.is_fenced(node.id) };
        usable.map(of).collect()
    }

    /// Whether everybody knows that a node is down.
    pub(crate) fn is_fenced(&self, id: i32) -> bool {
        self.state(id) == Some(NodeState::Down)
    }

    /// Whether a node works: it serves clients, and follows whom it [reaches](Self::reach).
    pub(crate) fn runs(&self, id: i32) -> bool {
        matches!(self.state(id), Some(NodeState::Up | NodeState::Stopping))
    }

    /// Whether two nodes talk to each other: both [run](Self::runs), and nobody has isolated them.
    pub(crate) fn reach(&self, a: i32, b: i32) -> bool {
        self.runs(a) && self.runs(b) && !self.isolated.contains_key(&pair(a, b))
    }

    /// The node that answers for the cluster as a whole; -1 if none is up.
    pub(crate) fn controller(&self) -> i32 {
        self.controller
    }

    /// How many times there has been another one, and once more.
    pub(crate) fn controller_epoch(&self) -> i32 {
        self.controller_epoch
    }

    pub(crate) fn state(&self, id: i32) -> Option<NodeState> {
        self.all.iter().find(|(node, _)| node.id == id).map(|(_, state)| *state)
    }

    /// Changes the state of a node; if the controller is gone, the next node that is up takes its place. One that starts is
    /// registered again.
    ///
    /// # Errors
    ///
    /// There is no such node.
    pub(crate) fn set_state(&mut self, id: i32, state: NodeState) -> Result<(), Error> {
        self.entry(id)?.1 = state;
        if state == NodeState::Up {
            self.unregistered.remove(&id);
        }
        self.replace_controller();
        Ok(())
    }

    /// Has the cluster forget a node until it starts again. One that runs goes on, and nobody counts on it any more.
    ///
    /// # Errors
    ///
    /// `BROKER_ID_NOT_REGISTERED`, with Kafka's words.
    pub(crate) fn unregister(&mut self, id: i32) -> Result<(), Error> {
        if !self.is_registered(id) {
            let why = format!("Broker ID {id} is not currently registered");
            return Err(Error::with_code(ErrorCode::BrokerIdNotRegistered, why));
        }
        self.unregistered.insert(id);
        self.replace_controller();
        Ok(())
    }

    /// The next node that is up takes the place of a controller that is not.
    fn replace_controller(&mut self) {
        if !self.is_up(self.controller) {
            let up = |wanted: &dyn Fn(i32) -> bool| {
                self.iter().map(|node| node.id).find(|&id| self.state(id) == Some(NodeState::Up) && wanted(id))
            };
            let next = up(&|id| id > self.controller).or_else(|| up(&|_| true));
            self.set_controller(next.unwrap_or(-1));
        }
    }

    /// Makes another node the controller.
    ///
    /// # Errors
    ///
    /// There is no such node, or it is not up.
    pub(crate) fn move_controller(&mut self, id: i32) -> Result<(), Error> {
        self.entry(id)?;
        if self.state(id) != Some(NodeState::Up) || !self.is_registered(id) {
            return Err(Error::with_code(ErrorCode::BrokerNotAvailable, format!("node {id} is not up")));
        }
        self.set_controller(id);
        Ok(())
    }

    fn set_controller(&mut self, id: i32) {
        if id != self.controller {
            (self.controller, self.controller_epoch) = (id, self.controller_epoch.saturating_add(1));
        }
    }

    /// Has clients told another address of one of a node's listeners.
    ///
    /// # Errors
    ///
    /// There is no such node, or clients are not told of such a listener of it.
    pub(crate) fn advertise(&mut self, id: i32, listener: &str, host: &str, port: u16) -> Result<(), Error> {
        let node = Arc::make_mut(&mut self.entry(id)?.0);
        let endpoint = node.endpoints.iter_mut().find(|endpoint| endpoint.listener.eq_ignore_ascii_case(listener));
        let endpoint =
            endpoint.ok_or_else(|| Error::new(format!("clients are told of no listener {listener} of node {id}")))?;
        (endpoint.host, endpoint.port) = (Some(host.to_owned()), port);
        Ok(())
    }

    /// Cuts two nodes off from each other, until they are [joined](Self::join) as often.
    ///
    /// # Errors
    ///
    /// There is no such node, or only one.
    pub(crate) fn isolate(&mut self, a: i32, b: i32) -> Result<(), Error> {
        self.entry(a)?;
        self.entry(b)?;
        if a == b {
            return Err(Error::new(format!("node {a} cannot be cut off from itself")));
        }
        *self.isolated.entry(pair(a, b)).or_default() += 1;
        Ok(())
    }

    pub(crate) fn join(&mut self, a: i32, b: i32) {
        if let Some(times) = self.isolated.get_mut(&pair(a, b)) {
            *times -= 1;
            if *times == 0 {
                self.isolated.remove(&pair(a, b));
            }
        }
    }

    fn entry(&mut self, id: i32) -> Result<&mut (Arc<Node>, NodeState), Error> {
        let entry = self.all.iter_mut().find(|(node, _)| node.id == id);
        entry.ok_or_else(|| Error::with_code(ErrorCode::BrokerIdNotRegistered, format!("there is no node {id}")))
    }
}

fn pair(a: i32, b: i32) -> (i32, i32) {
    (a.min(b), a.max(b))
}

impl Cluster {
    /// Every node, as it is now.
    pub(crate) fn nodes(&self) -> Arc<Nodes> {
        Arc::clone(&self.nodes.read())
    }

    /// The node that answers for the cluster as a whole.
    pub(crate) fn controller_id(&self) -> i32 {
        self.nodes.read().controller()
    }

    /// The node whose configs those things go by that the whole cluster has one of: the first one, wherever the controller is.
    pub(crate) fn first_node(&self) -> i32 {
        self.nodes.read().every().next().map_or(-1, |node| node.id)
    }

    /// Changes nodes: `change` works on a copy, which takes effect if it succeeds and anything is different. Partitions and
    /// coordinators move before this returns.
    ///
    /// # Errors
    ///
    /// What `change` says.
    pub(crate) fn change_nodes<T>(&self, change: impl FnOnce(&mut Nodes) -> Result<T, Error>) -> Result<T, Error> {
        let one_at_a_time = self.changes.lock();
        let before = self.nodes();
        let mut after = Nodes::clone(&before);
        let changed = change(&mut after)?;
        if after == *before {
            return Ok(changed);
        }
        let after = Arc::new(after);
        *self.nodes.write() = Arc::clone(&after);
        self.quorum_after_node_change(&before, &after);
        self.replication_after_node_change(&before, &after);
        self.close_node_dirs(&before, &after);
        self.forget_nodes(&before, &after);
        drop(one_at_a_time);
        self.after_partition_changes();
        Ok(changed)
    }

    /// Forgets a node until it starts again; the only one there is comes back at once.
    ///
    /// # Errors
    ///
    /// `BROKER_ID_NOT_REGISTERED`.
    pub(crate) fn unregister(&self, id: i32) -> Result<(), Error> {
        self.change_nodes(|nodes| {
            nodes.unregister(id)?;
            if self.has_followers { Ok(()) } else { nodes.set_state(id, NodeState::Up) }
        })
    }

    /// Nodes that have gone down, or are back, know nothing of what only they knew.
    fn forget_nodes(&self, before: &Nodes, after: &Nodes) {
        for (id, sessions) in self.fetch_sessions.iter().filter(|(id, _)| before.runs(*id) != after.runs(*id)) {
            sessions.forget_all();
            self.connections.of(id).iter().for_each(|connections| connections.forget_rates());
            self.tell_old_no_more(id);
        }
    }

    /// Takes a node that was lost for down: somebody has noticed.
    pub(crate) fn miss_node(&self, id: i32) {
        let missed = self.change_nodes(|nodes| match nodes.state(id) {
            Some(NodeState::Lost) => nodes.set_state(id, NodeState::Down),
            _ => Ok(()),
        });
        missed.expect("a node in some state is there");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::settings::BrokerSettings;

    fn three() -> Nodes {
        Nodes::new((1..=3).map(Node::of).collect())
    }

    fn ids<'a>(nodes: impl Iterator<Item = &'a Arc<Node>>) -> Vec<i32> {
        nodes.map(|node| node.id).collect()
    }

    #[test]
    fn a_node_that_stops_serves_and_does_not_lead_and_one_that_is_lost_leads_and_does_not_serve() {
        let of = |state| {
            let mut nodes = three();
            nodes.set_state(2, state).unwrap();
            (nodes.is_up(2), nodes.runs(2), nodes.reach(1, 2), ids(nodes.listed()).contains(&2))
        };
        assert_eq!(of(NodeState::Up), (true, true, true, true));
        assert_eq!(of(NodeState::Stopping), (false, true, true, true));
        assert_eq!(of(NodeState::Lost), (true, false, false, true));
        assert_eq!(of(NodeState::Down), (false, false, false, false));
    }

    #[test]
    fn nodes_that_are_down_stay_registered() {
        let mut nodes = three();
        nodes.set_state(2, NodeState::Down).unwrap();
        assert_eq!((ids(nodes.listed()), ids(nodes.iter())), (vec![1, 3], vec![1, 2, 3]));
        assert_eq!(nodes.set_state(4, NodeState::Up).unwrap_err().code(), Some(ErrorCode::BrokerIdNotRegistered));
    }

    #[test]
    fn a_node_that_is_unregistered_is_forgotten_until_it_starts_again() {
        let mut nodes = three();
        nodes.unregister(1).unwrap();
        assert_eq!((nodes.controller(), ids(nodes.iter()), ids(nodes.listed())), (2, vec![2, 3], vec![2, 3]));
        assert_eq!((nodes.is_up(1), nodes.runs(1), nodes.len(), nodes.usable().len()), (false, true, 2, 2));
        let refused = nodes.unregister(1).unwrap_err();
        assert_eq!(refused.to_string(), "Broker ID 1 is not currently registered");
        assert_eq!(nodes.unregister(9).unwrap_err().code(), Some(ErrorCode::BrokerIdNotRegistered));
        assert!(nodes.move_controller(1).is_err());
        nodes.set_state(1, NodeState::Down).unwrap();
        nodes.set_state(1, NodeState::Up).unwrap();
        assert_eq!((ids(nodes.iter()), nodes.is_up(1)), (vec![1, 2, 3], true));
    }

    #[test]
    fn the_next_node_that_is_up_becomes_the_controller() {
        let mut nodes = three();
        let mut after = |id, state| {
            nodes.set_state(id, state).unwrap();
            nodes.controller()
        };
        use NodeState::{Down, Lost, Stopping, Up};
        assert_eq!([after(2, Down), after(1, Lost), after(1, Down), after(2, Up)], [1, 1, 3, 3]);
        assert_eq!([after(3, Stopping), after(2, Down), after(3, Up)], [2, -1, 3]);
    }

    #[test]
    fn the_controller_moves_to_a_node_that_is_up() {
        let mut nodes = three();
        nodes.set_state(2, NodeState::Down).unwrap();
        assert_eq!(nodes.move_controller(2).unwrap_err().code(), Some(ErrorCode::BrokerNotAvailable));
        nodes.move_controller(3).unwrap();
        assert_eq!(nodes.controller(), 3);
    }

    #[test]
    fn two_nodes_are_cut_off_as_long_as_anybody_wants_it() {
        let mut nodes = three();
        nodes.isolate(2, 1).unwrap();
        nodes.isolate(1, 2).unwrap();
        nodes.join(1, 2);
        assert!(!nodes.reach(1, 2) && !nodes.reach(2, 1) && nodes.reach(1, 3));
        nodes.join(2, 1);
        assert!(nodes.reach(1, 2));
        assert!(nodes.isolate(1, 1).is_err() && nodes.isolate(1, 7).is_err());
    }

    #[test]
    fn a_change_of_nodes_is_a_change_of_the_cluster_if_anything_is_different() {
        let nodes = (1..=3).map(Node::of).collect();
        let cluster = Cluster::new(Clock::real(), BrokerSettings::default(), nodes);
        let before = cluster.metadata_offset();
        cluster.change_nodes(|nodes| nodes.set_state(2, NodeState::Up)).unwrap();
        assert_eq!(cluster.metadata_offset(), before);
        cluster.change_nodes(|nodes| nodes.set_state(2, NodeState::Down)).unwrap();
        assert_eq!((cluster.metadata_offset(), cluster.nodes().is_up(2)), (before + 1, false));
    }
}
