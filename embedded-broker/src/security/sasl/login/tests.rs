//! Logins, in and out of order.

use super::*;
use crate::clock::Clock;
use crate::config::layers::Configs;

fn settings(configs: &[(&str, &str)]) -> Arc<SaslSettings> {
    let mut all = Configs::from([
        ("sasl.enabled.mechanisms".to_owned(), "PLAIN,SCRAM-SHA-256,OAUTHBEARER".to_owned()),
        (
            "listener.name.l.plain.sasl.jaas.config".to_owned(),
            "PlainLoginModule required user_alice=\"secret\" user_bob=\"secret\";".to_owned(),
        ),
    ]);
    all.extend(configs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())));
    Arc::new(SaslSettings::resolve("L", &all).unwrap())
}

struct At {
    clock: Clock,
    hand: crate::ManualClock,
    login: Login,
}

impl At {
    fn new(configs: &[(&str, &str)]) -> Self {
        let (clock, hand) = Clock::manual(1_700_000_000_000);
        Self { clock, hand, login: Login::new(settings(configs)) }
    }

    fn say(&mut self, token: &str) -> Result<(i64, Option<String>), Option<String>> {
        let around =
            Surroundings { wall_ms: self.clock.wall_ms(), nonce: &|| "nonce".to_owned(), credential: &|_, _| None };
        let answer = self.login.token(token.as_bytes(), self.clock.now(), &around)?;
        Ok((answer.lifetime_ms, answer.name))
    }

    fn log_in(&mut self) {
        self.login.handshake("PLAIN", 1).unwrap();
        self.say("\0alice\0secret").unwrap();
        assert_eq!(self.login.expects(), Expects::Requests);
    }
}

const ALICE: &str = "\0alice\0secret";

#[test]
fn versions_may_be_asked_for_once_and_a_handshake_follows() {
    let mut at = At::new(&[]);
    assert!(at.login.may_ask_versions());
    at.login.versions_told();
    assert!(!at.login.may_ask_versions());
    assert_eq!(at.login.expects(), Expects::Handshake);
    at.login.handshake("PLAIN", 1).unwrap();
    assert_eq!(at.login.expects(), Expects::Authenticate);
    assert_eq!(at.say(ALICE), Ok((0, Some("alice".to_owned()))));
}

#[test]
fn a_handshake_of_version_0_is_followed_by_bare_tokens() {
    let mut at = At::new(&[]);
    at.login.handshake("PLAIN", 0).unwrap();
    assert_eq!(at.login.expects(), Expects::Tokens);
}

#[test]
fn a_mechanism_that_is_not_enabled_is_refused() {
    let mut at = At::new(&[]);
    for mechanism in ["SCRAM-SHA-512", "GSSAPI", "plain", ""] {
        assert_eq!(at.login.handshake(mechanism, 1), Err(()), "{mechanism}");
    }
}

#[test]
fn what_is_hidden_from_a_client_is_told_as_kafka_tells_it() {
    let mut at = At::new(&[]);
    at.login.handshake("SCRAM-SHA-256", 1).unwrap();
    let why =
        "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256";
    assert_eq!(at.say("n,,n=nobody,r=abc"), Err(Some(why.to_owned())));
}

#[test]
fn a_session_without_an_end_is_not_begun_again() {
    let mut at = At::new(&[]);
    at.log_in();
    assert!(!at.login.may_begin_again(at.clock.now()));
    at.hand.advance(Duration::from_secs(1_000_000));
    assert!(!at.login.has_expired(at.clock.now()));
}

#[test]
fn a_session_ends_unless_the_client_logs_in_again() {
    let mut at = At::new(&[("connections.max.reauth.ms", "60000")]);
    at.login.handshake("PLAIN", 1).unwrap();
    assert_eq!(at.say(ALICE), Ok((60_000, Some("alice".to_owned()))));
    at.hand.advance(Duration::from_secs(59));
    assert!(at.login.may_begin_again(at.clock.now()));
    assert!(!at.login.may_begin_again(at.clock.now()), "twice within a second");
    at.login.handshake("PLAIN", 1).unwrap();
    assert_eq!(at.say(ALICE), Ok((60_000, Some("alice".to_owned()))));
    at.hand.advance(Duration::from_secs(60));
    assert!(!at.login.has_expired(at.clock.now()));
    at.hand.advance(Duration::from_millis(1));
    assert!(at.login.has_expired(at.clock.now()));
}

#[test]
fn neither_the_user_nor_the_mechanism_changes_when_a_client_logs_in_again() {
    let mut at = At::new(&[("listener.name.l.plain.connections.max.reauth.ms", "60000")]);
    at.log_in();
    at.login.handshake("PLAIN", 1).unwrap();
    let why = "Cannot change principals during re-authentication from User.alice: User.bob";
    assert_eq!(at.say("\0bob\0secret"), Err(Some(why.to_owned())));
    at.login.handshake("SCRAM-SHA-256", 1).unwrap();
    assert_eq!(at.login.expects(), Expects::Authenticate);
    assert_eq!(at.say(ALICE), Err(None));
}

#[test]
fn a_session_is_no_longer_than_its_token() {
    let token = |exp: i64| {
        use base64::Engine;
        let part = |text: &str| base64::engine::general_purpose::STANDARD_NO_PAD.encode(text);
        let claims = format!(r#"{{"sub":"alice","exp":{exp}}}"#);
        format!("n,,\x01auth=Bearer {}.{}.\x01\x01", part(r#"{"alg":"none"}"#), part(&claims))
    };
    for (limit, exp, lifetime_ms) in
        [("0", 1_700_000_060, 60_000), ("5000", 1_700_000_060, 5000), ("90000", 1_700_000_060, 60_000)]
    {
        let mut at = At::new(&[("connections.max.reauth.ms", limit)]);
        at.login.handshake("OAUTHBEARER", 1).unwrap();
        assert_eq!(at.say(&token(exp)), Ok((lifetime_ms, Some("alice".to_owned()))), "{limit}");
    }
}
