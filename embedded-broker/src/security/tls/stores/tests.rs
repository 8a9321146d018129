//! Stores that `keytool` and `openssl` made, all of one key and its certificate; passwords are `store-secret`, `key-secret` and
//! `trust-secret`.

use super::*;
use crate::config::layers::Configs;

fn path(name: &str) -> String {
    format!("{}/src/security/tls/stores/made_by_java/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn configs(pairs: &[(&str, &str)]) -> Configs {
    pairs.iter().map(|&(key, value)| (format!("ssl.{key}"), value.to_owned())).collect()
}

fn keys(pairs: &[(&str, &str)]) -> Result<KeyStore, String> {
    key_store(ListenerConfigs::new("SSL", &configs(pairs)))
}

fn trusted(pairs: &[(&str, &str)]) -> Result<Vec<CertificateDer<'static>>, String> {
    trust_store(ListenerConfigs::new("SSL", &configs(pairs))).map(|found| found.expect("it is named"))
}

fn key_of(location: &str, more: &[(&str, &str)]) -> Result<KeyStore, String> {
    let location = path(location);
    let own = [("keystore.location", location.as_str()), ("keystore.password", "store-secret")];
    keys(&[&own, more].concat())
}

fn pem() -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let read = |name: &str| std::fs::read_to_string(path(name)).expect("it is there");
    let key = pem::private_key(&read("key.pem"), Some("key-secret")).expect("the password is right");
    (pem::certificates(&read("server.pem")).expect("it has one"), key)
}

#[test]
fn the_same_key_is_in_every_kind_of_store_whatever_its_type_is_said_to_be() {
    let (chain, key) = pem();
    for (location, more) in [
        ("server.jks", &[("key.password", "key-secret")][..]),
        ("server.jks", &[("key.password", "key-secret"), ("keystore.type", "PKCS12")]),
        ("server.p12", &[]),
        ("server.p12", &[("keystore.type", "pkcs12"), ("key.password", "store-secret")]),
        ("openssl.p12", &[("keystore.type", "PKCS12")]),
    ] {
        let store = key_of(location, more).unwrap();
        assert_eq!(store.chain, chain, "{location}");
        assert_eq!(store.key.secret_der(), key.secret_der(), "{location}");
    }
    let certificate = std::fs::read_to_string(path("server.pem")).unwrap();
    let key = std::fs::read_to_string(path("key.pem")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let both = dir.path().join("both.pem");
    std::fs::write(&both, format!("{key}{certificate}")).unwrap();
    let pem = [("keystore.type", "PEM"), ("key.password", "key-secret"), ("keystore.location", both.to_str().unwrap())];
    assert_eq!(keys(&pem).unwrap().chain, chain);
}

#[test]
fn certificates_that_are_trusted_are_in_every_kind_of_store() {
    let (chain, _) = pem();
    for location in ["trust.jks", "trust.p12"] {
        let location = path(location);
        let own = [("truststore.location", location.as_str()), ("truststore.password", "trust-secret")];
        assert_eq!(trusted(&own).unwrap(), chain, "{location}");
    }
    let without_password = path("trust.jks");
    assert_eq!(trusted(&[("truststore.location", &without_password)]).unwrap(), chain, "as Java takes it");
    let keys_too = path("server.p12");
    let own = [("truststore.location", keys_too.as_str()), ("truststore.password", "store-secret")];
    assert_eq!(trusted(&own).unwrap(), chain);
}

#[test]
fn what_is_wrong_with_a_store_is_said() {
    let wrong = [("keystore.password", "wrong")];
    for (store, why) in [
        (key_of("server.jks", &[]), "server.jks: the key of broker: the password is wrong"),
        (key_of("server.jks", &wrong), "server.jks: the password is wrong"),
        (key_of("server.p12", &wrong), "server.p12: the password is wrong"),
        (key_of("openssl.p12", &wrong), "openssl.p12: the password is wrong"),
        (key_of("nowhere.jks", &[]), "nowhere.jks: No such file"),
        (key_of("trust.jks", &[("keystore.password", "trust-secret")]), "it has no private key, but 1 certificates"),
        (key_of("server.pem", &[]), "it is PEM: set the type"),
    ] {
        let refused = store.unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    let own = path("trust.jks");
    let refused = trusted(&[("truststore.location", &own), ("truststore.password", "wrong")]).unwrap_err();
    assert!(refused.ends_with("trust.jks: the password is wrong"), "{refused}");
}

#[test]
fn a_store_that_is_cut_off_or_spoilt_is_refused_and_nothing_worse() {
    for name in ["server.jks", "server.p12", "trust.jks"] {
        let whole = std::fs::read(path(name)).unwrap();
        for len in 0..whole.len() {
            assert!(jks::read(&whole[..len], None, Some("key-secret")).is_err(), "{name} {len}");
            assert!(entries(&whole[..len], Some("store-secret"), None).is_err(), "{name} {len}");
        }
    }
    let mut many = b"\xFE\xED\xFE\xED\0\0\0\x02\xFF\xFF\xFF\xFF".to_vec();
    many.extend([0; 20]);
    assert_eq!(jks::read(&many, None, None).unwrap_err(), "it is cut off", "a count reserves nothing");
}
