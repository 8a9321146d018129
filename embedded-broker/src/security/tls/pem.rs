//! PEM as Kafka's configs hold it: on lines of its own, or all on one line with blanks for line ends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pkcs8::EncryptedPrivateKeyInfo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::stores::WRONG_PASSWORD;

/// All certificates of a text, in their order.
pub(super) fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(lines(text).as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err("it has no CERTIFICATE".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The private key of a text. As Kafka: it is encrypted if and only if there is a password for it.
pub(super) fn private_key(text: &str, password: Option<&str>) -> Result<PrivateKeyDer<'static>, String> {
    match (encrypted_key(text), password) {
        (Some(key), Some(password)) => decrypt(&key?, password),
        (Some(_), None) => Err("it is encrypted: ssl.key.password must be set".to_owned()),
        (None, Some(_)) => Err("it is not encrypted, but ssl.key.password is set".to_owned()),
        (None, None) => PrivateKeyDer::from_pem_slice(lines(text).as_bytes()).map_err(|error| error.to_string()),
    }
}

fn encrypted_key(text: &str) -> Option<Result<Vec<u8>, String>> {
    const KIND: &str = "ENCRYPTED PRIVATE KEY-----";
    let (_, rest) = text.split_once(&format!("-----BEGIN {KIND}"))?;
    let (key, _) = rest.split_once("-----END ")?;
    let letters: String = key.split_whitespace().collect();
    Some(STANDARD.decode(letters).map_err(|error| error.to_string()))
}

fn decrypt(key: &[u8], password: &str) -> Result<PrivateKeyDer<'static>, String> {
    let sealed = EncryptedPrivateKeyInfo::try_from(key)
        .map_err(|error| format!("it is not encrypted as PKCS#8 with PBES2 ({error})"))?;
    let open = sealed.decrypt(password).map_err(|_| format!("{WRONG_PASSWORD}, or its encryption is not read"))?;
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(open.as_bytes().to_vec())))
}

/// Puts what is between the markers, and the markers, on lines of their own.
fn lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + 8);
    for (index, part) in text.split("-----").enumerate() {
        if index % 2 == 1 {
            lines.push_str("\n-----");
            lines.push_str(part.trim());
            lines.push_str("-----\n");
        } else {
            lines.extend(part.split_whitespace().flat_map(|word| [word, "\n"]));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_stand_for_line_ends() {
        let expected = "\n-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\n\n-----END PRIVATE KEY-----\n";
        for text in [
            "-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY----- AAAA BBBB -----END PRIVATE KEY-----",
            "  -----BEGIN PRIVATE KEY-----\r\nAAAA\r\nBBBB\r\n-----END PRIVATE KEY-----  ",
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_said() {
        assert_eq!(certificates("nothing"), Err("it has no CERTIFICATE".to_owned()));
        assert!(private_key("nothing", None).is_err());
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let why = |password| private_key(encrypted, password).unwrap_err();
        assert_eq!(why(None), "it is encrypted: ssl.key.password must be set");
        assert!(why(Some("secret")).starts_with("it is not encrypted as PKCS#8"));
        let plain = private_key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", Some("secret"));
        assert_eq!(plain.unwrap_err(), "it is not encrypted, but ssl.key.password is set");
    }
}
