//! Who may connect and what they may do, as a real Apache Kafka 4.1 was seen to answer.
//!
//! Against a real one as well when `KAFKA_APP_TEST_SASL_BOOTSTRAP` names its listener with SASL; it must run with
//! `tests/apache-kafka/security.properties`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use embedded_broker::{EmbeddedBroker, EmbeddedBrokerBuilder, Listener};
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;

mod acls;
mod requests;
mod rights;
mod sasl;
mod transactions;

/// A broker as `tests/apache-kafka/security.properties` describes it.
fn builder() -> EmbeddedBrokerBuilder {
    let mechanisms = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER";
    EmbeddedBroker::builder()
        .listener(Listener::plaintext())
        .listener(Listener::sasl_plaintext().mechanisms(mechanisms))
        .user("alice", "alice-secret")
        .user("bob", "bob-secret")
        .user("admin", "admin-secret")
        // Tests of refusals need not be slow, and one of them holds the clock.
        .config("connection.failed.authentication.delay.ms", 0)
        .super_user("ANONYMOUS")
        .super_user("admin")
}

fn sasl_address(broker: &EmbeddedBroker) -> String {
    broker.bootstrap_servers_of("SASL_PLAINTEXT").expect("it has that listener").to_owned()
}

/// Runs a test against the plain listener, where everybody is a super user, and the address of the SASL listener of each
/// broker.
#[expect(clippy::print_stdout, reason = "a failed test shows which broker it was")]
fn on_each_secured_broker(test: impl Fn(&mut Client, &str)) {
    let broker = builder().start().expect("the broker starts");
    test(&mut Client::of(&broker), &sasl_address(&broker));
    if let (Ok(plain), Ok(real)) =
        (std::env::var("KAFKA_APP_TEST_BOOTSTRAP"), std::env::var("KAFKA_APP_TEST_SASL_BOOTSTRAP"))
    {
        println!("the embedded broker passed; against the real one at {real}:");
        test(&mut Client::connect(&plain), &real);
    }
}

/// Runs a test against the SASL listener of the embedded broker, and against that of a real one if there is one.
#[expect(clippy::print_stdout, reason = "a failed test shows which broker it was")]
fn on_each_sasl_broker(test: impl Fn(&str)) {
    let broker = builder().start().expect("the broker starts");
    test(&sasl_address(&broker));
    if let Ok(real) = std::env::var("KAFKA_APP_TEST_SASL_BOOTSTRAP") {
        println!("the embedded broker passed; against the real one at {real}:");
        test(&real);
    }
}

/// Agrees on a mechanism; gives the error code and the mechanisms that are offered, sorted.
fn handshake(client: &mut Client, version: i16, mechanism: &str) -> String {
    let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_string(mechanism.to_owned()));
    let response = client.call(version, &request);
    let mut mechanisms: Vec<_> = response.mechanisms.iter().map(|name| name.to_string()).collect();
    mechanisms.sort();
    format!("{} {}", response.error_code, mechanisms.join(" "))
}

fn token(client: &mut Client, token: impl Into<Bytes>) -> SaslAuthenticateResponse {
    client.call(2, &SaslAuthenticateRequest::default().with_auth_bytes(token.into()))
}

/// The error code and message of an answer, and how long the session lasts.
fn seen(response: &SaslAuthenticateResponse) -> String {
    let message = response.error_message.as_ref().map_or("-", |message| message.as_str());
    format!("{} {message} {}", response.error_code, response.session_lifetime_ms)
}

/// A client that is logged in by PLAIN.
fn logged_in(address: &str, user: &str) -> Client {
    let mut client = Client::connect(address);
    handshake(&mut client, 1, "PLAIN");
    let answer = token(&mut client, format!("\0{user}\0{user}-secret"));
    assert_eq!(seen(&answer), "0  0", "{user}");
    client
}

/// A client that is logged in by a token that names it.
fn logged_in_by_token(address: &str, user: &str) -> Client {
    let mut client = Client::connect(address);
    handshake(&mut client, 1, "OAUTHBEARER");
    let expires = crate::records::now_ms() / 1000 + 600;
    let answer = token(&mut client, bearer(&format!(r#"{{"sub":"{user}","exp":{expires}}}"#)));
    assert_eq!(answer.error_code, 0, "{answer:?}");
    client
}

/// An unsecured token in the first message of OAUTHBEARER.
fn bearer(claims: &str) -> String {
    let part = |text: &str| STANDARD_NO_PAD.encode(text);
    format!("n,,\x01auth=Bearer {}.{}.\x01\x01", part(r#"{"alg":"none"}"#), part(claims))
}
