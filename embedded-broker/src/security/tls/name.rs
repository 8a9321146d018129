//! The subject of a certificate as Java prints it (RFC 2253), which is what Kafka calls its owner.

use std::collections::BTreeSet;
use std::fmt::Write;

use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::{Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The attributes that RFC 2253 has words for; others go by their numbers.
const WORDS: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// The distinguished name of the subject of a certificate.
pub(crate) fn subject(certificate: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let names = certificate.tbs_certificate.subject.0;
    // The last part comes first.
    let parts = names.iter().rev().map(|part| part.0.iter().map(attribute).collect::<Vec<_>>().join("+"));
    Some(parts.collect::<Vec<_>>().join(","))
}

/// The other names of the subject, each in its encoding.
pub(crate) fn alternatives(certificate: &[u8]) -> BTreeSet<String> {
    let found = Certificate::from_der(certificate).ok().and_then(|certificate| {
        let (_, names) = certificate.tbs_certificate.get::<SubjectAltName>().ok()??;
        Some(names.0)
    });
    found.unwrap_or_default().iter().map(printed).collect()
}

fn printed(name: &GeneralName) -> String {
    match name {
        GeneralName::DnsName(name) => format!("DNS:{name}"),
        GeneralName::IpAddress(address) => match *address.as_bytes() {
            [a, b, c, d] => format!("IP:{}", std::net::Ipv4Addr::new(a, b, c, d)),
            ref bytes => format!("IP:{bytes:02x?}"),
        },
        other => format!("{:02x?}", other.to_der().unwrap_or_default()),
    }
}

fn attribute(attribute: &AttributeTypeAndValue) -> String {
    let number = attribute.oid.to_string();
    let word = WORDS.iter().find(|(known, _)| *known == number).map(|(_, word)| *word);
    match (word, text(attribute)) {
        (Some(word), Some(text)) => format!("{word}={}", escape(&text)),
        (word, _) => format!("{}=#{}", word.unwrap_or(&number), hex(attribute)),
    }
}

fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    Some(match value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(value).ok()?.as_str().to_owned(),
        Tag::PrintableString => PrintableStringRef::try_from(value).ok()?.as_str().to_owned(),
        Tag::Ia5String => Ia5StringRef::try_from(value).ok()?.as_str().to_owned(),
        Tag::TeletexString => TeletexStringRef::try_from(value).ok()?.as_str().to_owned(),
        _ => return None,
    })
}

/// A value without words: its encoding.
fn hex(attribute: &AttributeTypeAndValue) -> String {
    let encoded = attribute.value.to_der().unwrap_or_default();
    encoded.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (index, char) in text.chars().enumerate() {
        let at_an_end = index == 0 || index == last;
        if ",+\"\\<>;=".contains(char) || (char == '#' && index == 0) || (char == ' ' && at_an_end) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_part_is_escaped() {
        assert_eq!(escape("a,b+c=d"), "a\\,b\\+c\\=d");
        assert_eq!(escape("#a # b"), "\\#a # b");
        assert_eq!(escape(" a b "), "\\ a b\\ ");
    }

    #[test]
    fn what_is_no_certificate_has_no_subject() {
        assert_eq!(subject(b"nothing"), None);
    }
}
