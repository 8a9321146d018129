//! Everything the configs say of security, read once when the broker starts.

use std::sync::Arc;
use std::time::Duration;

use super::acl::{self, settings::AclSettings};
use super::listeners::{self, ListenerSpec};
use super::sasl::settings::{PER_MECHANISM, SaslSettings};
#[cfg(feature = "tls")]
use super::tls::settings::{LiveTls, TlsSettings};
use crate::config::layers::Configs;

const FAILED_DELAY: &str = "connection.failed.authentication.delay.ms";
const DEFAULT_FAILED_DELAY: Duration = Duration::from_millis(100);
const MAX_RECEIVE: &str = "sasl.server.max.receive.size";

/// Configs that a listener may have for itself.
const PER_LISTENER: &[&str] = &[
    "connections.max.reauth.ms",
    "sasl.enabled.mechanisms",
    "ssl.allow.dn.changes",
    "ssl.allow.san.changes",
    "ssl.cipher.suites",
    "ssl.client.auth",
    "ssl.enabled.protocols",
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.principal.mapping.rules",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
    MAX_RECEIVE,
];

/// Configs of brokers that log in at each other, which nobody does here.
const WITHOUT_MEANING: &[&str] = &["sasl.mechanism.inter.broker.protocol", "sasl.mechanism.controller.protocol"];

/// What the configs say of security.
#[derive(Debug, Clone)]
pub(crate) struct SecuritySettings {
    pub(crate) listeners: Vec<ListenerSettings>,
    /// `connection.failed.authentication.delay.ms`: how long a refused client waits for its answer.
    pub(crate) failed_delay: Duration,
    /// How requests are judged; absent when everybody may do everything.
    pub(crate) acl: Option<AclSettings>,
}

/// One listener and how clients log in there.
#[derive(Debug, Clone)]
pub(crate) struct ListenerSettings {
    pub(crate) spec: ListenerSpec,
    /// Absent where clients need not say who they are.
    pub(crate) sasl: Option<Arc<SaslSettings>>,
    /// Absent where nothing is encrypted.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Arc<LiveTls>>,
    /// `sasl.server.max.receive.size`: a longer frame of a client that is not yet known closes the connection.
    pub(crate) max_receive: usize,
}

impl Default for SecuritySettings {
    fn default() -> Self {
        Self::on_loopback(0)
    }
}

/// Whether a config is about security, and so read by [`SecuritySettings::resolve`].
pub(crate) fn is_ours(key: &str) -> bool {
    if let Some((_, key)) = listeners::of_listener(key) {
        return PER_LISTENER.contains(&key) || PER_MECHANISM.iter().any(|own| is_of_mechanism(key, own));
    }
    listeners::is_ours(key)
        || acl::settings::is_ours(key)
        || key == FAILED_DELAY
        || PER_LISTENER.contains(&key)
        || WITHOUT_MEANING.contains(&key)
}

fn is_of_mechanism(key: &str, own: &str) -> bool {
    let mechanism = key.strip_suffix(own).and_then(|rest| rest.strip_suffix('.'));
    mechanism.is_some_and(|name| name.to_uppercase().parse::<super::sasl::mechanism::Mechanism>().is_ok())
}

impl SecuritySettings {
    /// One listener in plain text, on loopback.
    pub(crate) fn on_loopback(port: u16) -> Self {
        let listener = ListenerSettings {
            spec: ListenerSpec::on_loopback(port),
            sasl: None,
            #[cfg(feature = "tls")]
            tls: None,
            max_receive: 524_288,
        };
        Self { listeners: vec![listener], failed_delay: DEFAULT_FAILED_DELAY, acl: None }
    }

    /// Reads the configs, or names every mistake in them.
    pub(crate) fn resolve(configs: &Configs) -> Result<Self, Vec<String>> {
        let specs = listeners::resolve(configs)?;
        let mut mistakes = strangers(configs, &specs);
        let mut resolved = Vec::new();
        for spec in specs {
            match ListenerSettings::resolve(spec, configs) {
                Ok(listener) => resolved.push(listener),
                Err(wrong) => mistakes.extend(wrong),
            }
        }
        let delay = configs.get(FAILED_DELAY).map(|text| text.trim().parse().map(Duration::from_millis));
        let failed_delay = delay.unwrap_or(Ok(DEFAULT_FAILED_DELAY)).map_err(|_| {
            mistakes.push(format!("{FAILED_DELAY} must be a number of milliseconds"));
        });
        let acl = AclSettings::resolve(configs).unwrap_or_else(|wrong| {
            mistakes.extend(wrong);
            None
        });
        match failed_delay {
            Ok(failed_delay) if mistakes.is_empty() => Ok(Self { listeners: resolved, failed_delay, acl }),
            _ => Err(mistakes),
        }
    }

    /// Lets these users in by PLAIN wherever that is served.
    pub(crate) fn add_users(&mut self, users: &[(String, String)]) {
        for sasl in self.listeners.iter_mut().filter_map(|listener| listener.sasl.as_mut()) {
            if let Some(sasl) = Arc::get_mut(sasl) {
                sasl.add_users(users);
            }
        }
    }
}

impl ListenerSettings {
    fn resolve(spec: ListenerSpec, configs: &Configs) -> Result<Self, Vec<String>> {
        let own = listeners::ListenerConfigs::new(&spec.name, configs);
        let max_receive = own.get(MAX_RECEIVE).map_or(Ok(524_288), |text| text.trim().parse());
        let max_receive = max_receive
            .map_err(|_| vec![format!("{MAX_RECEIVE} of listener {} must be a number of bytes", spec.name)])?;
        #[cfg(not(feature = "tls"))]
        if spec.protocol.is_tls() {
            let name = &spec.name;
            return Err(vec![format!(
                "{} of listener {name} needs the feature `tls` of embedded-broker",
                spec.protocol
            )]);
        }
        #[cfg(feature = "tls")]
        let tls = match spec.protocol.is_tls() {
            true => Some(Arc::new(LiveTls::new(TlsSettings::resolve(&spec, own)?))),
            false => None,
        };
        let sasl = if spec.protocol.is_sasl() { Some(SaslSettings::resolve(&spec.name, configs)?) } else { None };
        Ok(Self {
            sasl: sasl.map(Arc::new),
            #[cfg(feature = "tls")]
            tls,
            spec,
            max_receive,
        })
    }
}

/// Configs of listeners that nobody has: in silence, a misspelt name would leave a listener open.
fn strangers(configs: &Configs, specs: &[ListenerSpec]) -> Vec<String> {
    let mut mistakes = Vec::new();
    for key in configs.keys() {
        if let Some((name, _)) = listeners::of_listener(key)
            && !specs.iter().any(|spec| spec.name.eq_ignore_ascii_case(name))
        {
            mistakes.push(format!("{key}: there is no listener {}", name.to_uppercase()));
        }
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(pairs: &[(&str, &str)]) -> Result<SecuritySettings, String> {
        let configs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        SecuritySettings::resolve(&configs).map_err(|mistakes| mistakes.join("; "))
    }

    #[test]
    fn configs_of_one_listener_are_known_by_their_end() {
        for ours in [
            "listeners",
            "connections.max.reauth.ms",
            "super.users",
            "listener.name.out.sasl.enabled.mechanisms",
            "listener.name.out.scram-sha-256.sasl.jaas.config",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "num.partitions",
            "listener.name.out.num.partitions",
            "listener.name.out.x.sasl.jaas.config",
            "listener.name.out.sasl.jaas.config",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn a_listener_with_a_login_knows_its_mechanisms() {
        let settings = resolve(&[
            ("listeners", "PLAINTEXT://:0,SASL_PLAINTEXT://:0"),
            ("sasl.enabled.mechanisms", "PLAIN"),
            ("sasl.server.max.receive.size", "1000"),
            ("connection.failed.authentication.delay.ms", "7"),
        ]);
        let settings = settings.unwrap();
        let with_login: Vec<_> = settings.listeners.iter().map(|listener| listener.sasl.is_some()).collect();
        assert_eq!((with_login.as_slice(), settings.failed_delay.as_millis()), (&[false, true][..], 7));
        assert_eq!(settings.listeners[1].max_receive, 1000);
    }

    #[test]
    fn every_mistake_is_named() {
        let refused = resolve(&[
            ("listeners", "SASL_PLAINTEXT://:0"),
            ("listener.name.sasl.plain.sasl.jaas.config", "x required;"),
            ("connection.failed.authentication.delay.ms", "soon"),
        ]);
        let refused = refused.unwrap_err();
        for part in ["there is no listener SASL", "GSSAPI", "delay.ms must be a number"] {
            assert!(refused.contains(part), "{refused}");
        }
    }
}
