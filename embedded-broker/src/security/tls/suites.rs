//! `ssl.cipher.suites` and `ssl.enabled.protocols`, by Java's names.

use rustls::crypto::CryptoProvider;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// Protocols that Java knows and does not speak any more unless its own settings are changed.
const RETIRED: &[&str] = &["SSLv2Hello", "SSLv3", "TLSv1", "TLSv1.1"];

/// The versions of TLS that are spoken.
///
/// # Errors
///
/// One has no such name, or none is left.
pub(super) fn versions(enabled: Option<&str>) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let mut versions = Vec::new();
    for name in names(enabled.unwrap_or("TLSv1.2,TLSv1.3")) {
        match name {
            "TLSv1.2" => versions.push(&rustls::version::TLS12),
            "TLSv1.3" => versions.push(&rustls::version::TLS13),
            old if RETIRED.contains(&old) => {}
            other => return Err(format!("ssl.enabled.protocols can be TLSv1.2 and TLSv1.3, not {other}")),
        }
    }
    if versions.is_empty() {
        Err("ssl.enabled.protocols must name TLSv1.2 or TLSv1.3".to_owned())
    } else {
        Ok(versions)
    }
}

/// A provider with these cipher suites only, or all it has.
///
/// # Errors
///
/// None of them is one of this broker, or one is no name of a suite at all.
pub(super) fn limited(mut provider: CryptoProvider, suites: Option<&str>) -> Result<CryptoProvider, String> {
    let asked = names(suites.unwrap_or_default());
    if asked.is_empty() {
        return Ok(provider);
    }
    if let Some(wrong) = asked.iter().find(|name| !name.starts_with("TLS_") && !name.starts_with("SSL_")) {
        return Err(format!("ssl.cipher.suites: there is no cipher suite {wrong}"));
    }
    let known: Vec<String> = provider.cipher_suites.iter().map(java_name).collect();
    let unknown: Vec<&str> = asked.iter().copied().filter(|name| !known.iter().any(|known| known == name)).collect();
    if unknown.len() == asked.len() {
        return Err(format!("ssl.cipher.suites: of these there is none here; there are {}", known.join(", ")));
    }
    if !unknown.is_empty() {
        tracing::warn!(suites = unknown.join(", "), "cipher suites that are not here are left out");
    }
    provider.cipher_suites.retain(|suite| asked.contains(&java_name(suite).as_str()));
    Ok(provider)
}

/// Those of TLS 1.3 have the version in their name where Java has none.
fn java_name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

fn names(list: &str) -> Vec<&str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suites(asked: &str) -> Result<Vec<String>, String> {
        let provider = limited(rustls::crypto::ring::default_provider(), Some(asked))?;
        Ok(provider.cipher_suites.iter().map(java_name).collect())
    }

    #[test]
    fn cipher_suites_are_those_that_are_asked_for_and_here() {
        let asked = "TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA";
        let expected = ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"];
        assert_eq!(suites(asked).unwrap(), expected);
        assert!(suites("").unwrap().len() > 5);
        assert!(suites("TLS_RSA_WITH_AES_128_CBC_SHA").unwrap_err().contains("TLS_AES_128_GCM_SHA256"));
        assert!(suites("nonsense").unwrap_err().contains("no cipher suite nonsense"));
    }

    #[test]
    fn protocols_nobody_speaks_any_more_may_be_named_beside_others() {
        let count = |enabled| versions(Some(enabled)).map(|versions| versions.len());
        assert_eq!(count("TLSv1.2, TLSv1.1,TLSv1"), Ok(1));
        assert_eq!(versions(None).map(|versions| versions.len()), Ok(2));
        assert!(count("TLSv1.1").unwrap_err().contains("must name"));
        assert!(count("TLSv2").unwrap_err().contains("not TLSv2"));
    }
}
