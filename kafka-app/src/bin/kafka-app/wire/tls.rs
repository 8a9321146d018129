//! TLS of our connections, by rustls: whom we trust, who we are, and which name the certificate has to have.

use std::{collections::BTreeMap, sync::Arc};

use embedded_broker::client_side;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::WireError;

/// What `ssl.*` says of a client, by Java's names; without a trust store the system's is used.
///
/// # Errors
/// A store cannot be read, or the properties contradict each other.
pub(super) fn config(properties: &BTreeMap<String, String>) -> Result<Arc<ClientConfig>, WireError> {
    let settings = |why: String| WireError::Settings(why);
    let provider = Arc::new(ring::default_provider());
    let roots = Arc::new(roots(properties).map_err(settings)?);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| settings(error.to_string()))?;
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
    let verifier = verifier.map_err(|error| settings(format!("the trust store: {error}")))?;
    // Only when it is set to nothing, as in Java, the name of the host does not matter.
    let takes_any_name =
        properties.get("ssl.endpoint.identification.algorithm").is_some_and(|algorithm| algorithm.trim().is_empty());
    let verifier: Arc<dyn ServerCertVerifier> = if takes_any_name { Arc::new(AnyName(verifier)) } else { verifier };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let config = match client_side::key_store(properties).map_err(settings)? {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key),
        None => Ok(builder.with_no_client_auth()),
    };
    config.map(Arc::new).map_err(|error| settings(format!("the key store: {error}")))
}

fn roots(properties: &BTreeMap<String, String>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match client_side::trust_store(properties)? {
        Some(certificates) => {
            for certificate in certificates {
                roots.add(certificate).map_err(|error| format!("the trust store: {error}"))?;
            }
        }
        // The system has certificates now and then that no library reads; the others count.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        return Err("no certificate is trusted: set ssl.truststore.location or ssl.truststore.certificates".to_owned());
    }
    Ok(roots)
}

/// As the verifier in it, but for the name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(end_entity, intermediates, name, ocsp_response, now) {
            // The chain is looked at first: this says that only the name is wrong.
            Err(Error::InvalidCertificate(
                rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
