//! SCRAM conversations, and changes of credentials.

use super::client::ScramClient;
use super::credentials::{Deletion, ScramCredentials, Upsertion};
use super::*;
use crate::error::{Error, ErrorCode};

const SALT: &[u8] = b"pepper and salt";

fn talk(hash: ScramHash, name: &str, password: &str) -> Result<Proven, Failure> {
    let nonce = || "server".to_owned();
    let credential = |asked: ScramHash, user: &str| {
        (asked == hash && user == "alice").then(|| ScramCredential::of_password(hash, "secret", SALT))
    };
    let around = Surroundings { wall_ms: 0, nonce: &nonce, credential: &credential };
    let mechanism = if hash == ScramHash::Sha256 { "SCRAM-SHA-256" } else { "SCRAM-SHA-512" };
    let mut client = ScramClient::new(mechanism, name, password, "client".to_owned()).unwrap();
    let mut server = ScramServer::new(hash);
    let Step::Challenge(challenge) = server.evaluate(client.first().as_bytes(), &around)? else { unreachable!() };
    let challenge = String::from_utf8(challenge).unwrap();
    assert!(challenge.starts_with("r=clientserver,s=") && challenge.ends_with(",i=4096"), "{challenge}");
    match server.evaluate(client.prove(challenge.as_bytes()).unwrap().as_bytes(), &around)? {
        Step::Done(proven) => {
            client.verify(&proven.token).unwrap();
            Ok(proven)
        }
        Step::Challenge(_) => unreachable!(),
    }
}

#[test]
fn a_password_is_proven_with_either_hash() {
    for hash in ScramHash::ALL {
        let proven = talk(hash, "alice", "secret").unwrap();
        assert_eq!(proven.name, "alice");
        assert!(proven.token.starts_with(b"v="));
    }
}

#[test]
fn neither_a_wrong_password_nor_an_unknown_user_is_told_what_was_wrong() {
    for (name, password) in [("alice", "wrong"), ("bob", "secret")] {
        assert!(matches!(talk(ScramHash::Sha256, name, password), Err(Failure::Hidden(_))), "{name}");
    }
}

#[test]
fn a_client_answers_no_challenge_that_is_not_meant_for_it() {
    let client = || ScramClient::new("SCRAM-SHA-256", "alice", "secret", "client".to_owned()).unwrap();
    for (challenge, why) in [
        ("r=other,s=cGVwcGVy,i=4096", "does not start with client nonce"),
        ("r=clientserver,s=cGVwcGVy,i=4095", "are not between"),
        ("r=clientserver,s=cGVwcGVy,i=99999999", "are not between"),
        ("r=clientserver,s=?,i=4096", "salt"),
        ("r=clientserver", "Invalid SCRAM server first message"),
    ] {
        let refused = client().prove(challenge.as_bytes()).unwrap_err();
        assert!(refused.contains(why), "{challenge}: {refused}");
    }
    assert!(client().verify(b"v=AAAA").is_err());
    assert!(ScramClient::new("PLAIN", "alice", "secret", "client".to_owned()).is_none());
}

/// RFC 7677 has a whole conversation with SHA-256.
#[test]
fn the_example_of_the_rfc_is_answered_as_there() {
    let salt = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, "W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let nonce = || "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned();
    let credential = |_: ScramHash, _: &str| Some(ScramCredential::of_password(ScramHash::Sha256, "pencil", &salt));
    let around = Surroundings { wall_ms: 0, nonce: &nonce, credential: &credential };
    let mut server = ScramServer::new(ScramHash::Sha256);
    let challenge = server.evaluate(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", &around).unwrap();
    let expected = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    assert_eq!(challenge, Step::Challenge(expected.to_vec()));
    let last =
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let Step::Done(proven) = server.evaluate(last, &around).unwrap() else { panic!("a challenge") };
    assert_eq!(proven.token, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    let mut client = ScramClient::new("SCRAM-SHA-256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO".to_owned()).unwrap();
    assert_eq!(client.prove(expected).unwrap().as_bytes(), last);
    assert_eq!(client.verify(&proven.token), Ok(()));
}

fn upsertion(user: &str, mechanism: i8, iterations: i32) -> Upsertion<'_> {
    Upsertion { user, mechanism, iterations, salt: SALT, salted_password: b"salted" }
}

fn outcomes(results: Vec<(&str, Result<(), Error>)>) -> Vec<String> {
    let shown = results.into_iter().map(|(user, result)| match result {
        Ok(()) => format!("{user} ok"),
        Err(error) => format!("{user} {:?} {}", error.code().unwrap_or(ErrorCode::None), error.message()),
    });
    shown.collect()
}

#[test]
fn a_password_that_is_given_is_known_to_both_hashes() {
    let mut all = ScramCredentials::default();
    all.add_user("alice", "secret", SALT);
    for hash in ScramHash::ALL {
        assert_eq!(all.get(hash, "alice"), Some(&ScramCredential::of_password(hash, "secret", SALT)));
    }
    assert_eq!(all.by_user()["alice"], [(ScramHash::Sha256, 4096), (ScramHash::Sha512, 4096)]);
    assert_eq!(format!("{all:?}"), r#"{("alice", Sha256), ("alice", Sha512)}"#);
}

#[test]
fn a_credential_that_a_client_has_stored_is_not_replaced_by_a_password_that_is_given_at_a_start() {
    let mut all = ScramCredentials::default();
    alter(&mut all, &[], &[upsertion("alice", 1, 5000)]);
    all.add_user("alice", "secret", SALT);
    assert_eq!(all.by_user()["alice"], [(ScramHash::Sha256, 5000), (ScramHash::Sha512, 4096)]);
}

fn alter<'a>(
    all: &mut ScramCredentials,
    deletions: &[Deletion<'a>],
    upsertions: &[Upsertion<'a>],
) -> Vec<(&'a str, Result<(), Error>)> {
    let plans = all.plan(deletions, upsertions).into_iter();
    plans.map(|(user, plan)| (user, plan.map(|change| all.apply(change)))).collect()
}

#[test]
fn credentials_are_stored_found_and_removed() {
    let mut all = ScramCredentials::default();
    assert_eq!(
        outcomes(alter(&mut all, &[], &[upsertion("alice", 1, 4096), upsertion("bob", 2, 16_384)])),
        ["alice ok", "bob ok"]
    );
    assert_eq!(all.by_user()["bob"], [(ScramHash::Sha512, 16_384)]);
    assert!(all.get(ScramHash::Sha256, "bob").is_none());
    let deletion = Deletion { user: "bob", mechanism: 2 };
    assert_eq!(outcomes(alter(&mut all, &[deletion], &[])), ["bob ok"]);
    let gone = "bob ResourceNotFound Attempt to delete a user credential that does not exist";
    assert_eq!(outcomes(alter(&mut all, &[deletion], &[])), [gone]);
}

#[test]
fn what_kafka_does_not_store_is_not_stored() {
    let mut all = ScramCredentials::default();
    let asked = [upsertion("", 1, 4096), upsertion("a", 3, 4096), upsertion("b", 1, 4095), upsertion("c", 1, 16_385)];
    assert_eq!(
        outcomes(alter(&mut all, &[], &asked)),
        [
            " UnacceptableCredential Username must not be empty",
            "a UnsupportedSaslMechanism Unknown SCRAM mechanism",
            "b UnacceptableCredential Too few iterations",
            "c UnacceptableCredential Too many iterations",
        ]
    );
    assert!(all.by_user().is_empty());
}

#[test]
fn a_user_is_altered_once_in_a_request() {
    let mut all = ScramCredentials::default();
    alter(&mut all, &[], &[upsertion("alice", 1, 4096)]);
    let twice = ["alice DuplicateResource A user credential cannot be altered twice in the same request"];
    let deletion = Deletion { user: "alice", mechanism: 1 };
    assert_eq!(outcomes(alter(&mut all, &[deletion], &[upsertion("alice", 2, 4096)])), twice);
    assert_eq!(outcomes(alter(&mut all, &[], &[upsertion("alice", 1, 5000), upsertion("alice", 2, 5000)])), twice);
    assert_eq!(all.by_user()["alice"], [(ScramHash::Sha256, 4096)], "as it was");
}
