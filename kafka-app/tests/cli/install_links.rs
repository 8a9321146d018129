//! Links to the program that are named like Kafka's scripts.

use std::{fs, process::Command};

use embedded_broker::EmbeddedBroker;
use tempfile::TempDir;

use crate::program::run;

#[tokio::test]
async fn a_link_named_like_a_script_is_the_script() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("bin");
    let at = dir.display().to_string();
    let (code, said, errors) = run(&["install-links", &at]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{said}");
    let broker = EmbeddedBroker::builder().start().unwrap();
    for name in ["kafka-cluster", "kafka-cluster.sh"] {
        let mut command = Command::new(dir.join(name));
        let output = command.args(["cluster-id", "--bootstrap-server", broker.bootstrap_servers()]).output().unwrap();
        assert!(output.stdout.starts_with(b"Cluster ID: "), "{name}: {output:?}");
    }
    // A second time changes nothing.
    let (code, again, _) = run(&["install-links", &at]).await;
    assert_eq!((code, again), (Some(0), said));
}

#[tokio::test]
async fn what_is_no_link_of_ours_is_left_alone_unless_told_otherwise() {
    let dir = TempDir::new().unwrap();
    let at = dir.path().display().to_string();
    let script = dir.path().join("kafka-cluster.sh");
    fs::write(&script, "of Apache").unwrap();
    let (code, _, errors) = run(&["install-links", &at]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("kafka-cluster.sh: something else is there; --force replaces it"), "{errors}");
    assert_eq!(fs::read(&script).unwrap(), b"of Apache");
    let (code, ..) = run(&["install-links", "--force", &at]).await;
    assert_eq!(code, Some(0));
    assert!(script.is_symlink());
}
