//! [`Properties`]: librdkafka properties by name, with secrets kept out of every text.

use std::{
    collections::BTreeMap,
    fmt,
    ops::{Deref, DerefMut},
};

/// librdkafka properties by name (`"linger.ms" = "20"`); `Debug` shows `***` for the values of secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

impl Deref for Properties {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Properties {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl From<BTreeMap<String, String>> for Properties {
    fn from(map: BTreeMap<String, String>) -> Self {
        Self(map)
    }
}

impl From<Properties> for BTreeMap<String, String> {
    fn from(properties: Properties) -> Self {
        properties.0
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_properties(&self.0, f)
    }
}

/// Writes a map of properties with the values of secrets masked.
pub(crate) fn debug_properties(properties: &BTreeMap<String, String>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_map().entries(properties.iter().map(|(key, value)| (key, shown(key, value)))).finish()
}

/// The value as it may be shown: itself, or a mask if the key names a secret.
pub(crate) fn shown<'v>(key: &str, value: &'v str) -> &'v str {
    if is_secret(key) { "***" } else { value }
}

/// Whether the value of this key must never be shown. Errs on the side of masking.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['-', '_'], ".");
    [
        "password",
        "passphrase",
        "secret",
        "token",
        "key.pem",
        "key.store.key",
        "credential",
        "jaas",
        "ssl.key",
        "oauthbearer.config",
    ]
    .iter()
    .any(|word| key.contains(word))
        && !key.ends_with(".location")
        && !key.ends_with(".url")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secrets_are_masked() {
        for key in [
            "sasl.password",
            "ssl.key.pem",
            "ssl.key.password",
            "ssl.keystore.password",
            "sasl.oauthbearer.client.secret",
            "sasl.jaas.config",
            "sasl.oauthbearer.config",
            "sasl.oauthbearer.assertion.private.key.passphrase",
            "SASL_PASSWORD",
            "key-store-key",
            "my.api.token",
            "aws.credentials",
        ] {
            let shown = format!("{:?}", Properties::from_iter([(key, "hunter2")]));
            assert!(!shown.contains("hunter2"), "{key}: {shown}");
        }
    }

    #[test]
    fn other_values_are_shown() {
        for key in ["client.id", "ssl.key.location", "sasl.oauthbearer.token.endpoint.url", "linger.ms"] {
            let shown = format!("{:?}", Properties::from_iter([(key, "visible")]));
            assert!(shown.contains("visible"), "{key}: {shown}");
        }
    }
}
