//! Certificates for tests: an authority that lives as long as the test, and what it signs.

use std::fmt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};

/// A certificate authority for tests of clients with TLS, and of clients that prove themselves by certificates.
///
/// ```
/// use embedded_broker::{CertificateAuthority, EmbeddedBroker, Listener};
///
/// let ca = CertificateAuthority::new();
/// let broker = EmbeddedBroker::builder().listener(Listener::ssl(&ca.server())).start()?;
/// // librdkafka takes this for `ssl.ca.pem`, Java for `ssl.truststore.certificates`.
/// assert!(ca.certificate_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok::<(), embedded_broker::Error>(())
/// ```
pub struct CertificateAuthority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its private key, as PEM.
#[derive(Clone)]
pub struct Certificate {
    certificate: String,
    key: String,
}

impl CertificateAuthority {
    /// Makes an authority with a key of its own. Nothing else trusts it.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("Embedded Broker Tests CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        #[expect(clippy::expect_used, reason = "only a system without random numbers cannot make keys")]
        let issuer = KeyPair::generate()
            .and_then(|key| CertifiedIssuer::self_signed(params, key))
            .expect("a key can be made and signs itself");
        let pem = issuer.pem();
        Self { issuer, pem }
    }

    /// What clients have to trust, as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a broker on `localhost`, 127.0.0.1 and ::1.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers.
    #[must_use]
    pub fn server(&self) -> Certificate {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("localhost");
        params.subject_alt_names =
            [[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()].map(SanType::IpAddress).to_vec();
        params.subject_alt_names.extend("localhost".try_into().map(SanType::DnsName));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// A certificate for a client with this common name. Its owner is `User:CN=<name>,O=Tests,C=AQ` to the broker, unless
    /// `ssl.principal.mapping.rules` says otherwise.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers.
    #[must_use]
    pub fn client(&self, common_name: &str) -> Certificate {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// Writes what clients have to trust to `ca.pem` of a folder, for clients that take files only.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_to(&self, folder: &Path) -> std::io::Result<PathBuf> {
        let path = folder.join("ca.pem");
        std::fs::write(&path, &self.pem)?;
        Ok(path)
    }

    fn sign(&self, params: &CertificateParams) -> Certificate {
        #[expect(clippy::expect_used, reason = "only a system without random numbers cannot make keys")]
        let (certificate, key) = KeyPair::generate()
            .and_then(|key| Ok((params.signed_by(&key, &self.issuer)?, key)))
            .expect("a key can be made and the authority signs it");
        Certificate { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Default for CertificateAuthority {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority").finish_non_exhaustive()
    }
}

impl Certificate {
    /// The certificate: librdkafka's `ssl.certificate.pem`, Java's `ssl.keystore.certificate.chain`.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// Its private key: librdkafka's `ssl.key.pem`, Java's `ssl.keystore.key`.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// Writes the key and the certificate to one file, `<name>.pem` of a folder: librdkafka's `ssl.certificate.location`
    /// and `ssl.key.location`, Java's `ssl.keystore.location`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_to(&self, folder: &Path, name: &str) -> std::io::Result<PathBuf> {
        let path = folder.join(format!("{name}.pem"));
        std::fs::write(&path, format!("{}{}", self.key, self.certificate))?;
        Ok(path)
    }
}

/// Without the key.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, text) in
        [(DnType::CountryName, "AQ"), (DnType::OrganizationName, "Tests"), (DnType::CommonName, common_name)]
    {
        name.push(kind, text);
    }
    name
}
