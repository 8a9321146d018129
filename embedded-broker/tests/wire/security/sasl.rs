//! Logging in: the order of requests, and what is told to those who are refused.

use std::time::Duration;

use embedded_broker::ErrorCode;
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, ApiVersionsRequest, DescribeUserScramCredentialsRequest, MetadataRequest,
    SaslAuthenticateRequest, SaslHandshakeRequest,
};

use super::*;
use crate::each_broker::{on_each_broker, unique};
use crate::patience::ask_until;

const ALL: &str = "OAUTHBEARER PLAIN SCRAM-SHA-256 SCRAM-SHA-512";

#[test]
fn a_password_lets_a_client_in_after_it_has_asked_for_versions() {
    on_each_sasl_broker(|address| {
        let mut client = Client::connect(address);
        assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0);
        assert_eq!(handshake(&mut client, 1, "PLAIN"), format!("0 {ALL}"));
        assert_eq!(seen(&token(&mut client, "\0alice\0alice-secret")), "0  0");
        let response = client.call(9, &MetadataRequest::default().with_topics(Some(Vec::new())));
        let told = &response.brokers[0];
        assert_eq!(format!("{}:{}", told.host, told.port), address);
    });
}

#[test]
fn nothing_is_answered_before_the_login() {
    on_each_sasl_broker(|address| {
        let mut client = Client::connect(address);
        client.send(9, &MetadataRequest::default());
        assert!(client.is_closed());
        let mut client = Client::connect(address);
        client.call(0, &ApiVersionsRequest::default());
        client.send(0, &ApiVersionsRequest::default());
        assert!(client.is_closed(), "versions are told once");
        let mut client = Client::connect(address);
        client.send(2, &SaslAuthenticateRequest::default());
        assert!(client.is_closed());
    });
}

#[test]
fn versions_from_the_future_may_be_asked_for_before_others() {
    on_each_sasl_broker(|address| {
        let mut client = Client::connect(address);
        client.send_body(18, 99, 2, &[1, 1, 0]);
        assert_eq!(client.receive_body()[..2], ErrorCode::UnsupportedVersion.code().to_be_bytes());
        assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0);
        assert_eq!(handshake(&mut client, 1, "PLAIN"), format!("0 {ALL}"));
    });
}

#[test]
fn a_mechanism_that_is_not_offered_is_answered_with_those_that_are() {
    on_each_sasl_broker(|address| {
        for version in 0..=1 {
            let mut client = Client::connect(address);
            assert_eq!(handshake(&mut client, version, "GSSAPI"), format!("33 {ALL}"));
            assert!(client.is_closed());
        }
    });
}

#[test]
fn who_is_refused_is_told_kafkas_words_and_the_connection_is_closed() {
    on_each_sasl_broker(|address| {
        for (mechanism, said, expected) in [
            ("PLAIN", "\0alice\0wrong", "58 Authentication failed: Invalid username or password 0"),
            ("PLAIN", "\0nobody\0alice-secret", "58 Authentication failed: Invalid username or password 0"),
            ("PLAIN", "alice", "58 Invalid SASL/PLAIN response: expected 3 tokens, got 1 0"),
            (
                "PLAIN",
                "bob\0alice\0alice-secret",
                "58 Authentication failed: Client requested an authorization id that is different from username 0",
            ),
            (
                "SCRAM-SHA-256",
                "n,,n=nobody,r=abc",
                "58 Authentication failed during authentication due to invalid credentials with SASL mechanism \
                 SCRAM-SHA-256 0",
            ),
            (
                "SCRAM-SHA-512",
                "rubbish",
                "58 Authentication failed during authentication due to invalid credentials with SASL mechanism \
                 SCRAM-SHA-512 0",
            ),
            (
                "OAUTHBEARER",
                "rubbish",
                "58 Authentication failed during authentication due to invalid credentials with SASL mechanism \
                 OAUTHBEARER 0",
            ),
        ] {
            let mut client = Client::connect(address);
            handshake(&mut client, 1, mechanism);
            assert_eq!(seen(&token(&mut client, said)), expected, "{said}");
            assert!(client.is_closed(), "{said}");
        }
    });
}

#[test]
fn a_handshake_of_version_0_is_followed_by_bare_tokens() {
    on_each_sasl_broker(|address| {
        let mut client = Client::connect(address);
        assert_eq!(handshake(&mut client, 0, "PLAIN"), format!("0 {ALL}"));
        client.send_raw(&[b"\0\0\0\x13", b"\0alice\0alice-secret".as_slice()].concat());
        assert!(client.receive_token().is_empty());
        assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0, "it is in");
        let mut client = Client::connect(address);
        handshake(&mut client, 0, "PLAIN");
        client.send_raw(&[b"\0\0\0\x0c", b"\0alice\0wrong".as_slice()].concat());
        assert!(client.is_closed());
    });
}

#[test]
fn after_the_login_its_requests_are_out_of_place() {
    on_each_sasl_broker(|address| {
        let mut client = logged_in(address, "alice");
        assert_eq!(handshake(&mut client, 1, "PLAIN"), "34 ");
        let answer = token(&mut client, "\0alice\0alice-secret");
        assert_eq!(seen(&answer), "34 SaslAuthenticate request received after successful authentication 0");
        assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0, "the connection lives on");
    });
    on_each_broker(|client| {
        assert_eq!(handshake(client, 1, "PLAIN"), "34 ", "where there is no login");
    });
}

#[test]
fn a_handshake_in_the_middle_of_a_login_is_answered_and_ends_it() {
    on_each_sasl_broker(|address| {
        let mut client = Client::connect(address);
        handshake(&mut client, 1, "PLAIN");
        assert_eq!(handshake(&mut client, 1, "PLAIN"), "34 ");
        assert!(client.is_closed());
        let mut client = Client::connect(address);
        handshake(&mut client, 1, "PLAIN");
        assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 34);
        assert!(client.is_closed());
    });
}

#[test]
fn an_unsecured_token_lets_in_whom_it_names_until_it_expires() {
    on_each_sasl_broker(|address| {
        let mut client = Client::connect(address);
        handshake(&mut client, 1, "OAUTHBEARER");
        let expires = crate::records::now_ms() / 1000 + 60;
        let answer = token(&mut client, bearer(&format!(r#"{{"sub":"alice","exp":{expires}}}"#)));
        assert_eq!(answer.error_code, 0, "{answer:?}");
        assert!((50_000..=60_000).contains(&answer.session_lifetime_ms), "{answer:?}");
        assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0);
    });
}

#[test]
fn a_token_that_does_not_hold_is_challenged_and_then_refused() {
    on_each_sasl_broker(|address| {
        let mut client = Client::connect(address);
        handshake(&mut client, 1, "OAUTHBEARER");
        let answer = token(&mut client, bearer(r#"{"sub":"alice","exp":1}"#));
        assert_eq!((answer.error_code, answer.auth_bytes), (0, br#"{"status":"invalid_token"}"#.as_slice().into()));
        assert_eq!(seen(&token(&mut client, "\x01")), r#"58 {"status":"invalid_token"} 0"#);
        assert!(client.is_closed());
    });
}

fn scram(user: &str, mechanism: i8, iterations: i32) -> ScramCredentialUpsertion {
    ScramCredentialUpsertion::default()
        .with_name(StrBytes::from_string(user.to_owned()))
        .with_mechanism(mechanism)
        .with_iterations(iterations)
        .with_salt("salt".into())
        .with_salted_password("salted".into())
}

fn alter(client: &mut Client, upsertions: Vec<ScramCredentialUpsertion>, deletions: &[(&str, i8)]) -> Vec<String> {
    let deletion = |&(user, mechanism): &(&str, i8)| {
        let user = StrBytes::from_string(user.to_owned());
        ScramCredentialDeletion::default().with_name(user).with_mechanism(mechanism)
    };
    let request = AlterUserScramCredentialsRequest::default()
        .with_upsertions(upsertions)
        .with_deletions(deletions.iter().map(deletion).collect());
    let results = client.call(0, &request).results;
    let mut seen: Vec<_> = results
        .into_iter()
        .map(|result| format!("{} {} {:?}", result.user, result.error_code, result.error_message.as_deref()))
        .collect();
    seen.sort();
    seen
}

fn described(client: &mut Client, users: &[&str]) -> Vec<String> {
    let user = |name: &&str| UserName::default().with_name(StrBytes::from_string((*name).to_owned()));
    let users = (!users.is_empty()).then(|| users.iter().map(user).collect());
    let response = client.call(0, &DescribeUserScramCredentialsRequest::default().with_users(users));
    assert_eq!((response.error_code, response.error_message.as_deref()), (0, Some("")));
    let seen = response.results.into_iter().map(|result| {
        let infos = result.credential_infos.iter().map(|info| format!(" {}x{}", info.mechanism, info.iterations));
        let infos: String = std::collections::BTreeSet::from_iter(infos).into_iter().collect();
        format!("{} {} {:?}{infos}", result.user, result.error_code, result.error_message.as_deref())
    });
    let mut seen: Vec<_> = seen.collect();
    seen.sort();
    seen
}

#[test]
fn scram_credentials_are_altered_and_described() {
    on_each_broker(|client| {
        let user = unique("user");
        let altered = alter(client, vec![scram(&user, 1, 4096)], &[]);
        assert_eq!(altered, [format!("{user} 0 None")]);
        let altered = alter(client, vec![scram(&user, 2, 16_384)], &[]);
        assert_eq!(altered, [format!("{user} 0 None")]);
        let infos = format!("{user} 0 Some(\"\") 1x4096 2x16384");
        ask_until(|| described(client, &[&user]), |seen| *seen == [infos.clone()]);
        assert!(described(client, &[]).contains(&infos));
        let missing = "Attempt to describe a user credential that does not exist: nobody";
        let twice = format!("Cannot describe SCRAM credentials for the same user twice in a single request: {user}");
        assert_eq!(
            described(client, &[&user, "nobody", &user]),
            [format!("nobody 91 Some({missing:?})"), format!("{user} 92 Some({twice:?})")]
        );
        assert_eq!(alter(client, vec![], &[(&user, 1)]), [format!("{user} 0 None")]);
        let gone = "Attempt to delete a user credential that does not exist";
        assert_eq!(alter(client, vec![], &[(&user, 1)]), [format!("{user} 91 Some({gone:?})")]);
    });
}

#[test]
fn what_is_no_credential_is_refused() {
    on_each_broker(|client| {
        let (a, b, c) = (unique("a"), unique("b"), unique("c"));
        let asked = vec![scram(&a, 1, 4095), scram(&b, 2, 16_385), scram(&c, 3, 4096), scram("", 1, 4096)];
        let expected = [
            " 93 Some(\"Username must not be empty\")".to_owned(),
            format!("{a} 93 Some(\"Too few iterations\")"),
            format!("{b} 93 Some(\"Too many iterations\")"),
            format!("{c} 33 Some(\"Unknown SCRAM mechanism\")"),
        ];
        assert_eq!(alter(client, asked, &[]), expected);
        let twice = "A user credential cannot be altered twice in the same request";
        let asked = vec![scram(&a, 1, 4096), scram(&a, 2, 4096)];
        assert_eq!(alter(client, asked, &[]), [format!("{a} 92 Some({twice:?})")]);
    });
}

#[test]
fn a_session_that_has_ended_is_closed_at_its_next_request() {
    let (builder, hand) = builder().config("connections.max.reauth.ms", 60_000).manual_clock();
    let broker = builder.start().unwrap();
    let log_in = |client: &mut Client| {
        assert_eq!(handshake(client, 1, "PLAIN"), format!("0 {ALL}"));
        assert_eq!(seen(&token(client, "\0alice\0alice-secret")), "0  60000");
    };
    let mut client = Client::connect(&sasl_address(&broker));
    log_in(&mut client);
    hand.advance(Duration::from_secs(60));
    assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0);
    log_in(&mut client);
    assert_eq!(handshake(&mut client, 1, "PLAIN"), "34 ", "twice within a second");
    hand.advance(Duration::from_millis(60_001));
    client.send(0, &ApiVersionsRequest::default());
    assert!(client.is_closed());
}

#[test]
fn a_session_that_ended_long_ago_is_begun_again_by_a_handshake() {
    let (builder, hand) = builder().config("connections.max.reauth.ms", 1000).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::connect(&sasl_address(&broker));
    let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN"));
    client.call(1, &request);
    token(&mut client, "\0alice\0alice-secret");
    hand.advance(Duration::from_secs(3600));
    assert_eq!(client.call(1, &request).error_code, 0);
    let other = token(&mut client, "\0bob\0bob-secret");
    let why = "58 Cannot change principals during re-authentication from User.alice: User.bob 0";
    assert_eq!(other.error_code, 58);
    assert_eq!(seen(&other), why);
}
