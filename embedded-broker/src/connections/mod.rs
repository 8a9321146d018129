//! How many connections there may be and how fast new ones may come, in Kafka's order of questions: what is configured is in
//! `limits.rs`, what is counted in `counts.rs`, both pure; here are their lock and those who wait for room.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::{Timestamp, Waiter};
use crate::cluster::Cluster;
use crate::quotas::rate::Windows;
use counts::{Counts, Refused};
pub(crate) use limits::ConnectionLimits;

mod counts;
pub(crate) mod limits;

/// The connections of a node, counted.
#[derive(Debug)]
pub(crate) struct Connections {
    windows: Windows,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limits: ConnectionLimits,
    counts: Counts,
    /// Accept threads that have a connection in their hands for which there is no room.
    waiting: Vec<Arc<Waiter>>,
}

/// What becomes of a connection that has come.
#[derive(Debug)]
pub(crate) enum Admission {
    Admitted(Counted),
    /// Its address has as many as it may have: it is closed at once.
    TooMany {
        max: usize,
    },
    /// Its address opens them too fast: it is closed at this time, as Kafka keeps such clients busy with it.
    TooFast {
        until: Timestamp,
    },
    /// The broker stops.
    Stopping,
}

/// A connection that counts as long as this lives.
pub(crate) struct Counted {
    cluster: Arc<Cluster>,
    node: i32,
    listener: Arc<str>,
    ip: IpAddr,
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counted({} by {})", self.ip, self.listener)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(connections) = self.cluster.connections.of(self.node) {
            connections.leave(&self.listener, self.ip);
        }
    }
}

impl Connections {
    pub(crate) fn new(windows: Windows, limits: ConnectionLimits) -> Self {
        let state = State { limits, counts: Counts::default(), waiting: Vec::new() };
        Self { windows, state: Mutex::new(state) }
    }

    /// Takes up changed limits. Connections that are there stay; new ones wait until there are few enough.
    pub(crate) fn set_limits(&self, limits: ConnectionLimits) {
        let mut state = self.state.lock();
        state.limits = limits;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.iter().for_each(|waiter| waiter.wake());
    }

    /// Counts a connection that was accepted, or says why not. Blocks the thread of its listener while new connections
    /// come too fast or there is no room: others then wait in the system's queue, as with Kafka.
    pub(crate) fn admit(
        &self,
        cluster: &Arc<Cluster>,
        waiter: &Arc<Waiter>,
        (node, listener): (i32, &Arc<str>),
        ip: IpAddr,
    ) -> Admission {
        let arrived = cluster.clock.now();
        let until = {
            let mut state = self.state.lock();
            let State { limits, counts, .. } = &mut *state;
            arrived + counts.arrive(limits, self.windows, listener, arrived)
        };
        loop {
            let now = cluster.clock.now();
            let ip_rate = cluster.quotas.connection_rate(ip);
            {
                let mut state = self.state.lock();
                let State { limits, counts, waiting } = &mut *state;
                if now >= until && counts.has_room(limits, listener) {
                    return match counts.admit(limits, self.windows, (listener, ip), ip_rate, now) {
                        Ok(()) => Admission::Admitted(Counted {
                            cluster: Arc::clone(cluster),
                            node,
                            listener: Arc::clone(listener),
                            ip,
                        }),
                        Err(Refused::TooMany(max)) => Admission::TooMany { max },
                        Err(Refused::TooFast(wait)) => Admission::TooFast { until: now + wait },
                    };
                }
                if !waiting.iter().any(|other| Arc::ptr_eq(other, waiter)) {
                    waiting.push(Arc::clone(waiter));
                }
            }
            waiter.wait(&cluster.clock, (now < until).then_some(until));
            if waiter.has_ended() {
                return Admission::Stopping;
            }
        }
    }

    /// The node starts anew: it does not know how fast connections came to it before.
    pub(crate) fn forget_rates(&self) {
        self.state.lock().counts.forget_rates();
    }

    fn leave(&self, listener: &Arc<str>, ip: IpAddr) {
        let mut state = self.state.lock();
        state.counts.leave(listener, ip);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.iter().for_each(|waiter| waiter.wake());
    }
}
