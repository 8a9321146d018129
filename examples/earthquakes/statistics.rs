//! Application state: what the listeners saw, and a way to wait until they saw enough.

use std::collections::BTreeMap;

use tokio::sync::watch;

/// Shared by all listeners through `State<Statistics>`.
#[derive(Debug)]
pub(crate) struct Statistics(watch::Sender<Counts>);

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Records of `quakes.raw`, malformed ones included.
    pub(crate) records_read: u64,
    /// Records the alert listener took, malformed ones excluded.
    pub(crate) events_checked: u64,
    /// Alerts the alert listener returned.
    pub(crate) alerts_raised: u64,
    /// Records of `quakes.alerts`.
    pub(crate) alerts_read: u64,
    /// Records of the dead letter topic.
    pub(crate) dead_letters: u64,
    /// By network.
    pub(crate) networks: BTreeMap<String, Network>,
}

/// What one seismic network reported.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    pub(crate) events: u64,
    pub(crate) strongest: Option<f64>,
}

impl Statistics {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Counts::default()))
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Counts)) {
        self.0.send_modify(change);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0.borrow().clone()
    }

    /// Resolves when `enough` holds; `progress` sees every state on the way.
    pub(crate) async fn wait_until(&self, mut enough: impl FnMut(&Counts) -> bool) {
        let mut counts = self.0.subscribe();
        // The sender lives as long as `self`, so this cannot fail.
        let _ = counts.wait_for(|counts| enough(counts)).await;
    }
}

impl Counts {
    /// Adds one event to its network's row.
    pub(crate) fn count(&mut self, network: &str, magnitude: Option<f64>) {
        if !self.networks.contains_key(network) {
            self.networks.insert(network.to_owned(), Network::default());
        }
        if let Some(row) = self.networks.get_mut(network) {
            row.events += 1;
            row.strongest = row.strongest.into_iter().chain(magnitude).reduce(f64::max);
        }
    }
}
