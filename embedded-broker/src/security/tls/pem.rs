//! PEM as Kafka's configs hold it: on lines of its own, or all on one line with blanks for line ends.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// All certificates of a text, in their order.
pub(super) fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(lines(text).as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err("it has no CERTIFICATE".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The private key of a text.
pub(super) fn private_key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        return Err("encrypted private keys are not read".to_owned());
    }
    PrivateKeyDer::from_pem_slice(lines(text).as_bytes()).map_err(|error| error.to_string())
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
        assert!(private_key("nothing").is_err());
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(private_key(encrypted).err().as_deref(), Some("encrypted private keys are not read"));
    }
}
