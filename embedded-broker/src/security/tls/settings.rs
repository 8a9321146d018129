//! What the configs say of TLS on one listener.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::mapping::Mapping;
use super::{name, pem};
use crate::security::listeners::ListenerConfigs;
use crate::security::principal::Principal;

/// How a listener proves itself, and what it asks of clients.
#[derive(Debug, Clone)]
pub(crate) struct TlsSettings {
    pub(crate) server: Arc<ServerConfig>,
    mapping: Mapping,
}

impl TlsSettings {
    pub(crate) fn resolve(listener: &str, configs: ListenerConfigs<'_>) -> Result<Self, Vec<String>> {
        let of_listener = |why: String| vec![format!("TLS of listener {listener}: {why}")];
        let server = server(configs).map_err(of_listener)?;
        let mapping = Mapping::parse(configs.get("ssl.principal.mapping.rules").unwrap_or("DEFAULT"));
        Ok(Self { server: Arc::new(server), mapping: mapping.map_err(of_listener)? })
    }

    /// Who a client is by its certificate: nobody in particular without one, or where no rule applies.
    pub(crate) fn principal(&self, certificates: Option<&[CertificateDer<'_>]>) -> Option<Principal> {
        let Some(own) = certificates.and_then(<[_]>::first) else { return Some(Principal::anonymous()) };
        let subject = name::subject(own)?;
        self.mapping.apply(&subject).map(Principal::user)
    }
}

fn server(configs: ListenerConfigs<'_>) -> Result<ServerConfig, String> {
    let key_store = Store::read(configs, "keystore", "ssl.keystore.certificate.chain")?
        .ok_or("ssl.keystore.certificate.chain and ssl.keystore.key, or ssl.keystore.location, must be set")?;
    let chain = pem::certificates(&key_store.certificates).map_err(|why| format!("its certificate chain: {why}"))?;
    let key = configs.get("ssl.keystore.key").or(key_store.file.as_deref());
    let key = key.ok_or("ssl.keystore.key must be set")?;
    let key = pem::private_key(key).map_err(|why| format!("its private key: {why}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = clients(configs, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(configs)?)
        .map_err(|error| error.to_string())?;
    let builder = match clients {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    builder.with_single_cert(chain, key).map_err(|error| error.to_string())
}

/// Whether clients have to show a certificate, and who must have signed it.
fn clients(
    configs: ListenerConfigs<'_>,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    let must = match configs.get("ssl.client.auth").unwrap_or("none") {
        "none" => return Ok(None),
        "requested" => false,
        "required" => true,
        other => return Err(format!("ssl.client.auth must be none, requested or required, not {other}")),
    };
    let store = Store::read(configs, "truststore", "ssl.truststore.certificates")?
        .ok_or("ssl.client.auth needs ssl.truststore.certificates or ssl.truststore.location")?;
    let mut roots = RootCertStore::empty();
    for certificate in pem::certificates(&store.certificates).map_err(|why| format!("its trust store: {why}"))? {
        roots.add(certificate).map_err(|error| format!("its trust store: {error}"))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if must { builder } else { builder.allow_unauthenticated() };
    builder.build().map(Some).map_err(|error| error.to_string())
}

fn versions(configs: ListenerConfigs<'_>) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let named = configs.get("ssl.enabled.protocols").unwrap_or("TLSv1.2,TLSv1.3").split(',').map(str::trim);
    let known = |name: &str| match name {
        "TLSv1.2" => Ok(&rustls::version::TLS12),
        "TLSv1.3" => Ok(&rustls::version::TLS13),
        other => Err(format!("ssl.enabled.protocols can be TLSv1.2 and TLSv1.3, not {other}")),
    };
    named.filter(|name| !name.is_empty()).map(known).collect()
}

/// Where PEM comes from: the configs themselves, or a file.
struct Store {
    certificates: String,
    file: Option<String>,
}

impl Store {
    fn read(configs: ListenerConfigs<'_>, store: &str, inline: &str) -> Result<Option<Self>, String> {
        let location = format!("ssl.{store}.location");
        let kind = configs.get(&format!("ssl.{store}.type")).unwrap_or("JKS");
        let (inline, location) = (configs.get(inline), configs.get(&location));
        if inline.is_none() && location.is_none() {
            return Ok(None);
        }
        if kind != "PEM" {
            return Err(format!("ssl.{store}.type must be PEM, and not {kind}"));
        }
        if let Some(certificates) = inline {
            return Ok(Some(Self { certificates: certificates.to_owned(), file: None }));
        }
        let path = location.unwrap_or_default();
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
        Ok(Some(Self { certificates: text.clone(), file: Some(text) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::Configs;
    use crate::security::tls::certificates::CertificateAuthority;

    fn resolve(pairs: &[(&str, &str)]) -> Result<TlsSettings, String> {
        let configs: Configs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        TlsSettings::resolve("SSL", ListenerConfigs::new("SSL", &configs)).map_err(|mistakes| mistakes.join("; "))
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
            (&[("ssl.keystore.location", "/etc/kafka.jks")], "ssl.keystore.type must be PEM, and not JKS"),
            (&[pem, ("ssl.keystore.location", "/nowhere")], "cannot read /nowhere"),
            (&[pem, chain], "ssl.keystore.key must be set"),
            (&[pem, chain, key, ("ssl.client.auth", "perhaps")], "must be none, requested or required"),
            (&[pem, chain, key, ("ssl.client.auth", "required")], "needs ssl.truststore.certificates"),
            (&[pem, chain, key, ("ssl.enabled.protocols", "TLSv1.1")], "not TLSv1.1"),
            (&[pem, chain, key, ("ssl.principal.mapping.rules", "x")], "Invalid rule"),
        ] {
            let refused = resolve(configs).unwrap_err();
            assert!(refused.starts_with("TLS of listener SSL: ") && refused.contains(why), "{refused}");
        }
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
