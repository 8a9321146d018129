//! `kafka-app cluster`: what a cluster consists of.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    Answer, ClusterOptions, OutputOptions,
    table::{Document, Table},
};

#[derive(Debug, Args)]
#[command(about = "What a cluster consists of", arg_required_else_help = true)]
pub(crate) struct ClusterCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Info(Info),
}

/// The cluster's id and its brokers
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  kafka-app cluster info\n  kafka-app cluster info -b broker-1:9092 -o json")]
struct Info {
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

impl ClusterCommand {
    pub(crate) async fn run(self) -> Answer {
        let Command::Info(info) = self.command;
        info.run().await
    }
}

impl Info {
    async fn run(self) -> Answer {
        let cluster = self.cluster.admin()?.describe_cluster().await?;
        let mut nodes = Table::new(["id", "host", "port", "rack", "controller"]);
        for node in &cluster.nodes {
            let is_controller = cluster.controller == Some(node.id);
            nodes.row([json!(node.id), json!(node.host), json!(node.port), json!(node.rack), json!(is_controller)]);
        }
        let id = cluster.cluster_id.as_deref().unwrap_or("unknown");
        let head = format!("cluster {id}, {} brokers", cluster.nodes.len());
        Document::new()
            .field("cluster_id", cluster.cluster_id)
            .table("brokers", &head, nodes)
            .render(self.output.output)
    }
}
