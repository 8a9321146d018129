//! The messages of SCRAM. As Kafka: no channel binding (`n`), extensions are read over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// `n,[a=authorization id],n=name,r=nonce[,extensions]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFirst<'a> {
    /// Without the header: what the proof covers.
    pub(super) bare: &'a str,
    pub(super) authorization_id: String,
    sasl_name: &'a str,
    pub(super) nonce: &'a str,
    extensions: Vec<(&'a str, &'a str)>,
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("n,")?;
        let (authorization, bare) = rest.split_once(',')?;
        let authorization_id = match authorization {
            "" => String::new(),
            said => unescape(said.strip_prefix("a=")?)?,
        };
        let mut fields = bare.split(',').peekable();
        // A mandatory extension that nobody knows.
        fields.next_if(|field| field.starts_with("m="));
        let sasl_name = fields.next()?.strip_prefix("n=").filter(|name| !name.is_empty())?;
        let nonce = fields.next()?.strip_prefix("r=").filter(|nonce| is_printable(nonce))?;
        let extensions = fields.map(extension).collect::<Option<_>>()?;
        Some(Self { bare, authorization_id, sasl_name, nonce, extensions })
    }

    /// The name, unless it is not well escaped.
    pub(super) fn user_name(&self) -> Option<String> {
        unescape(self.sasl_name)
    }

    pub(super) fn is_delegation_token(&self) -> bool {
        self.extensions.iter().any(|(name, value)| *name == "tokenauth" && value.eq_ignore_ascii_case("true"))
    }
}

/// `c=channel,r=nonce[,extensions],p=proof`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFinal<'a> {
    pub(super) nonce: &'a str,
    pub(super) proof: Vec<u8>,
    /// The part that the proof covers: as Kafka, without the extensions.
    pub(super) without_proof: String,
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (before, proof) = text.rsplit_once(",p=")?;
        let mut fields = before.split(',');
        let channel = fields.next()?.strip_prefix("c=")?;
        STANDARD.decode(channel).ok()?;
        let nonce = fields.next()?.strip_prefix("r=").filter(|nonce| is_printable(nonce))?;
        fields.map(extension).collect::<Option<Vec<_>>>()?;
        let proof = STANDARD.decode(proof).ok()?;
        Some(Self { nonce, proof, without_proof: format!("c={channel},r={nonce}") })
    }
}

pub(super) fn server_first(nonce: &str, salt: &[u8], iterations: u32) -> String {
    format!("r={nonce},s={},i={iterations}", STANDARD.encode(salt))
}

pub(super) fn server_final(signature: &[u8]) -> String {
    format!("v={}", STANDARD.encode(signature))
}

fn extension(field: &str) -> Option<(&str, &str)> {
    let (name, value) = field.split_once('=')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_name && !value.is_empty()).then_some((name, value))
}

fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A comma is written `=2C` and an equals sign `=3D`; no other `=` may be there.
fn unescape(text: &str) -> Option<String> {
    let with_commas = text.replace("=2C", ",");
    if with_commas.replace("=3D", "").contains('=') {
        return None;
    }
    Some(with_commas.replace("=3D", "="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_message_is_a_header_a_name_and_a_nonce() {
        let first = ClientFirst::parse("n,,n=us=3De=2Cr,r=abc,ext=1,tokenauth=true").unwrap();
        assert_eq!((first.user_name().as_deref(), first.nonce), (Some("us=e,r"), "abc"));
        assert_eq!(first.bare, "n=us=3De=2Cr,r=abc,ext=1,tokenauth=true");
        assert!(first.is_delegation_token());
        let first = ClientFirst::parse("n,a=other,m=x,n=user,r=abc").unwrap();
        assert_eq!(first.authorization_id, "other");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bad in
            ["", "n,,", "y,,n=a,r=b", "n,,n=,r=b", "n,,n=a,r=", "n,,n=a", "n,b,n=a,r=b", "n,,n=a,r=b,x", "n,,n=a,r=b c"]
        {
            assert_eq!(ClientFirst::parse(bad), None, "{bad:?}");
        }
        assert_eq!(ClientFirst::parse("n,,n=a=,r=b").unwrap().user_name(), None);
        for bad in ["", "c=biws,r=a", "c=biws,p=AA==", "c=?,r=a,p=AA==", "c=biws,r=a,p=A", "r=a,c=biws,p=AA=="] {
            assert_eq!(ClientFinal::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_proof_does_not_cover_itself_nor_extensions() {
        let last = ClientFinal::parse("c=biws,r=ab,x=1,p=AAE=").unwrap();
        assert_eq!((last.without_proof.as_str(), last.proof.as_slice()), ("c=biws,r=ab", &[0, 1][..]));
    }
}
