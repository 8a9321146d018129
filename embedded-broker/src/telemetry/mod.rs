//! Metrics that clients push (KIP-714): who they are, what they were told to push, and what they pushed.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::cluster::ResourceConfigs;
use crate::error::ErrorCode;
pub(crate) use instance::{Client, Instance, Push};

mod instance;

/// As many clients as Kafka remembers.
const MAX_CLIENTS: usize = 16_384;

/// The last pushes are kept for tests to look at, and no more of them than this.
const MAX_PUSHES: usize = 256;
/// Nor more bytes, unless the last one alone is longer.
const MAX_PUSHED: usize = 64 << 20;

/// Metrics that a client pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushedMetrics {
    /// The id the broker gave the client, as Kafka writes it.
    pub client_instance_id: String,
    /// `client.id`.
    pub client_id: String,
    /// The client said that it would push no more.
    pub terminating: bool,
    /// OpenTelemetry's `MetricsData` (protobuf), unpacked.
    pub metrics: Bytes,
}

/// All of it, behind its locks.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    instances: Mutex<HashMap<Uuid, Instance>>,
    pushes: Mutex<VecDeque<PushedMetrics>>,
}

impl Telemetry {
    /// Gives a client its subscriptions, if it may ask for them now.
    pub(crate) fn get(
        &self,
        client: &Client,
        configs: &ResourceConfigs,
        now: Timestamp,
    ) -> Result<Instance, ErrorCode> {
        self.with_instance(client, configs, now, |instance| instance.get(now).map(|()| instance.clone()))
    }

    /// Takes a push, or says why not.
    pub(crate) fn push(
        &self,
        client: &Client,
        configs: &ResourceConfigs,
        push: &Push,
        max_bytes: usize,
        now: Timestamp,
    ) -> Result<(), ErrorCode> {
        self.with_instance(client, configs, now, |instance| instance.push(push, max_bytes, now))
    }

    /// Keeps what was pushed.
    pub(crate) fn keep(&self, pushed: PushedMetrics) {
        let mut pushes = self.pushes.lock();
        let mut len = pushed.metrics.len() + pushes.iter().map(|pushed| pushed.metrics.len()).sum::<usize>();
        while pushes.len() == MAX_PUSHES || len > MAX_PUSHED {
            let Some(oldest) = pushes.pop_front() else { break };
            len -= oldest.metrics.len();
        }
        pushes.push_back(pushed);
    }

    /// What was pushed, the oldest first.
    pub(crate) fn pushes(&self) -> Vec<PushedMetrics> {
        self.pushes.lock().iter().cloned().collect()
    }

    fn with_instance<T>(
        &self,
        client: &Client,
        configs: &ResourceConfigs,
        now: Timestamp,
        act: impl FnOnce(&mut Instance) -> T,
    ) -> T {
        let version = configs.client_metrics_version();
        let mut instances = self.instances.lock();
        let is_current = instances.get(&client.instance_id).is_some_and(|known| known.version == version);
        if !is_current {
            let subscriptions = configs.subscriptions().map(|(_, subscription)| subscription.as_ref());
            let made = Instance::new(client, subscriptions, version, now);
            make_room(&mut instances, now);
            instances.insert(client.instance_id, made);
        }
        let instance = instances.entry(client.instance_id);
        act(instance.or_insert_with(|| Instance::new(client, std::iter::empty(), version, now)))
    }
}

/// Forgets who is gone, and the most silent one if there are still too many.
fn make_room(instances: &mut HashMap<Uuid, Instance>, now: Timestamp) {
    if instances.len() < MAX_CLIENTS {
        return;
    }
    instances.retain(|_, instance| !instance.is_gone(now));
    if instances.len() < MAX_CLIENTS {
        return;
    }
    if let Some(id) = instances.iter().min_by_key(|(_, instance)| instance.last_seen).map(|(id, _)| *id) {
        instances.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_pushes_are_forgotten_for_their_number_and_for_their_length() {
        let telemetry = Telemetry::default();
        let push = |id: usize, len: usize| {
            telemetry.keep(PushedMetrics {
                client_instance_id: String::new(),
                client_id: id.to_string(),
                terminating: false,
                metrics: vec![0; len].into(),
            });
        };
        let kept = || telemetry.pushes().iter().map(|pushed| pushed.client_id.clone()).collect::<Vec<_>>();
        (0..MAX_PUSHES + 2).for_each(|id| push(id, 1));
        assert_eq!((kept().len(), kept()[0].as_str()), (MAX_PUSHES, "2"));
        push(1000, MAX_PUSHED / 2);
        push(1001, MAX_PUSHED / 2);
        assert_eq!(kept(), ["1000", "1001"]);
        push(1002, MAX_PUSHED + 1);
        assert_eq!(kept(), ["1002"]);
    }
}
