//! A partition as the cluster sees it: who leads it, in which epoch, and its log.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::log::LogConfig;

/// One partition of a topic. The lock is held for an append or a lookup, never while bytes are checked or sent.
#[derive(Debug)]
pub(crate) struct Partition {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    config: Arc<LogConfig>,
    leader: i32,
    leader_epoch: i32,
    replicas: Vec<i32>,
}

/// Who leads a partition, and who follows.
#[derive(Debug, Clone)]
pub(crate) struct Leadership {
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) replicas: Vec<i32>,
}

impl Partition {
    pub(crate) fn new(config: Arc<LogConfig>, replicas: Vec<i32>) -> Self {
        let leader = replicas.first().copied().unwrap_or(-1);
        Self { state: Mutex::new(State { config, leader, leader_epoch: 0, replicas }) }
    }

    pub(crate) fn leadership(&self) -> Leadership {
        let state = self.state.lock();
        Leadership { leader: state.leader, leader_epoch: state.leader_epoch, replicas: state.replicas.clone() }
    }

    /// Takes up changed configs; batches already appended stay as they are.
    pub(crate) fn set_config(&self, config: Arc<LogConfig>) {
        self.state.lock().config = config;
    }
}
