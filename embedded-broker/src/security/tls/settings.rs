//! What the configs say of TLS on one listener.

use std::sync::Arc;

use parking_lot::RwLock;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::mapping::Mapping;
use super::stores::{self, KeyStore};
use super::{name, suites};
use crate::security::listeners::{ListenerConfigs, ListenerSpec};
use crate::security::principal::Principal;

/// How a listener proves itself, and what it asks of clients.
#[derive(Debug, Clone)]
pub(crate) struct TlsSettings {
    pub(crate) server: Arc<ServerConfig>,
    mapping: Mapping,
    /// Its own certificate: another one must not be somebody else's.
    own: CertificateDer<'static>,
    /// Whether a client without a certificate is turned away.
    pub(crate) needs_certificates: bool,
    allow_dn_changes: bool,
    allow_san_changes: bool,
}

/// The settings of a listener that runs: new connections go by those of now.
#[derive(Debug)]
pub(crate) struct LiveTls(RwLock<TlsSettings>);

impl LiveTls {
    pub(crate) fn new(settings: TlsSettings) -> Self {
        Self(RwLock::new(settings))
    }

    pub(crate) fn now(&self) -> TlsSettings {
        self.0.read().clone()
    }

    pub(crate) fn replace(&self, settings: TlsSettings) {
        *self.0.write() = settings;
    }
}

impl TlsSettings {
    pub(crate) fn resolve(spec: &ListenerSpec, configs: ListenerConfigs<'_>) -> Result<Self, Vec<String>> {
        let of_listener = |why: String| vec![format!("TLS of listener {}: {why}", spec.name)];
        let (server, own, needs_certificates) = server(spec, configs).map_err(of_listener)?;
        let mapping = Mapping::parse(configs.get("ssl.principal.mapping.rules").unwrap_or("DEFAULT"));
        let says_true = |key| configs.get(key).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        Ok(Self {
            server: Arc::new(server),
            mapping: mapping.map_err(of_listener)?,
            own,
            needs_certificates,
            allow_dn_changes: says_true("ssl.allow.dn.changes"),
            allow_san_changes: says_true("ssl.allow.san.changes"),
        })
    }

    /// The certificate that the listener shows.
    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.own
    }

    /// Who a client is by its certificate: nobody in particular without one, or where no rule applies.
    pub(crate) fn principal(&self, certificates: Option<&[CertificateDer<'_>]>) -> Option<Principal> {
        let Some(own) = certificates.and_then(<[_]>::first) else { return Some(Principal::anonymous()) };
        let subject = name::subject(own)?;
        self.mapping.apply(&subject).map(Principal::user)
    }

    /// Whether a listener that runs may have these settings instead. As Kafka: its certificate may be renewed, and may not
    /// become somebody else's.
    ///
    /// # Errors
    ///
    /// What of its certificate would change.
    pub(crate) fn check_successor(&self, new: &Self) -> Result<(), String> {
        let (was, is) = (name::subject(&self.own).unwrap_or_default(), name::subject(&new.own).unwrap_or_default());
        if was != is && !new.allow_dn_changes {
            return Err(format!("Keystore DistinguishedName does not match: existing={{DN={was}}}, new={{DN={is}}}"));
        }
        let (was, is) = (name::alternatives(&self.own), name::alternatives(&new.own));
        if !is.is_superset(&was) && !new.allow_san_changes {
            return Err(format!("Keystore SubjectAltNames do not match: existing={was:?}, new={is:?}"));
        }
        Ok(())
    }
}

/// How the listener shakes hands, its own certificate, and whether clients need one.
fn server(
    spec: &ListenerSpec,
    configs: ListenerConfigs<'_>,
) -> Result<(ServerConfig, CertificateDer<'static>, bool), String> {
    let KeyStore { chain, key } = stores::key_store(configs)?;
    let own = chain.first().cloned().ok_or("its key store has no certificate")?;
    let provider = suites::limited(rustls::crypto::ring::default_provider(), configs.get("ssl.cipher.suites"))?;
    let provider = Arc::new(provider);
    let clients = clients(spec, configs, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&suites::versions(configs.get("ssl.enabled.protocols"))?)
        .map_err(|error| error.to_string())?;
    let needs_certificates = clients.as_ref().is_some_and(|verifier| verifier.client_auth_mandatory());
    let builder = match clients {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let server = builder.with_single_cert(chain, key).map_err(|error| format!("its key store: {error}"))?;
    Ok((server, own, needs_certificates))
}

/// Whether clients have to show a certificate, and who must have signed it. As Kafka: where clients log in, what is said for
/// all listeners is not meant.
fn clients(
    spec: &ListenerSpec,
    configs: ListenerConfigs<'_>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    let key = "ssl.client.auth";
    let said = if spec.protocol.is_sasl() { configs.get_own(key) } else { configs.get(key) };
    let must = match said.unwrap_or("none") {
        "none" => return Ok(None),
        "requested" => false,
        "required" => true,
        other => return Err(format!("{key} must be none, requested or required, not {other}")),
    };
    let trusted = stores::trust_store(configs)?
        .ok_or("ssl.client.auth needs ssl.truststore.certificates or ssl.truststore.location")?;
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate).map_err(|error| format!("its trust store: {error}"))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if must { builder } else { builder.allow_unauthenticated() };
    builder.build().map(Some).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::Configs;
    use crate::security::protocol::SecurityProtocol;
    use crate::security::tls::certificates::{Certificate, CertificateAuthority};
    use crate::security::tls::pem;

    fn resolve(pairs: &[(&str, &str)]) -> Result<TlsSettings, String> {
        let configs: Configs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        resolve_for(SecurityProtocol::Ssl, &configs)
    }

    fn resolve_for(protocol: SecurityProtocol, configs: &Configs) -> Result<TlsSettings, String> {
        let spec = ListenerSpec { name: Arc::from(protocol.name()), protocol, ..ListenerSpec::on_loopback(0) };
        let own = ListenerConfigs::new(&spec.name, configs);
        TlsSettings::resolve(&spec, own).map_err(|mistakes| mistakes.join("; "))
    }

    #[test]
    fn a_key_store_is_pem_in_the_configs() {
        let ca = CertificateAuthority::new();
        let server = ca.server();
        let (chain, key) = (server.certificate_pem(), server.key_pem());
        let one_line = chain.replace('\n', " ");
        for chain in [chain, &one_line] {
            let configs = [
                ("ssl.keystore.type", "PEM"),
                ("ssl.keystore.certificate.chain", chain),
                ("listener.name.ssl.ssl.keystore.key", key),
                ("ssl.enabled.protocols", "TLSv1.2"),
            ];
            assert!(resolve(&configs).is_ok());
        }
    }

    #[test]
    fn what_is_missing_or_not_read_is_said() {
        let ca = CertificateAuthority::new();
        let server = ca.server();
        let pem = ("ssl.keystore.type", "PEM");
        let chain = ("ssl.keystore.certificate.chain", server.certificate_pem());
        let key = ("ssl.keystore.key", server.key_pem());
        for (configs, why) in [
            (&[][..], "must be set"),
            (&[("ssl.keystore.location", "/etc/kafka.jks")], "key store password is not specified"),
            (&[("ssl.keystore.password", "secret")], "key store is not specified, but"),
            (&[("ssl.keystore.type", "BCFKS")], "ssl.keystore.type can be JKS, PKCS12 and PEM, and not BCFKS"),
            (
                &[("ssl.keystore.location", "/nowhere"), ("ssl.keystore.password", "x")],
                "key store /nowhere: No such file",
            ),
            (&[chain, key], "only for PEM"),
            (&[pem, ("ssl.keystore.location", "/nowhere")], "key store /nowhere: No such file"),
            (&[pem, chain], "private key is not specified"),
            (&[pem, key], "certificate chain is not specified"),
            (&[pem, chain, key, ("ssl.keystore.location", "x")], "Both SSL key store location"),
            (&[pem, chain, key, ("ssl.keystore.password", "x")], "only key password may be specified"),
            (&[pem, chain, key, ("ssl.key.password", "x")], "it is not encrypted"),
            (&[pem, chain, key, ("ssl.cipher.suites", "x")], "no cipher suite x"),
            (&[pem, chain, key, ("ssl.client.auth", "perhaps")], "must be none, requested or required"),
            (&[pem, chain, key, ("ssl.client.auth", "required")], "needs ssl.truststore.certificates"),
            (&[pem, chain, key, ("ssl.enabled.protocols", "TLSv1.1")], "must name TLSv1.2"),
            (&[pem, chain, key, ("ssl.principal.mapping.rules", "x")], "Invalid rule"),
        ] {
            let refused = resolve(configs).unwrap_err();
            assert!(refused.starts_with("TLS of listener SSL: ") && refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn where_clients_log_in_certificates_are_asked_for_by_that_listener_only() {
        let server = CertificateAuthority::new().server();
        let mut configs = Configs::from([
            ("ssl.keystore.type".to_owned(), "PEM".to_owned()),
            ("ssl.keystore.certificate.chain".to_owned(), server.certificate_pem().to_owned()),
            ("ssl.keystore.key".to_owned(), server.key_pem().to_owned()),
            ("ssl.client.auth".to_owned(), "required".to_owned()),
        ]);
        assert!(resolve_for(SecurityProtocol::SaslSsl, &configs).is_ok());
        assert!(resolve_for(SecurityProtocol::Ssl, &configs).unwrap_err().contains("needs ssl.truststore"));
        configs.insert("listener.name.sasl_ssl.ssl.client.auth".to_owned(), "required".to_owned());
        assert!(resolve_for(SecurityProtocol::SaslSsl, &configs).unwrap_err().contains("needs ssl.truststore"));
    }

    #[test]
    fn a_certificate_may_be_renewed_and_not_become_somebody_elses() {
        let ca = CertificateAuthority::new();
        let of = |own: &Certificate, more: &[(&str, &str)]| {
            let pem = [
                ("ssl.keystore.type", "PEM"),
                ("ssl.keystore.certificate.chain", own.certificate_pem()),
                ("ssl.keystore.key", own.key_pem()),
            ];
            resolve(&[&pem, more].concat()).unwrap()
        };
        let first = of(&ca.server(), &[]);
        assert_eq!(first.check_successor(&of(&ca.server(), &[])), Ok(()));
        let other = ca.client("localhost");
        assert!(first.check_successor(&of(&other, &[])).unwrap_err().starts_with("Keystore SubjectAltNames do not"));
        assert_eq!(first.check_successor(&of(&other, &[("ssl.allow.san.changes", "true")])), Ok(()));
        let why = first.check_successor(&of(&ca.client("alice"), &[])).unwrap_err();
        let words = "Keystore DistinguishedName does not match: existing={DN=CN=localhost,O=Tests,C=AQ}, \
                     new={DN=CN=alice,O=Tests,C=AQ}";
        assert_eq!(why, words);
    }

    #[test]
    fn a_certificate_names_its_owner_as_java_does() {
        let ca = CertificateAuthority::new();
        let client = ca.client("alice");
        let server = ca.server();
        let settings = resolve(&[
            ("ssl.keystore.type", "PEM"),
            ("ssl.keystore.certificate.chain", server.certificate_pem()),
            ("ssl.keystore.key", server.key_pem()),
        ])
        .unwrap();
        let certificates = pem::certificates(client.certificate_pem()).unwrap();
        assert_eq!(settings.principal(Some(&certificates)), Some(Principal::user("CN=alice,O=Tests,C=AQ")));
        assert_eq!(settings.principal(None), Some(Principal::anonymous()));
    }
}
