//! `kafka-metadata-quorum`: the controllers, who of them leads, and who votes.

mod controller_file;
mod describe;

use std::io::Write;

use clap::{Args, Parser, Subcommand};

use super::{AnyConnection, Output, ToolCommand, connection::read_properties, kafka_uuid};
use crate::{
    failure::Failure,
    wire::{add_controller, remove_controller},
};
use controller_file::Controller;
use describe::Describe;

/// This tool describes kraft metadata quorum status.
#[derive(Debug, Parser)]
pub(crate) struct MetadataQuorumTool {
    #[command(flatten)]
    connection: AnyConnection,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Describe the metadata quorum info
    Describe(Describe),

    /// Add the controller whose properties are in the file of --command-config
    AddController {
        /// Say what would be done, and do not do it
        #[arg(long)]
        dry_run: bool,
    },

    /// Remove a controller
    RemoveController(Remove),
}

#[derive(Debug, Args)]
struct Remove {
    /// The id of the controller
    #[arg(short = 'i', long, value_name = "ID", allow_hyphen_values = true)]
    controller_id: i32,

    /// The id of the directory that it has its metadata in
    #[arg(short = 'd', long, value_name = "ID", allow_hyphen_values = true)]
    controller_directory_id: String,

    /// Say what would be done, and do not do it
    #[arg(long)]
    dry_run: bool,
}

impl ToolCommand for MetadataQuorumTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        if let Some(path) = self.connection.command_config().filter(|path| !path.exists()) {
            return Err(Failure::Failed(format!("Properties file {} does not exists!", path.display())));
        }
        match &self.command {
            Command::Describe(describe) => describe.done(&self.connection, out).await,
            Command::AddController { dry_run } => add(&self.connection, *dry_run, out).await,
            Command::RemoveController(remove) => remove.done(&self.connection, out).await,
        }
    }
}

async fn add(connection: &AnyConnection, dry_run: bool, out: &mut Output) -> Result<u8, Failure> {
    let path = connection.command_config().ok_or_else(|| {
        let words =
            "You must supply the configuration file of the controller you are adding when using add-controller.";
        Failure::Failed(words.to_owned())
    })?;
    let controller = Controller::of(&read_properties(path)?).map_err(Failure::Failed)?;
    if !dry_run {
        let cluster = connection.cluster("addRaftVoter").await?;
        add_controller(&cluster, controller.id, controller.directory, &controller.endpoints).await?;
    }
    let did = if dry_run { "DRY RUN of adding" } else { "Added" };
    writeln!(out, "{did} {controller}")?;
    Ok(0)
}

impl Remove {
    async fn done(&self, connection: &AnyConnection, out: &mut Output) -> Result<u8, Failure> {
        let id = self.controller_id;
        if id < 0 {
            return Err(Failure::Failed(format!("Invalid negative --controller-id: {id}")));
        }
        let directory = kafka_uuid::parse(&self.controller_directory_id)
            .map_err(|problem| Failure::Failed(format!("Failed to parse --controller-directory-id: {problem}")))?;
        if !self.dry_run {
            remove_controller(&connection.cluster("removeRaftVoter").await?, id, directory).await?;
        }
        // The script has a blank too many.
        let did = if self.dry_run { "DRY RUN of removing " } else { "Removed " };
        writeln!(out, "{did} KRaft controller {id} with directory id {}", kafka_uuid::format(directory))?;
        Ok(0)
    }
}
