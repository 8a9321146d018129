//! OAUTHBEARER (RFC 7628) with unsecured tokens: what clients claim is believed, as Kafka does when nothing else is set up.
//! For tests only, as there.

use std::sync::Arc;

use self::token::{Rules, Token};
use super::exchange::{Failure, Proven, Step};

pub(crate) mod token;

/// What ends the conversation after a refusal: the client has read it.
const CONTROL_A: &[u8] = b"\x01";

/// One conversation.
#[derive(Debug)]
pub(crate) struct OAuthBearer {
    rules: Arc<Rules>,
    /// Why the client was refused, until it says that it has read it.
    refused: Option<String>,
}

impl OAuthBearer {
    pub(crate) fn new(rules: Arc<Rules>) -> Self {
        Self { rules, refused: None }
    }

    pub(super) fn evaluate(&mut self, token: &[u8], now_ms: i64) -> Result<Step, Failure> {
        if let Some(refusal) = self.refused.take()
            && token == CONTROL_A
        {
            return Err(Failure::Told(refusal));
        }
        let first = ClientFirst::parse(token)?;
        let token = match Token::validate(first.token, &self.rules, now_ms) {
            Ok(token) => token,
            Err(invalid) => {
                let answer = invalid.json();
                self.refused = Some(answer.clone());
                return Ok(Step::Challenge(answer.into_bytes()));
            }
        };
        if !first.authorization_id.is_empty() && first.authorization_id != token.principal {
            return Err(Failure::told(format!(
                "Authentication failed: Client requested an authorization id ({}) that is different from the token's \
                 principal name ({})",
                first.authorization_id, token.principal
            )));
        }
        Ok(Step::Done(Proven { name: token.principal, token: Vec::new(), expires_ms: Some(token.expires_ms) }))
    }
}

/// `n,[a=authorization id],^Aauth=Bearer token^A[key=value^A]...^A`.
struct ClientFirst<'a> {
    authorization_id: &'a str,
    token: &'a str,
}

impl<'a> ClientFirst<'a> {
    fn parse(token: &'a [u8]) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::hidden(format!("Invalid OAUTHBEARER client first message{what}"));
        let text = std::str::from_utf8(token).map_err(|_| wrong(""))?;
        let (header, pairs) = text.split_once('\x01').ok_or_else(|| wrong(""))?;
        let authorization =
            header.strip_prefix("n,").and_then(|rest| rest.strip_suffix(',')).ok_or_else(|| wrong(""))?;
        let authorization_id = match authorization {
            "" => "",
            said => said.strip_prefix("a=").filter(|id| !id.is_empty()).ok_or_else(|| wrong(""))?,
        };
        let pairs = pairs.strip_suffix('\x01').ok_or_else(|| wrong(""))?;
        let mut auth = None;
        for pair in pairs.split_terminator('\x01') {
            let (key, value) = pair.split_once('=').ok_or_else(|| wrong(""))?;
            if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphabetic()) || value.is_empty() {
                return Err(wrong(""));
            }
            if key == "auth" {
                auth = Some(value);
            }
        }
        let auth = auth.ok_or_else(|| wrong(": 'auth' not specified"))?;
        let (scheme, token) = auth.split_once(' ').ok_or_else(|| wrong(": invalid 'auth' format"))?;
        let token = token.trim_start_matches(' ');
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Failure::hidden(format!("Invalid scheme in OAUTHBEARER client first message: {scheme}")));
        }
        let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~+/.".contains(&byte);
        if token.is_empty() || !token.trim_end_matches('=').bytes().all(is_of_token) {
            return Err(wrong(": invalid 'auth' format"));
        }
        Ok(Self { authorization_id, token })
    }
}

#[cfg(test)]
mod tests;
