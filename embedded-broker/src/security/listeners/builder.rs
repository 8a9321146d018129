//! A listener as Rust code asks for it; it says the same as Kafka's configs would.

use std::fmt::{self, Display};

use super::{ADVERTISED, LISTENERS, PROTOCOL_MAP};
use crate::config::layers::Configs;
use crate::error::{Error, ErrorCode};
use crate::security::protocol::SecurityProtocol;
#[cfg(feature = "tls")]
use crate::security::tls::certificates::{Certificate, CertificateAuthority};

/// A place where clients connect: a name, a security protocol and an address.
///
/// A broker without any has one, `PLAINTEXT`, on a port of the loopback interface that the system chooses. Every client is
/// told the address of the listener it came in by.
///
/// ```
/// use embedded_broker::{EmbeddedBroker, Listener};
///
/// let broker = EmbeddedBroker::builder()
///     .listener(Listener::plaintext())
///     .listener(Listener::plaintext().name("OTHER"))
///     .start()?;
/// assert_ne!(broker.bootstrap_servers_of("PLAINTEXT"), broker.bootstrap_servers_of("OTHER"));
/// # Ok::<(), embedded_broker::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a listener does nothing until a broker is given it"]
pub struct Listener {
    name: String,
    protocol: SecurityProtocol,
    host: String,
    port: u16,
    advertised: Option<(String, u16)>,
    configs: Configs,
}

impl Listener {
    /// A listener without encryption and without a login, named `PLAINTEXT`.
    pub fn plaintext() -> Self {
        Self::new(SecurityProtocol::Plaintext)
    }

    /// A listener without encryption where clients log in, named `SASL_PLAINTEXT`: by PLAIN, SCRAM-SHA-256 or
    /// SCRAM-SHA-512, unless [`mechanisms`](Self::mechanisms) says otherwise.
    pub fn sasl_plaintext() -> Self {
        Self::new(SecurityProtocol::SaslPlaintext).mechanisms("PLAIN,SCRAM-SHA-256,SCRAM-SHA-512")
    }

    /// A listener with TLS, named `SSL`, that proves itself by this certificate.
    #[cfg(feature = "tls")]
    pub fn ssl(server: &Certificate) -> Self {
        Self::new(SecurityProtocol::Ssl).proven_by(server)
    }

    /// A listener with TLS where clients log in, as at [`sasl_plaintext`](Self::sasl_plaintext), named `SASL_SSL`.
    #[cfg(feature = "tls")]
    pub fn sasl_ssl(server: &Certificate) -> Self {
        let listener = Self::new(SecurityProtocol::SaslSsl).proven_by(server);
        listener.mechanisms("PLAIN,SCRAM-SHA-256,SCRAM-SHA-512")
    }

    #[cfg(feature = "tls")]
    fn proven_by(self, server: &Certificate) -> Self {
        self.config("ssl.keystore.type", "PEM")
            .config("ssl.keystore.certificate.chain", server.certificate_pem())
            .config("ssl.keystore.key", server.key_pem())
    }

    /// Asks clients for a certificate that this authority has signed: it says who they are, and without one the connection
    /// is refused. `.config("ssl.client.auth", "requested")` behind it lets them come without.
    ///
    /// ```
    /// use embedded_broker::{CertificateAuthority, EmbeddedBroker, Listener};
    ///
    /// let ca = CertificateAuthority::new();
    /// let listener = Listener::ssl(&ca.server()).client_certificates(&ca);
    /// let broker = EmbeddedBroker::builder().listener(listener).start()?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn client_certificates(self, authority: &CertificateAuthority) -> Self {
        self.config("ssl.client.auth", "required")
            .config("ssl.truststore.type", "PEM")
            .config("ssl.truststore.certificates", authority.certificate_pem())
    }

    fn new(protocol: SecurityProtocol) -> Self {
        Self {
            name: protocol.name().to_owned(),
            protocol,
            host: "127.0.0.1".to_owned(),
            port: 0,
            advertised: None,
            configs: Configs::new(),
        }
    }

    /// Another name than that of the protocol. Kafka compares names in upper case.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Binds to this host instead of 127.0.0.1; an empty one is every address of the machine.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Binds to this port instead of one the system chooses.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Tells clients to come to this address, for one behind a proxy; port 0 is the one that is bound.
    pub fn advertised(mut self, host: impl Into<String>, port: u16) -> Self {
        self.advertised = Some((host.into(), port));
        self
    }

    /// The mechanisms by which clients log in, with commas between them: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, and
    /// `OAUTHBEARER`, which lets everybody in as whoever they say they are.
    pub fn mechanisms(self, mechanisms: impl Into<String>) -> Self {
        self.config("sasl.enabled.mechanisms", mechanisms.into())
    }

    /// Sets a broker config for this listener only: Kafka's `listener.name.<name>.<key>`.
    #[expect(clippy::needless_pass_by_value, reason = "a number or a bool is written without ceremony")]
    pub fn config(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.configs.insert(key.into(), value.to_string());
        self
    }

    fn entry(&self, host: &str, port: u16) -> String {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{}://{host}:{port}", self.name)
    }

    fn told(&self) -> String {
        match &self.advertised {
            Some((host, port)) => self.entry(host, *port),
            None => self.entry(&self.host, self.port),
        }
    }
}

/// Without the values of configs, among which are passwords.
impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({} as {})", self.entry(&self.host, self.port), self.protocol)
    }
}

/// Writes the listeners as Kafka's configs.
///
/// # Errors
///
/// If the configs say something of listeners themselves.
pub(crate) fn write(listeners: &[Listener], configs: &mut Configs) -> Result<(), Error> {
    if listeners.is_empty() {
        return Ok(());
    }
    let list = |entry: &dyn Fn(&Listener) -> String| listeners.iter().map(entry).collect::<Vec<_>>().join(",");
    put(configs, LISTENERS, list(&|one| one.entry(&one.host, one.port)))?;
    if listeners.iter().any(|one| one.advertised.is_some()) {
        put(configs, ADVERTISED, list(&Listener::told))?;
    }
    let is_its_protocol = |one: &Listener| one.name.eq_ignore_ascii_case(one.protocol.name());
    if !listeners.iter().all(is_its_protocol) {
        put(configs, PROTOCOL_MAP, list(&|one| format!("{}:{}", one.name, one.protocol)))?;
    }
    for listener in listeners {
        let prefix = format!("listener.name.{}", listener.name.to_lowercase());
        for (key, value) in &listener.configs {
            put(configs, &format!("{prefix}.{key}"), value)?;
        }
    }
    Ok(())
}

fn put(configs: &mut Configs, key: &str, value: impl Display) -> Result<(), Error> {
    match configs.insert(key.to_owned(), value.to_string()) {
        None => Ok(()),
        Some(_) => {
            let why = format!("{key} is set as a config and by the builder's listeners: leave one of them out");
            Err(Error::with_code(ErrorCode::InvalidConfig, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builder_says_what_kafkas_configs_say() {
        let mut configs = Configs::new();
        let other = Listener::plaintext().name("Other").host("::1").port(7).advertised("h", 8).config("a.b", 1);
        write(&[Listener::plaintext(), other], &mut configs).unwrap();
        let said: Vec<String> = configs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            said,
            [
                "advertised.listeners=PLAINTEXT://127.0.0.1:0,Other://h:8",
                "listener.name.other.a.b=1",
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,Other:PLAINTEXT",
                "listeners=PLAINTEXT://127.0.0.1:0,Other://[::1]:7",
            ]
        );
        assert!(write(&[Listener::plaintext()], &mut configs).is_err(), "listeners are said twice");
    }
}
