//! The nodes of a cluster as a test sees them: it stops, kills and restarts them, and cuts them off from each other.

use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::EmbeddedBroker;
use super::listening::Listening;
use crate::cluster::{Cluster, Hosts, NodeState};
use crate::coordinator::TimerKey;
use crate::error::{Error, ErrorCode};
use crate::server::Closing;
use crate::server::probe::Probed;

/// One node with its ports.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) id: i32,
    pub(super) listeners: Vec<Listening>,
}

/// All of them. Each has a lock of its own, held while the node starts or stops; no other is taken by who serves clients.
#[derive(Debug)]
pub(super) struct Machines(Vec<(i32, Mutex<Machine>)>);

impl Machines {
    pub(super) fn new(machines: Vec<Machine>) -> Self {
        Self(machines.into_iter().map(|machine| (machine.id, Mutex::new(machine))).collect())
    }

    /// The name of each listener, and where it is reached on every node.
    pub(super) fn addresses(&self) -> Vec<(Arc<str>, String)> {
        let mut addresses: Vec<(Arc<str>, String)> = Vec::new();
        for (_, machine) in &self.0 {
            for listening in &machine.lock().listeners {
                let (name, at) = (&listening.settings.spec.name, listening.reachable_at());
                match addresses.iter_mut().find(|(known, _)| known == name) {
                    Some((_, all)) => all.extend([",", &at]),
                    None => addresses.push((Arc::clone(name), at)),
                }
            }
        }
        addresses
    }

    /// Has every node serve clients.
    pub(super) fn start(&self, cluster: &Arc<Cluster>) -> io::Result<()> {
        self.0.iter().try_for_each(|(_, machine)| machine.lock().serve(cluster))
    }

    /// Every listener of the nodes that are up. No lock is held when they are asked.
    pub(super) fn probed(&self) -> Vec<Probed> {
        let of_node = |(id, machine): &(i32, Mutex<Machine>)| {
            machine.lock().listeners.iter().filter_map(|listening| listening.probed(*id)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_node).collect()
    }

    /// Closes everything, for good.
    pub(super) fn end(&self) {
        self.0
            .iter()
            .flat_map(|(_, machine)| std::mem::take(&mut machine.lock().listeners))
            .for_each(|mut one| one.end());
    }

    fn find(&self, id: i32) -> Result<&Mutex<Machine>, Error> {
        let found = self.0.iter().find(|(own, _)| *own == id).map(|(_, machine)| machine);
        found.ok_or_else(|| Error::with_code(ErrorCode::BrokerIdNotRegistered, format!("there is no node {id}")))
    }
}

impl Hosts for Machines {
    fn crash(&self, cluster: &Cluster, id: i32) -> Result<(), Error> {
        let mut machine = self.find(id)?.lock();
        if !cluster.nodes().runs(id) {
            return Ok(());
        }
        cluster.lose_node(id, || machine.close(Closing::AtOnce))
    }
}

impl Machine {
    fn serve(&mut self, cluster: &Arc<Cluster>) -> io::Result<()> {
        self.listeners.iter_mut().try_for_each(|listening| listening.serve(self.id, cluster))
    }

    fn close(&mut self, closing: Closing) {
        self.listeners.iter_mut().for_each(|listening| listening.close(closing));
    }
}

impl EmbeddedBroker {
    /// A node of the cluster; the first one has id 1, unless `node.id` says otherwise.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// assert!(broker.node(3)?.is_up());
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such node.
    pub fn node(&self, id: i32) -> Result<NodeView<'_>, Error> {
        self.machines.find(id).map(|machine| NodeView { cluster: &self.cluster, id, machine })
    }

    /// The ids of all nodes, also of those that are down.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).config("node.id", 7).start()?;
    /// assert_eq!(broker.node_ids(), [7, 8, 9]);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use]
    pub fn node_ids(&self) -> Vec<i32> {
        self.cluster.nodes().every().map(|node| node.id).collect()
    }

    /// Stops a node in order, as Kafka's controlled shutdown: others take over what it leads and coordinates, who waits
    /// for that is told so, then its connections are closed and new ones are refused. It is down when this returns; one
    /// that is down stays so.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// broker.stop_node(2)?;
    /// assert!(!broker.node(2)?.is_up());
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such node.
    pub fn stop_node(&self, id: i32) -> Result<(), Error> {
        let mut machine = self.machines.find(id)?.lock();
        if self.cluster.nodes().runs(id) {
            self.cluster.change_nodes(|nodes| nodes.set_state(id, NodeState::Stopping))?;
            machine.close(Closing::Answered);
            self.cluster.change_nodes(|nodes| nodes.set_state(id, NodeState::Down))?;
        }
        Ok(())
    }

    /// Kills a node: its connections are closed at once, whatever was asked on them, and new ones are refused. Others take over
    /// as soon as they notice: at once, unless `broker.session.timeout.ms` is set, which it takes them then. One that is down
    /// stays so.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// broker.crash(1)?;
    /// assert_eq!(broker.controller().id(), Some(2));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such node.
    pub fn crash(&self, id: i32) -> Result<(), Error> {
        self.machines.crash(&self.cluster, id)
    }

    /// Starts a node that is down, at the addresses it had. Nothing it had is lost, except what the others had not got of what
    /// it led. One that is up stays so.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// let address = broker.node(2)?.address();
    /// broker.crash(2)?;
    /// broker.restart(2)?;
    /// assert_eq!(broker.node(2)?.address(), address);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such node, or somebody has taken its port, or it has no thread.
    pub fn restart(&self, id: i32) -> Result<(), Error> {
        let mut machine = self.machines.find(id)?.lock();
        if self.cluster.nodes().runs(id) {
            return Ok(());
        }
        // It comes as a new one: nobody can take it for the one that was lost any more.
        self.cluster.timers.cancel(&TimerKey::NodeSession(id));
        self.cluster.miss_node(id);
        self.cluster.open_node_dir(id)?;
        let failed = |error| Error::io(format!("node {id} cannot be started again"), error);
        machine.serve(&self.cluster).map_err(failed).inspect_err(|_| machine.close(Closing::AtOnce))?;
        self.cluster.change_nodes(|nodes| nodes.set_state(id, NodeState::Up))
    }

    /// Cuts two nodes off from each other, until the returned guard is dropped: as replicas they do not follow each other.
    /// Clients reach both of them, and both are taken for alive.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// let cut = broker.isolate(1, 2)?;
    /// // … what node 1 leads, node 2 does not get …
    /// cut.heal();
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such node, or both are the same.
    pub fn isolate(&self, a: i32, b: i32) -> Result<Isolated, Error> {
        self.cluster.change_nodes(|nodes| nodes.isolate(a, b))?;
        Ok(Isolated { cluster: Arc::clone(&self.cluster), pair: (a, b) })
    }

    /// The controller of the cluster.
    pub fn controller(&self) -> ControllerView<'_> {
        ControllerView { cluster: &self.cluster }
    }
}

/// A node of an [`EmbeddedBroker`], to look at and to change: see [`EmbeddedBroker::node`].
#[must_use = "it only shows the node when it is asked"]
pub struct NodeView<'a> {
    pub(crate) cluster: &'a Arc<Cluster>,
    pub(crate) id: i32,
    machine: &'a Mutex<Machine>,
}

impl NodeView<'_> {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Where clients of the first listener reach it, by whatever address they are told: `127.0.0.1:PORT`. It stays the same as
    /// long as the cluster is there.
    #[must_use]
    pub fn address(&self) -> String {
        self.machine.lock().listeners.first().map_or_else(String::new, Listening::reachable_at)
    }

    /// Where it stands, if that was said.
    #[must_use]
    pub fn rack(&self) -> Option<String> {
        self.cluster.nodes().get(self.id).and_then(|node| node.rack.clone())
    }

    /// Has clients told another address for one of its listeners, as after a restart with other `advertised.listeners`. It
    /// listens where it did, so clients that go by what they are told find it only if somebody forwards them there.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// broker.node(2)?.advertise("PLAINTEXT", "kafka-2.example", 9092)?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Clients are told of no such listener of it.
    pub fn advertise(&self, listener: &str, host: &str, port: u16) -> Result<(), Error> {
        self.cluster.change_nodes(|nodes| nodes.advertise(self.id, listener, host, port))
    }

    /// Has the node tell in so many answers of the cluster as it is now, whatever becomes of it: clients that ask this node for
    /// Metadata, DescribeTopicPartitions, DescribeCluster or FindCoordinator hear of the leaders, coordinators, topics and
    /// addresses of this moment, as from a Kafka broker that the controller's news have not reached. It serves what it leads
    /// all the same, and refuses what it does not. 0 ends it, and so does a restart of the node.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).config("default.replication.factor", 3).topic("orders", 1).start()?;
    /// let replicas = broker.topic("orders").replicas(0)?;
    /// broker.node(3)?.stale_metadata(2);
    /// broker.move_leader("orders", 0, replicas.replicas[1])?;
    /// // … the next two that ask node 3 go to the old leader, which sends them on …
    /// assert_eq!(broker.node(3)?.stale_answers_left(), 2);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn stale_metadata(&self, answers: u32) {
        self.cluster.tell_old(self.id, answers);
    }

    /// In how many answers the node will still tell of the cluster as it was: see [`stale_metadata`](Self::stale_metadata).
    #[must_use]
    pub fn stale_answers_left(&self) -> u32 {
        self.cluster.old_answers_left(self.id)
    }

    /// Whether it serves clients.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.cluster.nodes().runs(self.id)
    }
}

impl fmt::Debug for NodeView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.cluster.nodes().state(self.id);
        f.debug_struct("NodeView").field("id", &self.id).field("state", &state).finish_non_exhaustive()
    }
}

/// The controller of an [`EmbeddedBroker`]: see [`EmbeddedBroker::controller`].
#[must_use = "it only shows the controller when it is asked"]
pub struct ControllerView<'a> {
    cluster: &'a Arc<Cluster>,
}

impl ControllerView<'_> {
    /// The node that is the controller; `None` while no node is up.
    #[must_use]
    pub fn id(&self) -> Option<i32> {
        Some(self.cluster.controller_id()).filter(|id| *id >= 0)
    }

    /// Makes another node the controller, as an election of the quorum does. Clients see it with their next look at the
    /// cluster; whatever they ask the old one is served all the same, as brokers pass it on.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// broker.controller().move_to(3)?;
    /// assert_eq!(broker.controller().id(), Some(3));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such node, or it is down.
    pub fn move_to(&self, id: i32) -> Result<(), Error> {
        self.cluster.change_nodes(|nodes| nodes.move_controller(id))
    }
}

impl fmt::Debug for ControllerView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControllerView").field("id", &self.id()).finish()
    }
}

/// Two nodes that are cut off from each other, until this is dropped: see [`EmbeddedBroker::isolate`].
#[must_use = "the nodes reach each other again as soon as this is dropped"]
pub struct Isolated {
    cluster: Arc<Cluster>,
    pair: (i32, i32),
}

impl Isolated {
    /// Lets them reach each other again, as dropping this does.
    pub fn heal(self) {
        drop(self);
    }
}

impl fmt::Debug for Isolated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Isolated").field(&self.pair).finish()
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        let (a, b) = self.pair;
        let joined = self.cluster.change_nodes(|nodes| {
            nodes.join(a, b);
            Ok(())
        });
        joined.expect("nodes that were cut off can be joined");
    }
}
