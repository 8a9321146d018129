//! Our own commands, one file each: shorter and friendlier than Kafka's lines, on the clusters that applications are
//! configured for, by the clients that applications have.

mod at_time;
mod cluster;
pub(crate) mod completions;
mod config;
mod consume;
mod dlq;
mod escaped;
mod group;
pub(crate) mod man;
mod options;
mod partitions;
mod position;
mod produce;
mod record_filter;
mod record_json;
mod table;
mod topic;
pub(crate) mod topology;

use std::{fmt::Display, io::Write};

use clap::Subcommand;
use kafka_app::admin::PerItem;

use options::{ClusterOptions, OutputOptions, YesOption};

use crate::failure::Failure;

/// What a command prints when it has ended.
pub(crate) type Answer = Result<String, Failure>;

/// Commands that talk to a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    #[command(visible_alias = "topics")]
    Topic(topic::TopicCommand),
    #[command(visible_alias = "groups")]
    Group(group::GroupCommand),
    Config(config::ConfigCommand),
    Produce(Box<produce::ProduceCommand>),
    Consume(Box<consume::ConsumeCommand>),
    #[command(visible_alias = "dlt")]
    Dlq(Box<dlq::DlqCommand>),
    Cluster(cluster::ClusterCommand),
}

impl ClusterCommand {
    /// # Errors
    /// What was asked for could not be done, or not all of it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Failed(format!("no threads can be started: {error}")))?;
        let done = runtime.block_on(async {
            match self {
                Self::Topic(command) => command.run().await,
                Self::Produce(command) => Box::pin(command.run()).await.map(|()| String::new()),
                Self::Consume(command) => Box::pin(command.run()).await.map(|()| String::new()),
                Self::Dlq(command) => command.run().await,
                Self::Group(command) => command.run().await,
                Self::Config(command) => command.run().await,
                Self::Cluster(command) => command.run().await,
            }
        });
        runtime.shutdown_background();
        std::io::stdout().write_all(done?.as_bytes())?;
        Ok(())
    }
}

/// A line for each thing that was done; what was not is the failure, with all its reasons.
fn done_with<K: Display, T>(done: PerItem<K, T>, line: impl Fn(&K, T) -> String) -> Answer {
    let (mut lines, mut problems) = (String::new(), Vec::new());
    for (item, outcome) in done {
        match outcome {
            Ok(outcome) => lines += &(line(&item, outcome) + "\n"),
            Err(error) => problems.push(format!("{item}: {error}")),
        }
    }
    if problems.is_empty() {
        return Ok(lines);
    }
    // What was done stays done, and is said.
    std::io::stdout().write_all(lines.as_bytes())?;
    Err(Failure::Failed(problems.join("\n       ")))
}
