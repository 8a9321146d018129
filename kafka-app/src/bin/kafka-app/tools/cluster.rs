//! `kafka-cluster`: the id of a cluster, where its brokers are, and the end of one that never comes back.

use std::{io::Write, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use kafka_protocol::messages::{BrokerId, UnregisterBrokerRequest, describe_cluster_response::DescribeClusterBroker};

use super::{Output, Servers, ToolCommand};
use crate::{
    failure::Failure,
    wire::{ClientSettings, Cluster, KafkaError, Target, WireError},
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
    /// List where the brokers are, or the controllers
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
#[group(id = "servers", required = true, args = ["bootstrap_server", "bootstrap_controller"])]
struct At {
    /// The brokers to connect to first
    #[arg(short, long, value_name = "HOST:PORT,...")]
    bootstrap_server: Option<String>,

    /// The controllers to connect to first, instead of brokers
    #[arg(short = 'C', long, value_name = "HOST:PORT,...")]
    bootstrap_controller: Option<String>,

    /// Read the properties of the client from a file, as Java clients have them
    #[arg(short = 'c', long, alias = "command-config", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl At {
    async fn cluster(&self, call: &str) -> Result<Cluster, Failure> {
        Ok(Cluster::connect(self.settings()?, call).await?)
    }

    fn settings(&self) -> Result<ClientSettings, Failure> {
        let servers = Servers::of(self.bootstrap_server.as_deref(), self.bootstrap_controller.as_deref());
        servers.settings(self.config.as_deref())
    }
}

impl ToolCommand for ClusterTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        match self.command {
            Command::ClusterId(at) => {
                let id = at.cluster("listNodes").await?.id().await?;
                writeln!(out, "Cluster ID: {id}")?;
            }
            Command::Unregister { at, id } => match unregister(at.settings()?, id).await {
                Ok(()) => writeln!(out, "Broker {id} is no longer registered.")?,
                Err(WireError::Unsupported { .. }) => {
                    writeln!(out, "The target cluster does not support the broker unregistration API.")?;
                }
                Err(error) => return Err(error.into()),
            },
            Command::ListEndpoints { at, include_fenced_brokers } => {
                let kind = if at.bootstrap_controller.is_some() { Kind::Controller } else { Kind::Broker };
                if include_fenced_brokers && kind == Kind::Controller {
                    let words = "The option --include-fenced-brokers is only supported with --bootstrap-server option";
                    return Err(Failure::Failed(words.to_owned()));
                }
                match nodes(at.settings()?, include_fenced_brokers).await {
                    Ok(nodes) => out.write_all(table(&nodes, kind).as_bytes())?,
                    // As the script does it, with exit code 0.
                    Err(error @ WireError::Unsupported { .. }) => writeln!(out, "{}", error.message())?,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(0)
    }
}

async fn unregister(settings: ClientSettings, id: i32) -> Result<(), WireError> {
    let cluster = Cluster::connect(settings, "unregisterBroker").await?;
    let ask = async || {
        let request = |_| UnregisterBrokerRequest::default().with_broker_id(BrokerId(id));
        let answer = cluster.send(Target::Controller, request).await?;
        Ok(KafkaError::check(answer.error_code, answer.error_message.as_ref())?)
    };
    cluster.retrying("unregisterBroker", ask).await
}

async fn nodes(settings: ClientSettings, with_fenced: bool) -> Result<Vec<DescribeClusterBroker>, WireError> {
    let cluster = Cluster::connect(settings, "listNodes").await?;
    let mut nodes = cluster.retrying("listNodes", async || Ok(cluster.describe(with_fenced).await?.brokers)).await?;
    nodes.sort_by_key(|node| node.broker_id);
    Ok(nodes)
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Broker,
    Controller,
}

/// Hosts and racks are as wide as the longest of them; without racks, ten.
fn table(nodes: &[DescribeClusterBroker], kind: Kind) -> String {
    let hosts = nodes.iter().map(|node| node.host.len()).max().unwrap_or(100);
    let racks = nodes.iter().filter_map(|node| Some(node.rack.as_ref()?.len())).max().unwrap_or(10);
    let line = |[id, host, port, rack, state, name]: [&str; 6]| {
        // A controller is never fenced.
        let state = if kind == Kind::Broker { format!("{state:<10} ") } else { String::new() };
        format!("{id:<10} {host:<hosts$} {port:<10} {rack:<racks$} {state}{name:<15}\n")
    };
    let head = line(["ID", "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE"]);
    let name = if kind == Kind::Broker { "broker" } else { "controller" };
    let row = |node: &DescribeClusterBroker| {
        let (id, port) = (node.broker_id.0.to_string(), node.port.to_string());
        let rack = node.rack.as_ref().map_or("null", |rack| rack.as_str());
        let state = if node.is_fenced { "fenced" } else { "unfenced" };
        line([&id, node.host.as_str(), &port, rack, state, name])
    };
    head + &nodes.iter().map(row).collect::<String>()
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
        assert_eq!(table(std::slice::from_ref(&broker), Kind::Broker), expected);
        let expected = "\
            ID         HOST      PORT       RACK       ENDPOINT_TYPE  \n\
            1          127.0.0.1 19292      null       controller     \n";
        assert_eq!(table(&[broker], Kind::Controller), expected);
    }
}
