//! `kafka-cluster`: the id of a cluster, and where its brokers are. `unregister` has a meaning for controllers only.

use std::io::Write;

use clap::{Args, Parser, Subcommand};

use super::{Connection, Output, ToolCommand};
use crate::failure::Failure;

/// This tool is used to perform operations on a cluster.
#[derive(Debug, Parser)]
pub(crate) struct ClusterTool {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Get information about the ID of a cluster
    ClusterId(ClusterId),
}

#[derive(Debug, Args)]
struct ClusterId {
    #[command(flatten)]
    connection: Connection,
}

impl ToolCommand for ClusterTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let Command::ClusterId(ClusterId { connection }) = self.command;
        let id = connection.cluster("listNodes").await?.id().await?;
        writeln!(out, "Cluster ID: {id}")?;
        Ok(0)
    }
}
