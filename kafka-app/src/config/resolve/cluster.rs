//! Which cluster a listener is of.

use super::{Place, Resolver};
use crate::config::{DEFAULT_CLUSTER, ResolvedListener};

impl Resolver<'_> {
    /// The cluster that was chosen; a handler of dead letters is where these are.
    pub(super) fn cluster(&self) -> Option<String> {
        let Some((place, name)) = self.said(|s| s.cluster.clone()).filter(|(place, _)| *place > Place::Default) else {
            return self.listener_of_dead_letters()?.cluster;
        };
        match self.all_properties.find_cluster(&name) {
            Ok(cluster) => cluster.map(str::to_owned),
            Err(text) => {
                self.mistake(place, "cluster", text);
                None
            }
        }
    }

    pub(super) fn check_cluster_of_dead_letters(&self, of: &str, listener: &ResolvedListener) {
        if self.cluster != listener.cluster {
            let theirs = listener.cluster.as_deref().unwrap_or(DEFAULT_CLUSTER);
            self.mistake_of_listener(format!(
                "handles the dead letters of `{of}`, which are on the cluster `{theirs}`: leave its own `cluster` out"
            ));
        }
    }
}
