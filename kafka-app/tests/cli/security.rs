//! Commands on clusters with TLS and logins, configured by the property files of Java clients.

use std::{fs, path::Path};

use embedded_broker::{CertificateAuthority, EmbeddedBroker, Listener};
use tempfile::TempDir;

#[cfg(not(any(feature = "tls-system", feature = "tls-vendored")))]
use crate::program::NAMED;
use crate::program::run;

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";
const OAUTHBEARER: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";

/// Asks for the cluster's id at a listener, as these properties say.
async fn cluster_id(
    broker: &EmbeddedBroker,
    listener: &str,
    properties: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("client.properties");
    let lines: Vec<_> = properties.iter().map(|(key, value)| format!("{key}={value}")).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let servers = broker.bootstrap_servers_of(listener).unwrap();
    let arguments = ["kafka-cluster", "cluster-id", "--bootstrap-server", servers, "--command-config", &path(&file)];
    run(&arguments).await
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn jaas(module: &str, user: &str, password: &str) -> String {
    format!("{module} required username=\"{user}\" password=\"{password}\";")
}

#[tokio::test]
async fn a_client_logs_in_by_password_and_by_proof_of_one() {
    let broker =
        EmbeddedBroker::builder().listener(Listener::sasl_plaintext()).user("al=i,ce", "secret").start().unwrap();
    for (mechanism, module) in [("PLAIN", PLAIN), ("SCRAM-SHA-256", SCRAM), ("SCRAM-SHA-512", SCRAM)] {
        let of = |password| {
            let entry = jaas(module, "al=i,ce", password);
            [
                ("security.protocol", "SASL_PLAINTEXT".to_owned()),
                ("sasl.mechanism", mechanism.to_owned()),
                ("sasl.jaas.config", entry),
            ]
        };
        let right = of("secret");
        let right: Vec<_> = right.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let (code, said, errors) = cluster_id(&broker, "SASL_PLAINTEXT", &right).await;
        assert_eq!(code, Some(0), "{mechanism}: {errors}");
        assert!(said.starts_with("Cluster ID: "), "{said}");
        let wrong = of("guessed");
        let wrong: Vec<_> = wrong.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let (code, said, errors) = cluster_id(&broker, "SASL_PLAINTEXT", &wrong).await;
        assert_eq!((code, said.as_str()), (Some(1), ""), "{mechanism}");
        assert!(errors.contains("SaslAuthenticationException"), "{errors}");
    }
}

#[tokio::test]
async fn a_client_brings_a_token_that_nobody_signed() {
    let listener = Listener::sasl_plaintext().mechanisms("OAUTHBEARER");
    let broker = EmbeddedBroker::builder().listener(listener).start().unwrap();
    let entry = format!("{OAUTHBEARER} required unsecuredLoginStringClaim_sub=\"alice\";");
    let properties =
        [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "OAUTHBEARER"), ("sasl.jaas.config", &entry)];
    let (code, _, errors) = cluster_id(&broker, "SASL_PLAINTEXT", &properties).await;
    assert_eq!(code, Some(0), "{errors}");
}

#[tokio::test]
async fn a_mechanism_that_is_not_offered_is_told_with_those_that_are() {
    let listener = Listener::sasl_plaintext().mechanisms("PLAIN");
    let broker = EmbeddedBroker::builder().listener(listener).user("alice", "secret").start().unwrap();
    let entry = jaas(SCRAM, "alice", "secret");
    let properties =
        [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "SCRAM-SHA-256"), ("sasl.jaas.config", &entry)];
    let (code, _, errors) = cluster_id(&broker, "SASL_PLAINTEXT", &properties).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("enabled mechanisms are [PLAIN]"), "{errors}");
}

#[tokio::test]
async fn certificates_are_checked_both_ways() {
    let ca = CertificateAuthority::new();
    let listener = Listener::ssl(&ca.server()).client_certificates(&ca);
    let broker = EmbeddedBroker::builder().listener(listener).start().unwrap();
    let folder = TempDir::new().unwrap();
    let trusted = folder.path().join("ca.pem");
    fs::write(&trusted, ca.certificate_pem()).unwrap();
    let client = ca.client("alice");
    let identity = folder.path().join("client.pem");
    fs::write(&identity, format!("{}{}", client.key_pem(), client.certificate_pem())).unwrap();
    let (trusted, identity) = (path(&trusted), path(&identity));
    let trust =
        [("security.protocol", "SSL"), ("ssl.truststore.type", "PEM"), ("ssl.truststore.location", trusted.as_str())];
    let own = [("ssl.keystore.type", "PEM"), ("ssl.keystore.location", identity.as_str())];

    let (code, _, errors) = cluster_id(&broker, "SSL", &[trust.as_slice(), &own].concat()).await;
    assert_eq!(code, Some(0), "{errors}");

    // Whoever does not show a certificate is turned away, and whoever trusts another authority turns away.
    let soon = [("default.api.timeout.ms", "300")];
    let (code, _, errors) = cluster_id(&broker, "SSL", &[trust.as_slice(), &soon].concat()).await;
    assert_eq!(code, Some(1), "{errors}");
    let other = folder.path().join("other.pem");
    fs::write(&other, CertificateAuthority::new().certificate_pem()).unwrap();
    let other = path(&other);
    let distrust = [("security.protocol", "SSL"), ("ssl.truststore.type", "PEM"), ("ssl.truststore.location", &other)];
    let (code, _, errors) = cluster_id(&broker, "SSL", &[distrust.as_slice(), &soon].concat()).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("certificate"), "{errors}");
}

/// What is said to a client of this program that cannot be made.
async fn refused(protocol: &str, more: &str) -> String {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("client.properties");
    fs::write(&file, format!("security.protocol={protocol}\n{more}")).unwrap();
    let mut said = Vec::new();
    for (tool, config) in
        [("kafka-console-consumer", "--consumer.config"), ("kafka-console-producer", "--producer.config")]
    {
        let (code, _, errors) =
            run(&[tool, "--topic", "orders", "--bootstrap-server", "localhost:1", config, &path(&file)]).await;
        assert_eq!(code, Some(1), "{tool}: {errors}");
        said.push(errors);
    }
    said.join("")
}

#[tokio::test]
async fn who_wants_kerberos_is_told_that_there_is_none() {
    let said = refused("SASL_PLAINTEXT", "sasl.mechanism=GSSAPI").await;
    assert_eq!(said.matches("no build of kafka-app has Kerberos").count(), 2, "{said}");
}

#[cfg(not(any(feature = "tls-system", feature = "tls-vendored")))]
#[tokio::test]
async fn a_build_without_openssl_says_what_brings_it() {
    if std::env::var_os(NAMED).is_some() {
        // Another program, which may well have it.
        return;
    }
    let scram = format!("sasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config={}", jaas(SCRAM, "alice", "secret"));
    for (protocol, more) in [("SSL", ""), ("SASL_PLAINTEXT", &scram)] {
        let said = refused(protocol, more).await;
        assert_eq!(said.matches("cargo install --path kafka-app --features cli,tls-vendored").count(), 2, "{said}");
    }
}
