//! [`ClientSettings`]: how to connect and log in, by the names that Java clients use.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rustls::ClientConfig;

use super::{WireError, endpoint::Endpoint, login::Login, tls};

/// What is read of the properties of a client.
#[derive(Debug, Clone)]
pub(crate) struct ClientSettings {
    /// Where to ask first, as `host:port`.
    pub(super) servers: Vec<String>,
    pub(super) endpoint: Endpoint,
    pub(super) client_id: String,
    /// `None`: in plain text.
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) login: Option<Login>,
    /// How long one request may take.
    pub(super) request_timeout: Duration,
    /// How long a call may take with all its requests.
    pub(super) api_timeout: Duration,
    pub(super) retry_backoff: Duration,
}

impl ClientSettings {
    /// Reads the properties; what has to do with records only is for other clients.
    ///
    /// # Errors
    /// A property has a value that cannot be, or that this program cannot do.
    pub(crate) fn of(properties: &BTreeMap<String, String>) -> Result<Self, WireError> {
        let get = |key: &str| properties.get(key).map(String::as_str);
        let protocol = get("security.protocol").unwrap_or("PLAINTEXT").to_ascii_uppercase();
        let (is_tls, has_login) = match protocol.as_str() {
            "PLAINTEXT" => (false, false),
            "SSL" => (true, false),
            "SASL_PLAINTEXT" => (false, true),
            "SASL_SSL" => (true, true),
            other => return Err(invalid("security.protocol", other, "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")),
        };
        let mechanism = get("sasl.mechanism").unwrap_or("GSSAPI");
        let (key, endpoint) = match get("bootstrap.controllers") {
            Some(_) => ("bootstrap.controllers", Endpoint::Controller),
            None => ("bootstrap.servers", Endpoint::Broker),
        };
        Ok(Self {
            servers: servers(key, get(key).unwrap_or_default())?,
            endpoint,
            client_id: get("client.id").unwrap_or("kafka-app").to_owned(),
            tls: is_tls.then(|| tls::config(properties)).transpose()?,
            login: has_login.then(|| Login::of(mechanism, get("sasl.jaas.config"))).transpose()?,
            request_timeout: milliseconds(properties, "request.timeout.ms", 30_000)?,
            api_timeout: milliseconds(properties, "default.api.timeout.ms", 60_000)?,
            retry_backoff: milliseconds(properties, "retry.backoff.ms", 100)?,
        })
    }

    /// The same, with another bound for a whole call.
    pub(crate) fn with_api_timeout(self, api_timeout: Duration) -> Self {
        Self { api_timeout, ..self }
    }
}

fn servers(key: &str, list: &str) -> Result<Vec<String>, WireError> {
    let servers: Vec<String> =
        list.split(',').map(str::trim).filter(|server| !server.is_empty()).map(str::to_owned).collect();
    if servers.is_empty() {
        return Err(WireError::Settings(format!("No resolvable bootstrap urls given in {key}")));
    }
    let has_port = |server: &&String| {
        server.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    match servers.iter().find(|server| !has_port(server)) {
        Some(server) => Err(WireError::Settings(format!("Invalid url in {key}: {server}"))),
        None => Ok(servers),
    }
}

fn milliseconds(properties: &BTreeMap<String, String>, key: &str, default: u64) -> Result<Duration, WireError> {
    match properties.get(key) {
        None => Ok(Duration::from_millis(default)),
        Some(value) => {
            value.trim().parse().map(Duration::from_millis).map_err(|_| invalid(key, value, "a number of milliseconds"))
        }
    }
}

fn invalid(key: &str, value: &str, wanted: &str) -> WireError {
    WireError::Settings(format!("Invalid value {value} for configuration {key}: it must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(properties: &[(&str, &str)]) -> Result<ClientSettings, WireError> {
        ClientSettings::of(&properties.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn servers_are_a_list_with_ports() {
        let settings = settings(&[("bootstrap.servers", "a:1, b:2,,[::1]:3")]).unwrap();
        assert_eq!(settings.servers, ["a:1", "b:2", "[::1]:3"]);
    }

    #[test]
    fn controllers_are_named_by_a_property_of_their_own() {
        let settings = settings(&[("bootstrap.controllers", "a:1")]).unwrap();
        assert_eq!((settings.servers, settings.endpoint), (vec!["a:1".to_owned()], Endpoint::Controller));
    }

    #[test]
    fn a_server_without_a_port_is_refused_in_javas_words() {
        let refused = settings(&[("bootstrap.servers", "127.0.0.1")]).unwrap_err();
        assert_eq!(refused.message(), "Invalid url in bootstrap.servers: 127.0.0.1");
        assert!(settings(&[]).is_err());
    }

    #[test]
    fn an_unknown_protocol_and_a_crooked_number_are_refused() {
        let refused = settings(&[("bootstrap.servers", "a:1"), ("security.protocol", "TLS")]).unwrap_err();
        assert!(refused.message().contains("security.protocol"), "{refused}");
        let refused = settings(&[("bootstrap.servers", "a:1"), ("request.timeout.ms", "soon")]).unwrap_err();
        assert!(refused.message().contains("request.timeout.ms"), "{refused}");
    }
}
