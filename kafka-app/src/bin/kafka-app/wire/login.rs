//! [`Login`]: who a client says it is, by SASL.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use embedded_broker::client_side::{JaasEntry, ScramClient, parse_jaas};
use kafka_protocol::{
    messages::{SaslAuthenticateRequest, SaslHandshakeRequest},
    protocol::StrBytes,
};

use super::{KafkaError, WireError, connection::Connection};

/// How long a token that a client makes for itself is good: Kafka's default.
const TOKEN_SECONDS: u64 = 3600;

/// A mechanism, and what it needs.
#[derive(Clone)]
pub(super) enum Login {
    /// A password as it is.
    Plain { user: String, password: String },
    /// A password that is proven and not told; the mechanism is one of the two SCRAMs.
    Scram { mechanism: &'static str, user: String, password: String },
    /// A token that nobody signed, with these claims, for development (KIP-255).
    OAuthBearer { claims: BTreeMap<String, serde_json::Value> },
}

/// Without passwords.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Login").field(&self.mechanism()).finish()
    }
}

impl Login {
    /// What `sasl.mechanism` and `sasl.jaas.config` say.
    ///
    /// # Errors
    /// The mechanism is not one of ours, or the entry lacks what it needs.
    pub(super) fn of(mechanism: &str, jaas: Option<&str>) -> Result<Self, WireError> {
        let jaas = jaas.ok_or_else(|| {
            WireError::Settings(format!("sasl.mechanism {mechanism} needs sasl.jaas.config, with a login module"))
        })?;
        let entry = parse_jaas(jaas).map_err(|why| WireError::Settings(format!("sasl.jaas.config: {why}")))?;
        match mechanism {
            "PLAIN" => {
                let (user, password) = user_and_password(entry)?;
                Ok(Self::Plain { user, password })
            }
            "SCRAM-SHA-256" => Self::scram("SCRAM-SHA-256", entry),
            "SCRAM-SHA-512" => Self::scram("SCRAM-SHA-512", entry),
            "OAUTHBEARER" => Ok(Self::OAuthBearer { claims: claims(entry) }),
            other => Err(WireError::Settings(format!(
                "sasl.mechanism {other} is not known here: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
            ))),
        }
    }

    fn scram(mechanism: &'static str, entry: JaasEntry) -> Result<Self, WireError> {
        let (user, password) = user_and_password(entry)?;
        Ok(Self::Scram { mechanism, user, password })
    }

    fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "PLAIN",
            Self::Scram { mechanism, .. } => mechanism,
            Self::OAuthBearer { .. } => "OAUTHBEARER",
        }
    }

    /// Logs in on a fresh connection.
    ///
    /// # Errors
    /// The node does not offer the mechanism, or refuses; or it does not prove that it knows the password.
    pub(super) async fn on(&self, connection: &Connection) -> Result<(), WireError> {
        let mechanism = StrBytes::from_static_str(self.mechanism());
        let handshake = connection.send(|_| SaslHandshakeRequest::default().with_mechanism(mechanism)).await?;
        if handshake.error_code != 0 {
            let offered: Vec<_> = handshake.mechanisms.iter().map(StrBytes::as_str).collect();
            return Err(WireError::Login(format!(
                "Client SASL mechanism '{}' not enabled in the server, enabled mechanisms are [{}]",
                self.mechanism(),
                offered.join(", ")
            )));
        }
        match self {
            Self::Plain { user, password } => say(connection, format!("\0{user}\0{password}")).await.map(drop),
            Self::Scram { mechanism, user, password } => scram(connection, mechanism, user, password).await,
            Self::OAuthBearer { claims } => {
                let refusal = say(connection, format!("n,,\x01auth=Bearer {}\x01\x01", token(claims))).await?;
                match refusal.is_empty() {
                    true => Ok(()),
                    false => Err(WireError::Login(String::from_utf8_lossy(&refusal).into_owned())),
                }
            }
        }
    }
}

async fn scram(connection: &Connection, mechanism: &str, user: &str, password: &str) -> Result<(), WireError> {
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let client = ScramClient::new(mechanism, user, password, nonce);
    let mut client = client.ok_or_else(|| WireError::Login(format!("{mechanism} is not SCRAM")))?;
    let challenge = say(connection, client.first()).await?;
    let last = say(connection, client.prove(&challenge).map_err(WireError::Login)?).await?;
    client.verify(&last).map_err(WireError::Login)
}

/// Sends one message of the conversation, and gives the answer.
async fn say(connection: &Connection, message: String) -> Result<Bytes, WireError> {
    let message = Bytes::from(message.into_bytes());
    let answer = connection.send(|_| SaslAuthenticateRequest::default().with_auth_bytes(message)).await?;
    KafkaError::check(answer.error_code, answer.error_message.as_ref())
        .map_err(|error| WireError::Login(error.message().to_owned()))?;
    Ok(answer.auth_bytes)
}

fn user_and_password(entry: JaasEntry) -> Result<(String, String), WireError> {
    let mut options = entry.options;
    match (options.remove("username"), options.remove("password")) {
        (Some(user), Some(password)) => Ok((user, password)),
        _ => Err(WireError::Settings(format!(
            "sasl.jaas.config: {} needs username=\"…\" and password=\"…\"",
            entry.module
        ))),
    }
}

/// The claims of an unsecured token: `unsecuredLoginStringClaim_sub="alice"` and its kin of numbers and lists.
fn claims(entry: JaasEntry) -> BTreeMap<String, serde_json::Value> {
    let claim = |(option, value): (String, String)| {
        if let Some(name) = option.strip_prefix("unsecuredLoginStringClaim_") {
            return Some((name.to_owned(), value.into()));
        }
        if let Some(name) = option.strip_prefix("unsecuredLoginNumberClaim_") {
            return Some((name.to_owned(), value.parse::<f64>().ok()?.into()));
        }
        let name = option.strip_prefix("unsecuredLoginListClaim_")?;
        // The first character separates the items.
        let separator = value.chars().next()?;
        let items: Vec<&str> = value[separator.len_utf8()..].split(separator).collect();
        Some((name.to_owned(), items.into()))
    };
    entry.options.into_iter().filter_map(claim).collect()
}

/// A compact serialisation without a signature.
#[expect(clippy::disallowed_methods, reason = "brokers compare a token with the time of day")]
fn token(claims: &BTreeMap<String, serde_json::Value>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut claims = claims.clone();
    claims.entry("iat".to_owned()).or_insert_with(|| now.into());
    claims.entry("exp".to_owned()).or_insert_with(|| (now + TOKEN_SECONDS).into());
    let claims = serde_json::Value::from_iter(claims).to_string();
    format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_needs_its_mechanism_and_its_module() {
        let jaas = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="al" password="s";"#;
        let plain = Login::of("PLAIN", Some(jaas)).unwrap();
        assert!(matches!(&plain, Login::Plain { user, password } if user == "al" && password == "s"));
        assert_eq!(format!("{plain:?}"), "Login(\"PLAIN\")");
        assert!(matches!(Login::of("SCRAM-SHA-512", Some(jaas)), Ok(Login::Scram { mechanism: "SCRAM-SHA-512", .. })));
        for (mechanism, jaas, why) in [
            ("GSSAPI", Some(jaas), "is not known here"),
            ("PLAIN", None, "needs sasl.jaas.config"),
            ("PLAIN", Some("x required username=a;"), "needs username"),
            ("PLAIN", Some("x"), "control flag not specified"),
        ] {
            let refused = Login::of(mechanism, jaas).unwrap_err().message();
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn an_unsecured_token_has_the_claims_of_its_module() {
        let jaas = r#"x required unsecuredLoginStringClaim_sub="al" unsecuredLoginListClaim_scope=",a,b";"#;
        let Ok(Login::OAuthBearer { claims }) = Login::of("OAUTHBEARER", Some(jaas)) else { panic!("no token") };
        let token = token(&claims);
        let parts: Vec<_> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        let said: serde_json::Value = serde_json::from_slice(&parts[1]).unwrap();
        assert_eq!(said["sub"], "al");
        assert_eq!(said["scope"], serde_json::json!(["a", "b"]));
        assert!(said["exp"].as_u64().unwrap() > said["iat"].as_u64().unwrap());
        assert!(parts[2].is_empty());
    }
}
