//! What produces and consumes, on clusters with TLS and logins: by property files of Java's clients, and by our own commands.
//!
//! TLS and SCRAM are OpenSSL's in these clients: what needs them runs where the program has it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use embedded_broker::{CertificateAuthority, EmbeddedBroker, Listener};
use tempfile::TempDir;

use crate::program::{NAMED, run, run_with};

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";

/// A broker with a listener of each protocol, and what its clients need.
struct Secured {
    broker: EmbeddedBroker,
    folder: TempDir,
}

impl Secured {
    fn start() -> Self {
        let ca = CertificateAuthority::new();
        let broker = EmbeddedBroker::builder()
            .listener(Listener::sasl_plaintext())
            .listener(Listener::ssl(&ca.server()).client_certificates(&ca))
            .listener(Listener::sasl_ssl(&ca.server()))
            .user("alice", "secret")
            .topic("demo", 1)
            .start()
            .unwrap();
        let folder = TempDir::new().unwrap();
        let client = ca.client("alice");
        fs::write(folder.path().join("ca.pem"), ca.certificate_pem()).unwrap();
        fs::write(folder.path().join("other.pem"), CertificateAuthority::new().certificate_pem()).unwrap();
        fs::write(folder.path().join("client.pem"), format!("{}{}", client.key_pem(), client.certificate_pem()))
            .unwrap();
        Self { broker, folder }
    }

    fn servers(&self, way: &Way) -> &str {
        self.broker.bootstrap_servers_of(way.protocol()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A property file of Java's clients.
    fn properties(&self, way: &Way) -> String {
        let mut lines = vec![format!("security.protocol={}", way.protocol())];
        let store = |which: &str, file: &str| {
            [format!("ssl.{which}store.type=PEM"), format!("ssl.{which}store.location={}", text(&self.path(file)))]
        };
        match way {
            Way::Certificate { authority, has_own } => {
                lines.extend(store("trust", authority));
                lines.extend(has_own.then(|| store("key", "client.pem")).into_iter().flatten());
            }
            Way::Login { is_ssl, mechanism, password } => {
                lines.extend(is_ssl.then(|| store("trust", "ca.pem")).into_iter().flatten());
                let module = if *mechanism == "PLAIN" { PLAIN } else { SCRAM };
                lines.push(format!("sasl.mechanism={mechanism}"));
                lines.push(format!("sasl.jaas.config={module} required username=\"alice\" password=\"{password}\";"));
            }
        }
        let file = self.path(&format!("{way:?}.properties").replace(['"', ' '], ""));
        fs::write(&file, lines.join("\n")).unwrap();
        text(&file)
    }

    /// The same as options of our own commands.
    fn options(&self, way: &Way) -> Vec<String> {
        let mut options = vec![format!("security.protocol={}", way.protocol())];
        let file = |name: &str| text(&self.path(name));
        match way {
            Way::Certificate { authority, has_own } => {
                options.push(format!("ssl.ca.location={}", file(authority)));
                if *has_own {
                    options.push(format!("ssl.certificate.location={}", file("client.pem")));
                    options.push(format!("ssl.key.location={}", file("client.pem")));
                }
            }
            Way::Login { is_ssl, mechanism, password } => {
                options.extend(is_ssl.then(|| format!("ssl.ca.location={}", file("ca.pem"))));
                options.push(format!("sasl.mechanism={mechanism}"));
                options.push("sasl.username=alice".to_owned());
                options.push(format!("sasl.password={password}"));
            }
        }
        options.into_iter().flat_map(|option| ["-X".to_owned(), option]).collect()
    }
}

/// How a client comes in.
#[derive(Debug, Clone, Copy)]
enum Way {
    Certificate { authority: &'static str, has_own: bool },
    Login { is_ssl: bool, mechanism: &'static str, password: &'static str },
}

impl Way {
    fn protocol(&self) -> &'static str {
        match self {
            Self::Certificate { .. } => "SSL",
            Self::Login { is_ssl: true, .. } => "SASL_SSL",
            Self::Login { is_ssl: false, .. } => "SASL_PLAINTEXT",
        }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Whether the program's clients have OpenSSL; that a test does without is said.
#[expect(clippy::print_stdout, reason = "a test that is left out says so")]
async fn has_openssl() -> bool {
    let asked = ["topic", "list", "-b", "localhost:1", "--timeout", "1ms", "-X", "security.protocol=ssl"];
    let (_, _, said) = run(&asked).await;
    let has = !said.contains("--features");
    if !has {
        let named = env::var_os(NAMED).map_or_else(|| "this build".to_owned(), |path| path.display().to_string());
        println!("skipped: {named} has no OpenSSL; KAFKA_APP_TEST_PROGRAM names one that has");
    }
    has
}

/// Sends and reads with everything there is.
async fn comes_in(secured: &Secured, way: Way) {
    let (servers, file) = (secured.servers(&way), secured.properties(&way));
    let at = ["--bootstrap-server", servers, "--topic", "demo"];
    let topic = secured.broker.topic("demo");
    let before = topic.records().unwrap().len();
    let group = format!("verified-{before}");
    let tool = |name: &str, config: &str, more: &[&str]| {
        let arguments = [&[name], &at[..], &[config, &file], more].concat();
        arguments.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let producer = tool("kafka-console-producer", "--producer.config", &[]);
    let perf = ["--num-records", "2", "--record-size", "10", "--throughput", "-1"];
    let own =
        [vec!["produce".to_owned(), "demo".to_owned(), "-b".to_owned(), servers.to_owned()], secured.options(&way)];
    for (arguments, input) in [
        (producer, "1\n2\n"),
        (tool("kafka-producer-perf-test", "--producer.config", &perf), ""),
        (tool("kafka-verifiable-producer", "--producer.config", &["--max-messages", "2"]), ""),
        (own.concat(), "1\n2\n"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, _, said) = run_with(&arguments, input.as_bytes()).await;
        assert_eq!(code, Some(0), "{way:?}: {arguments:?}: {said}");
    }
    assert_eq!(topic.records().unwrap().len() - before, 8, "{way:?}");
    let own =
        [vec!["consume".to_owned(), "demo".to_owned(), "-b".to_owned(), servers.to_owned()], secured.options(&way)];
    let own = [own.concat(), ["--from", "earliest", "--to-end"].map(str::to_owned).to_vec()];
    for arguments in [
        tool("kafka-console-consumer", "--consumer.config", &["--from-beginning", "--max-messages", "8"]),
        tool("kafka-consumer-perf-test", "--consumer.config", &["--messages", "8"]),
        tool(
            "kafka-verifiable-consumer",
            "--consumer.config",
            &["--group-id", &group, "--max-messages", "8", "--reset-policy", "earliest"],
        ),
        own.concat(),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, printed, said) = run(&arguments).await;
        assert_eq!(code, Some(0), "{way:?}: {arguments:?}: {said}");
        assert!(!printed.is_empty(), "{way:?}: {arguments:?}: {said}");
    }
    let groups = ["kafka-consumer-groups", "--bootstrap-server", servers, "--list", "--command-config", &file];
    let (code, printed, said) = run(&groups).await;
    assert_eq!(code, Some(0), "{way:?}: {said}");
    assert!(printed.contains("perf-consumer-"), "{way:?}: {printed}");
}

/// What is said by everything there is, with Apache's exit codes; nobody waits until a time is over.
async fn is_shut_out(secured: &Secured, way: Way, why: &str) {
    let (servers, file) = (secured.servers(&way), secured.properties(&way));
    let at = ["--bootstrap-server", servers, "--topic", "demo"];
    let perf = ["--num-records", "2", "--record-size", "10", "--throughput", "-1"];
    let before = secured.broker.topic("demo").records().unwrap().len();
    let check = async |arguments: &[&str], expected: i32| {
        let (code, printed, said) = run_with(arguments, b"1\n").await;
        let printed = String::from_utf8(printed).unwrap();
        assert_eq!(code, Some(expected), "{way:?}: {arguments:?}: {printed}{said}");
        assert!(said.contains(why) || printed.contains(why), "{way:?}: {arguments:?}: {printed}{said}");
    };
    for (tool, config, more, expected) in [
        ("kafka-console-producer", "--producer.config", &[][..], 0),
        ("kafka-producer-perf-test", "--producer.config", &perf, 0),
        ("kafka-verifiable-producer", "--producer.config", &["--max-messages", "2"], 0),
        ("kafka-console-consumer", "--consumer.config", &["--from-beginning"], 0),
        ("kafka-consumer-perf-test", "--consumer.config", &["--messages", "1"], 1),
        ("kafka-verifiable-consumer", "--consumer.config", &["--group-id", "verified"], 0),
    ] {
        check(&[&[tool], &at[..], &[config, &file], more].concat(), expected).await;
    }
    // As Apache's, which says so and ends well.
    check(&["kafka-consumer-groups", "--bootstrap-server", servers, "--list", "--command-config", &file], 0).await;
    let options = secured.options(&way);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    for own in [&["produce", "demo"][..], &["consume", "demo"], &["topic", "list"], &["group", "list"]] {
        check(&[own, &["-b", servers], &options].concat(), 1).await;
    }
    assert_eq!(secured.broker.topic("demo").records().unwrap().len(), before, "{way:?}");
}

const fn login(is_ssl: bool, mechanism: &'static str, password: &'static str) -> Way {
    Way::Login { is_ssl, mechanism, password }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_lets_everything_in_and_a_wrong_one_is_told_at_once() {
    let secured = Secured::start();
    comes_in(&secured, login(false, "PLAIN", "secret")).await;
    is_shut_out(&secured, login(false, "PLAIN", "guessed"), "Invalid username or password").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_a_password_lets_everything_in_and_a_wrong_one_is_told_at_once() {
    if !has_openssl().await {
        return;
    }
    let secured = Secured::start();
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        comes_in(&secured, login(true, mechanism, "secret")).await;
    }
    comes_in(&secured, login(true, "PLAIN", "secret")).await;
    comes_in(&secured, login(false, "SCRAM-SHA-512", "secret")).await;
    is_shut_out(&secured, login(true, "SCRAM-SHA-256", "guessed"), "uthentication").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_let_everything_in_and_others_are_told_at_once() {
    if !has_openssl().await {
        return;
    }
    let secured = Secured::start();
    comes_in(&secured, Way::Certificate { authority: "ca.pem", has_own: true }).await;
    is_shut_out(&secured, Way::Certificate { authority: "other.pem", has_own: true }, "certificate").await;
    is_shut_out(&secured, Way::Certificate { authority: "ca.pem", has_own: false }, "certificate").await;
}
