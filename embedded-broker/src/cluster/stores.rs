//! Key stores and trust stores of listeners that run: read again when a change of configs names them, since it is their files
//! that may have changed.

#[cfg(feature = "tls")]
pub(super) use with_tls::NewStores;
#[cfg(not(feature = "tls"))]
pub(super) use without_tls::NewStores;

#[cfg(feature = "tls")]
mod with_tls {
    use std::sync::Arc;

    use crate::cluster::Cluster;
    use crate::config::alter::broker::invalid_dynamic;
    use crate::config::layers::{BrokerLayers, Configs};
    use crate::error::Error;
    use crate::security::listeners::ListenerConfigs;
    use crate::security::tls::settings::{LiveTls, TlsSettings};

    /// What is read and not taken up yet, by listener.
    pub(in crate::cluster) struct NewStores(Vec<(Arc<LiveTls>, TlsSettings)>);

    impl NewStores {
        /// Reads those that the new configs name anew, and those that were set while running.
        ///
        /// # Errors
        ///
        /// `INVALID_REQUEST` when one cannot be read, or would make the listener somebody else.
        pub(in crate::cluster) fn read(
            cluster: &Cluster,
            old: &BrokerLayers,
            new: &BrokerLayers,
        ) -> Result<Self, Error> {
            let node = cluster.first_node();
            let (was, is) = (old.in_force(node), new.in_force(node));
            let mut changed = Vec::new();
            for listener in &cluster.settings.security.listeners {
                let Some(live) = &listener.tls else { continue };
                let prefix = format!("listener.name.{}.ssl.", listener.spec.name.to_lowercase());
                let own = |configs: &Configs| {
                    let own = configs.iter().filter(|(name, _)| name.starts_with(&prefix));
                    own.map(|(name, value)| (name.clone(), value.clone())).collect::<Configs>()
                };
                let is_dynamic = new.dynamic.get(&node).is_some_and(|configs| !own(configs).is_empty());
                if own(&was) != own(&is) || is_dynamic {
                    let settings = settings(
                        live,
                        TlsSettings::resolve(&listener.spec, ListenerConfigs::new(&listener.spec.name, &is)),
                    );
                    changed.push((Arc::clone(live), settings?));
                }
            }
            Ok(Self(changed))
        }

        /// New connections go by them.
        pub(in crate::cluster) fn take_up(self) {
            self.0.into_iter().for_each(|(live, settings)| live.replace(settings));
        }
    }

    fn settings(live: &LiveTls, read: Result<TlsSettings, Vec<String>>) -> Result<TlsSettings, Error> {
        let refused = |why: &str| {
            invalid_dynamic(&format!("Validation of dynamic config update of SSL keystore/truststore failed: {why}"))
        };
        let settings = read.map_err(|mistakes| refused(&mistakes.join("; ")))?;
        live.now().check_successor(&settings).map_err(|why| refused(&why))?;
        Ok(settings)
    }
}

#[cfg(not(feature = "tls"))]
mod without_tls {
    use crate::cluster::Cluster;
    use crate::config::layers::BrokerLayers;
    use crate::error::Error;

    /// Nothing, where no listener has any.
    pub(in crate::cluster) struct NewStores;

    impl NewStores {
        #[expect(clippy::unnecessary_wraps, reason = "as the one that reads stores")]
        pub(in crate::cluster) fn read(_: &Cluster, _: &BrokerLayers, _: &BrokerLayers) -> Result<Self, Error> {
            Ok(Self)
        }

        #[expect(clippy::unused_self, reason = "as the one that reads stores")]
        pub(in crate::cluster) fn take_up(self) {}
    }
}
