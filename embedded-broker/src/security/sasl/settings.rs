//! What the configs say of logins on one listener.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::exchange::Exchange;
use super::jaas::{self, JaasEntry};
use super::mechanism::Mechanism;
use super::oauthbearer::{OAuthBearer, token::Rules};
use super::plain::Users;
use super::scram::ScramServer;
use crate::config::layers::Configs;
use crate::security::listeners::ListenerConfigs;

const ENABLED: &str = "sasl.enabled.mechanisms";
const JAAS: &str = "sasl.jaas.config";
const CALLBACK: &str = "sasl.server.callback.handler.class";
const MAX_REAUTH: &str = "connections.max.reauth.ms";

/// Configs that are per mechanism, with its name in lower case in front.
pub(crate) const PER_MECHANISM: &[&str] = &[JAAS, CALLBACK, MAX_REAUTH];

/// The mechanisms of a listener.
#[derive(Debug, Default)]
pub(crate) struct SaslSettings {
    mechanisms: BTreeMap<Mechanism, MechanismSettings>,
}

#[derive(Debug)]
struct MechanismSettings {
    kind: Kind,
    /// Absent when a session lasts as long as its connection.
    max_reauth: Option<Duration>,
}

#[derive(Debug)]
enum Kind {
    Plain(Arc<Users>),
    Scram,
    OAuthBearer(Arc<Rules>),
}

impl SaslSettings {
    /// Reads the configs of a listener, or names every mistake in them.
    pub(crate) fn resolve(listener: &str, configs: &Configs) -> Result<Self, Vec<String>> {
        let configs = ListenerConfigs::new(listener, configs);
        let enabled: Vec<&str> = configs.get(ENABLED).unwrap_or("GSSAPI").split(',').map(str::trim).collect();
        let mut settings = Self::default();
        let mut mistakes = Vec::new();
        for name in enabled.into_iter().filter(|name| !name.is_empty()) {
            let Ok(mechanism) = name.parse() else {
                let known = Mechanism::ALL.map(Mechanism::name).join(", ");
                mistakes.push(format!("{ENABLED} of listener {listener} has {name}, and those served are {known}"));
                continue;
            };
            match MechanismSettings::resolve(mechanism, &configs) {
                Ok(resolved) => drop(settings.mechanisms.insert(mechanism, resolved)),
                Err(why) => mistakes.push(format!("{mechanism} of listener {listener}: {why}")),
            }
        }
        if settings.mechanisms.is_empty() && mistakes.is_empty() {
            mistakes.push(format!("{ENABLED} of listener {listener} names no mechanism"));
        }
        if mistakes.is_empty() { Ok(settings) } else { Err(mistakes) }
    }

    /// Lets these users in by PLAIN besides those that the configs name.
    pub(crate) fn add_users(&mut self, users: &[(String, String)]) {
        if let Some(MechanismSettings { kind: Kind::Plain(known), .. }) = self.mechanisms.get_mut(&Mechanism::Plain) {
            let known = Arc::make_mut(known);
            users.iter().for_each(|(name, password)| known.add(name, password));
        }
    }

    pub(crate) fn mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        self.mechanisms.keys().copied()
    }

    /// A conversation of a mechanism, if that is enabled.
    pub(crate) fn exchange(&self, mechanism: Mechanism) -> Option<Exchange> {
        Some(match (&self.mechanisms.get(&mechanism)?.kind, mechanism) {
            (Kind::Plain(users), _) => Exchange::Plain(Arc::clone(users)),
            (Kind::OAuthBearer(rules), _) => Exchange::OAuthBearer(Box::new(OAuthBearer::new(Arc::clone(rules)))),
            (Kind::Scram, Mechanism::Scram(hash)) => Exchange::Scram(Box::new(ScramServer::new(hash))),
            (Kind::Scram, _) => return None,
        })
    }

    pub(crate) fn max_reauth(&self, mechanism: Mechanism) -> Option<Duration> {
        self.mechanisms.get(&mechanism)?.max_reauth
    }
}

impl MechanismSettings {
    fn resolve(mechanism: Mechanism, configs: &ListenerConfigs<'_>) -> Result<Self, String> {
        let prefix = mechanism.name().to_lowercase();
        // As Kafka: accounts are named per mechanism only.
        let jaas = configs.get(&format!("{prefix}.{JAAS}")).map(jaas::parse).transpose()?;
        check_callback(mechanism, configs.get(&format!("{prefix}.{CALLBACK}")))?;
        let max_reauth = configs.get(&format!("{prefix}.{MAX_REAUTH}")).or_else(|| configs.get(MAX_REAUTH));
        let max_reauth = max_reauth.map(|text| text.trim().parse::<i64>()).transpose();
        let max_reauth = max_reauth.map_err(|_| format!("{MAX_REAUTH} must be a number of milliseconds"))?;
        let max_reauth = max_reauth.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
        let kind = match mechanism {
            Mechanism::Plain => Kind::Plain(Arc::new(users(jaas.as_ref()))),
            Mechanism::Scram(_) => Kind::Scram,
            Mechanism::OAuthBearer => Kind::OAuthBearer(Arc::new(rules(jaas.as_ref())?)),
        };
        Ok(Self { kind, max_reauth: max_reauth.map(Duration::from_millis) })
    }
}

/// No class can be loaded: those that Kafka has by itself are what is done here anyway.
fn check_callback(mechanism: Mechanism, class: Option<&str>) -> Result<(), String> {
    let Some(class) = class else { return Ok(()) };
    let own = match mechanism {
        Mechanism::Plain => "PlainServerCallbackHandler",
        Mechanism::Scram(_) => "ScramServerCallbackHandler",
        Mechanism::OAuthBearer => "OAuthBearerUnsecuredValidatorCallbackHandler",
    };
    if class.trim().rsplit('.').next() == Some(own) {
        return Ok(());
    }
    Err(format!("{CALLBACK} can be {own} only, not {class}"))
}

/// `user_NAME="password"` each.
fn users(jaas: Option<&JaasEntry>) -> Users {
    let mut users = Users::default();
    for (option, password) in jaas.iter().flat_map(|entry| &entry.options) {
        if let Some(name) = option.strip_prefix("user_") {
            users.add(name, password);
        }
    }
    users
}

fn rules(jaas: Option<&JaasEntry>) -> Result<Rules, String> {
    let option = |name: &str| {
        let value = jaas?.options.get(&format!("unsecuredValidator{name}"))?.trim();
        (!value.is_empty()).then_some(value)
    };
    let skew = option("AllowableClockSkewMs").map_or(Ok(0), str::parse);
    let default = Rules::default();
    Ok(Rules {
        principal_claim: option("PrincipalClaimName").map_or(default.principal_claim, str::to_owned),
        scope_claim: option("ScopeClaimName").map_or(default.scope_claim, str::to_owned),
        required_scope: option("RequiredScope").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        clock_skew_ms: skew.map_err(|_| "unsecuredValidatorAllowableClockSkewMs must be a number of milliseconds")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(pairs: &[(&str, &str)]) -> Result<SaslSettings, String> {
        let configs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        SaslSettings::resolve("OUT", &configs).map_err(|mistakes| mistakes.join("; "))
    }

    #[test]
    fn what_a_listener_says_for_itself_comes_first() {
        let settings = resolve(&[
            ("sasl.enabled.mechanisms", "GSSAPI"),
            ("listener.name.out.sasl.enabled.mechanisms", "SCRAM-SHA-512, PLAIN"),
            ("connections.max.reauth.ms", "5"),
            ("listener.name.out.scram-sha-512.connections.max.reauth.ms", "7"),
        ]);
        let settings = settings.unwrap();
        let mechanisms: Vec<_> = settings.mechanisms().map(Mechanism::name).collect();
        assert_eq!(mechanisms, ["PLAIN", "SCRAM-SHA-512"]);
        let limits = settings.mechanisms().map(|mechanism| settings.max_reauth(mechanism).unwrap().as_millis());
        assert_eq!(limits.collect::<Vec<_>>(), [5, 7]);
    }

    #[test]
    fn mechanisms_that_are_not_served_are_named() {
        let known = "those served are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER";
        let expected = format!("sasl.enabled.mechanisms of listener OUT has GSSAPI, and {known}");
        assert_eq!(resolve(&[]).unwrap_err(), expected);
        assert!(resolve(&[("sasl.enabled.mechanisms", "")]).unwrap_err().ends_with("names no mechanism"));
    }

    #[test]
    fn classes_that_nobody_has_are_refused() {
        let plain = ("sasl.enabled.mechanisms", "PLAIN");
        let handler = "listener.name.out.plain.sasl.server.callback.handler.class";
        assert!(resolve(&[plain, (handler, "org.apache.PlainServerCallbackHandler")]).is_ok());
        let refused = resolve(&[plain, (handler, "com.example.Ldap")]).unwrap_err();
        assert_eq!(
            refused,
            "PLAIN of listener OUT: sasl.server.callback.handler.class can be PlainServerCallbackHandler only, not \
             com.example.Ldap"
        );
    }
}
