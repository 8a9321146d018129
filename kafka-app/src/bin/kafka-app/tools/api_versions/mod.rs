//! `kafka-broker-api-versions`: which requests each broker understands, and in which versions.

mod api_keys;

use std::{collections::BTreeMap, io::Write, time::Duration};

use api_keys::API_KEYS;
use clap::Parser;
use kafka_protocol::messages::api_versions_response::ApiVersion;

use super::{Connection, Output, ToolCommand};
use crate::{
    failure::Failure,
    wire::{ClientSettings, Cluster, Node, Target},
};

/// Brokers are not waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// This tool helps to retrieve broker version information.
#[derive(Debug, Parser)]
pub(crate) struct ApiVersionsTool {
    #[command(flatten)]
    connection: Connection,
}

impl ToolCommand for ApiVersionsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let settings = ClientSettings::of(&self.connection.properties()?)?.with_api_timeout(PATIENCE);
        let cluster = Cluster::connect(settings, "metadata").await?;
        for node in cluster.nodes().await {
            let told = match cluster.connection(Target::Node(node.id)).await {
                Ok(connection) => render(&connection.api_versions().api_keys),
                Err(error) => format!("ERROR: {}", error.message()),
            };
            writeln!(out, "{} -> {told}", name(&node))?;
        }
        Ok(0)
    }
}

/// As Java prints a node.
fn name(Node { id, host, port, rack }: &Node) -> String {
    let rack = rack.as_deref().unwrap_or("null");
    format!("{host}:{port} (id: {id} rack: {rack} isFenced: false)")
}

fn render(versions: &[ApiVersion]) -> String {
    let missing = API_KEYS.iter().filter(|(.., is_for_clients)| *is_for_clients);
    let missing = missing.map(|(key, name, ..)| (*key, format!("{name}({key}): UNSUPPORTED")));
    let mut lines: BTreeMap<i16, String> = missing.collect();
    lines.extend(versions.iter().map(|version| (version.api_key, line(version))));
    format!("(\n\t{}\n)", lines.into_values().collect::<Vec<_>>().join(",\n\t"))
}

fn line(ApiVersion { api_key, min_version, max_version, .. }: &ApiVersion) -> String {
    let range =
        if min_version == max_version { min_version.to_string() } else { format!("{min_version} to {max_version}") };
    let Some((_, name, oldest, latest, _)) = API_KEYS.iter().find(|(key, ..)| key == api_key) else {
        return format!("UNKNOWN({api_key}): {range}");
    };
    let usable = if latest < min_version {
        "[unusable: node too new]".to_owned()
    } else if max_version < oldest {
        "[unusable: node too old]".to_owned()
    } else {
        format!("[usable: {}]", latest.min(max_version))
    };
    format!("{name}({api_key}): {range} {usable}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(api_key: i16, min_version: i16, max_version: i16) -> ApiVersion {
        ApiVersion::default().with_api_key(api_key).with_min_version(min_version).with_max_version(max_version)
    }

    #[test]
    fn a_request_has_the_versions_of_the_broker_and_the_one_that_is_used() {
        assert_eq!(line(&version(0, 0, 13)), "Produce(0): 0 to 13 [usable: 13]");
        assert_eq!(line(&version(27, 1, 1)), "WriteTxnMarkers(27): 1 [usable: 1]");
        assert_eq!(line(&version(8, 2, 99)), "OffsetCommit(8): 2 to 99 [usable: 10]");
        assert_eq!(line(&version(19, 0, 1)), "CreateTopics(19): 0 to 1 [unusable: node too old]");
        assert_eq!(line(&version(18, 9, 10)), "ApiVersions(18): 9 to 10 [unusable: node too new]");
        assert_eq!(line(&version(999, 0, 1)), "UNKNOWN(999): 0 to 1");
    }

    #[test]
    fn requests_of_clients_that_the_broker_does_not_know_are_listed_in_order() {
        let told = render(&[version(18, 0, 4)]);
        assert!(told.starts_with("(\n\tProduce(0): UNSUPPORTED,\n\tFetch(1): UNSUPPORTED,\n"), "{told}");
        assert!(
            told.contains(",\n\tApiVersions(18): 0 to 4 [usable: 4],\n\tCreateTopics(19): UNSUPPORTED,\n"),
            "{told}"
        );
        assert!(!told.contains("Vote(52)"), "{told}");
        assert!(told.ends_with("\n)"), "{told}");
    }

    #[test]
    fn a_node_is_written_as_java_does() {
        let node = Node { id: 1, host: "127.0.0.1".to_owned(), port: 9092, rack: None };
        assert_eq!(name(&node), "127.0.0.1:9092 (id: 1 rack: null isFenced: false)");
    }
}
