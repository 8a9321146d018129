//! Conversations with tokens that hold and tokens that do not.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::*;

const NOW_MS: i64 = 1_700_000_000_000;

fn token(claims: &str) -> String {
    format!("{}.{}.", STANDARD_NO_PAD.encode(r#"{"alg":"none"}"#), STANDARD_NO_PAD.encode(claims))
}

fn say(rules: Rules, message: &str) -> Result<Step, Failure> {
    OAuthBearer::new(Arc::new(rules)).evaluate(message.as_bytes(), NOW_MS)
}

fn bring(rules: Rules, token: &str) -> Result<Step, Failure> {
    say(rules, &format!("n,,\x01auth=Bearer {token}\x01\x01"))
}

fn refusal(text: &str) -> Result<Step, Failure> {
    Ok(Step::Challenge(text.as_bytes().to_vec()))
}

#[test]
fn a_token_that_holds_names_its_user_until_it_expires() {
    let proven = bring(Rules::default(), &token(r#"{"sub":"alice","iat":1699999999,"exp":1700000060.5}"#));
    let expected = Proven { name: "alice".to_owned(), token: Vec::new(), expires_ms: Some(1_700_000_060_500) };
    assert_eq!(proven, Ok(Step::Done(expected)));
}

#[test]
fn claims_that_do_not_hold_are_an_invalid_token() {
    for claims in [
        r#"{"exp":1700000060}"#,
        r#"{"sub":" ","exp":1700000060}"#,
        r#"{"sub":7,"exp":1700000060}"#,
        r#"{"sub":"alice"}"#,
        r#"{"sub":"alice","exp":"1700000060"}"#,
        r#"{"sub":"alice","exp":1700000000}"#,
        r#"{"sub":"alice","iat":1700000001,"exp":1700000060}"#,
        r#"{"sub":"alice","scope":7,"exp":1700000060}"#,
        "[]",
        "not json",
    ] {
        assert_eq!(bring(Rules::default(), &token(claims)), refusal(r#"{"status":"invalid_token"}"#), "{claims}");
    }
    let good = token(r#"{"sub":"alice","exp":1700000060}"#);
    let signed = format!("{}.{}.", STANDARD_NO_PAD.encode(r#"{"alg":"HS256"}"#), good.split('.').nth(1).unwrap());
    for wrong in [format!("{good}c2ln"), good.trim_end_matches('.').to_owned(), format!("{good}.."), signed] {
        assert_eq!(bring(Rules::default(), &wrong), refusal(r#"{"status":"invalid_token"}"#), "{wrong}");
    }
}

#[test]
fn clocks_may_differ_as_much_as_is_allowed() {
    let rules = Rules { clock_skew_ms: 2000, ..Rules::default() };
    for claims in [r#"{"sub":"a","exp":1699999999}"#, r#"{"sub":"a","iat":1700000002,"exp":1700000060}"#] {
        assert!(matches!(bring(rules.clone(), &token(claims)), Ok(Step::Done(_))), "{claims}");
    }
    assert!(matches!(bring(rules, &token(r#"{"sub":"a","exp":1699999998}"#)), Ok(Step::Challenge(_))));
}

#[test]
fn a_required_scope_must_be_there() {
    let rules = || Rules { required_scope: vec!["a".to_owned(), "b".to_owned()], ..Rules::default() };
    let all = bring(rules(), &token(r#"{"sub":"u","exp":1700000060,"scope":["b"," a "]}"#));
    assert!(matches!(all, Ok(Step::Done(_))));
    let some = bring(rules(), &token(r#"{"sub":"u","exp":1700000060,"scope":"a"}"#));
    assert_eq!(some, refusal(r#"{"status":"insufficient_scope", "scope":"[a, b]"}"#));
}

#[test]
fn a_refused_client_is_refused_once_it_has_read_why() {
    let mut server = OAuthBearer::new(Arc::default());
    let bad = format!("n,,\x01auth=Bearer {}\x01\x01", token("{}"));
    assert!(matches!(server.evaluate(bad.as_bytes(), NOW_MS), Ok(Step::Challenge(_))));
    assert_eq!(server.evaluate(b"\x01", NOW_MS), Err(Failure::told(r#"{"status":"invalid_token"}"#)));
}

#[test]
fn both_alphabets_and_extensions_are_read() {
    let claims = r#"{"sub":"al?ice>>?","exp":1700000060}"#;
    let url_safe = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims));
    assert!(url_safe.contains(['-', '_']), "{url_safe}");
    let message = format!("n,a=al?ice>>?,\x01auth=bearer {url_safe}\x01ext=some thing\x01\x01");
    assert!(matches!(say(Rules::default(), &message), Ok(Step::Done(_))));
    let other = format!("n,a=bob,\x01auth=bearer {url_safe}\x01\x01");
    assert!(matches!(say(Rules::default(), &other), Err(Failure::Told(_))));
}

#[test]
fn what_is_no_first_message_is_refused_without_a_word() {
    for bad in [
        "",
        "n,,",
        "n,,\x01\x01",
        "y,,\x01auth=Bearer a\x01\x01",
        "n,,\x01auth=Basic a\x01\x01",
        "n,,\x01auth=Bearer\x01\x01",
        "n,,\x01auth=Bearer a b\x01\x01",
    ] {
        assert!(matches!(say(Rules::default(), bad), Err(Failure::Hidden(_))), "{bad:?}");
    }
}
