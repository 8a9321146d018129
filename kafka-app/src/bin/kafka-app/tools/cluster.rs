//! `kafka-cluster`: the id of a cluster, where its brokers are, and the end of one that never comes back.
//!
//! Of Apache's, `--bootstrap-controller` is left out: who administrates a controller sits beside it, and its endpoints are no
//! brokers' protocol.

use std::{io::Write, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, UnregisterBrokerRequest, describe_cluster_response::DescribeClusterBroker,
};

use super::{Connection, Output, ToolCommand};
use crate::{
    failure::Failure,
    wire::{Cluster, KafkaError, Target},
};

/// The Kafka cluster tool.
#[derive(Debug, Parser)]
pub(crate) struct ClusterTool {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Get information about the ID of a cluster
    ClusterId(At),
    /// Unregister a broker
    Unregister {
        #[command(flatten)]
        at: At,
        /// The broker that never comes back
        #[arg(short, long, value_name = "ID")]
        id: i32,
    },
    /// List where the brokers are
    ListEndpoints {
        #[command(flatten)]
        at: At,
        /// Those that are fenced, too
        #[arg(long)]
        include_fenced_brokers: bool,
    },
}

/// Which cluster; the file has another name here than with other tools.
#[derive(Debug, Args)]
struct At {
    /// The brokers to connect to first
    #[arg(short, long, value_name = "HOST:PORT,...")]
    bootstrap_server: String,

    /// Read the properties of the client from a file, as Java clients have them
    #[arg(short = 'c', long, alias = "command-config", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl At {
    async fn cluster(self, call: &str) -> Result<Cluster, Failure> {
        Connection::to(self.bootstrap_server, self.config).cluster(call).await
    }
}

impl ToolCommand for ClusterTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        match self.command {
            Command::ClusterId(at) => {
                let id = at.cluster("listNodes").await?.id().await?;
                writeln!(out, "Cluster ID: {id}")?;
            }
            Command::Unregister { at, id } => {
                unregister(&at.cluster("unregisterBroker").await?, id).await?;
                writeln!(out, "Broker {id} is no longer registered.")?;
            }
            Command::ListEndpoints { at, include_fenced_brokers } => {
                let brokers = brokers(&at.cluster("listNodes").await?, include_fenced_brokers).await?;
                out.write_all(table(&brokers).as_bytes())?;
            }
        }
        Ok(0)
    }
}

async fn unregister(cluster: &Cluster, id: i32) -> Result<(), Failure> {
    let ask = async || {
        let request = |_| UnregisterBrokerRequest::default().with_broker_id(BrokerId(id));
        let answer = cluster.send(Target::Controller, request).await?;
        Ok(KafkaError::check(answer.error_code, answer.error_message.as_ref())?)
    };
    Ok(cluster.retrying("unregisterBroker", ask).await?)
}

async fn brokers(cluster: &Cluster, with_fenced: bool) -> Result<Vec<DescribeClusterBroker>, Failure> {
    let ask = async || {
        let request = |_| DescribeClusterRequest::default().with_include_fenced_brokers(with_fenced);
        let answer = cluster.send(Target::Any, request).await?;
        KafkaError::check(answer.error_code, answer.error_message.as_ref())?;
        Ok(answer.brokers)
    };
    let mut brokers = cluster.retrying("listNodes", ask).await?;
    brokers.sort_by_key(|broker| broker.broker_id);
    Ok(brokers)
}

/// Hosts and racks are as wide as the longest of them; without racks, ten.
fn table(brokers: &[DescribeClusterBroker]) -> String {
    let hosts = brokers.iter().map(|broker| broker.host.len()).max().unwrap_or(100);
    let racks = brokers.iter().filter_map(|broker| Some(broker.rack.as_ref()?.len())).max().unwrap_or(10);
    let line = |[id, host, port, rack, state, kind]: [&str; 6]| {
        format!("{id:<10} {host:<hosts$} {port:<10} {rack:<racks$} {state:<10} {kind:<15}\n")
    };
    let head = line(["ID", "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE"]);
    let row = |broker: &DescribeClusterBroker| {
        let (id, port) = (broker.broker_id.0.to_string(), broker.port.to_string());
        let rack = broker.rack.as_ref().map_or("null", |rack| rack.as_str());
        let state = if broker.is_fenced { "fenced" } else { "unfenced" };
        line([&id, broker.host.as_str(), &port, rack, state, "broker"])
    };
    head + &brokers.iter().map(row).collect::<String>()
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::StrBytes;

    use super::*;

    #[test]
    fn endpoints_are_listed_as_apaches_tool_does() {
        let broker = DescribeClusterBroker::default()
            .with_broker_id(BrokerId(1))
            .with_host(StrBytes::from_static_str("127.0.0.1"))
            .with_port(19292);
        let expected = "\
            ID         HOST      PORT       RACK       STATE      ENDPOINT_TYPE  \n\
            1          127.0.0.1 19292      null       unfenced   broker         \n";
        assert_eq!(table(&[broker]), expected);
    }
}
