//! `kafka-app dlq replay`: dead letters back to where they came from.

use clap::Args;
use kafka_app::ReplayReport;
use serde_json::json;

use super::super::{
    Answer, ClusterOptions, OutputOptions,
    record_filter::FilterOptions,
    table::{Document, Table},
};
use crate::{failure::Failure, say, stop::Stop};

/// Send dead letters back to where they came from; without --execute it is only shown which
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app dlq replay orders-dlt\n  \
    kafka-app dlq replay orders-dlt --execute\n  \
    kafka-app dlq replay orders-dlt --key 42 --execute\n  \
    kafka-app dlq replay orders-dlt --to orders-mended --max 10 --execute\n\n\
    A letter goes back to its topic and partition with its key, its value and its own headers. How far this has come is \
    remembered in the group kafka-app-replay-TOPIC, after the letters are acknowledged; with a filter nothing is \
    remembered. A header counts how often a record was replayed: one that comes again too often is left.")]
pub(super) struct ReplayCommand {
    /// The dead letter topic
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// Send them here, instead of where they came from
    #[arg(long, value_name = "TOPIC")]
    to: Option<String>,
    /// Send at most so many
    #[arg(short = 'n', long = "max", value_name = "N")]
    max: Option<u64>,
    /// Leave those that were replayed so often already
    #[arg(long, value_name = "N", default_value = "3")]
    max_replays: u32,
    /// Look at all letters, also at those that were replayed or left before
    #[arg(long)]
    from_beginning: bool,
    /// Do it
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    filter: FilterOptions,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

impl ReplayCommand {
    pub(super) async fn run(self) -> Answer {
        if self.to.as_ref() == Some(&self.topic) {
            return Err(Failure::Usage("letters are not sent to the topic they are read from".to_owned()));
        }
        let mut stop = Stop::listen()?;
        let app = self.cluster.start(&[]).await?;
        let replay = app.replay_of(self.cluster.name(), self.topic.as_str())?;
        let mut replay = replay.group(format!("kafka-app-replay-{}", self.topic)).max_replays(self.max_replays);
        if let Some(to) = &self.to {
            replay = replay.to(to);
        }
        if let Some(max) = self.max {
            replay = replay.at_most(max);
        }
        if self.from_beginning {
            replay = replay.from_beginning();
        }
        if !self.filter.is_all() {
            let filter = self.filter.clone();
            replay = replay.filter(move |letter| filter.takes(letter));
        }
        if !self.execute {
            replay = replay.dry_run();
        }
        let report = tokio::select! {
            // What was sent and is not remembered yet will be sent again.
            code = stop.requested() => Err(Failure::Stopped(code)),
            report = replay.run() => report.map_err(|error| told(&error)),
        };
        let _ = app.stop().await;
        let report = report?;
        if !self.execute {
            say::line("nothing was sent: --execute does it");
        }
        document(&report).render(self.output.output)
    }
}

/// An error with its cause, which says what the broker did not like.
fn told(error: &kafka_app::Error) -> Failure {
    let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    Failure::Failed(format!("{error}{cause}"))
}

fn document(report: &ReplayReport) -> Document {
    let mut replayed = Table::new(["to", "letters"]);
    for (topic, n_letters) in &report.replayed_to {
        replayed.row([json!(topic), json!(n_letters)]);
    }
    let mut left = Table::new(["partition", "offset", "why"]);
    for (at, offset, why) in &report.left {
        left.row([json!(at.partition), json!(offset), json!(why.to_string())]);
    }
    let head = format!("{}: {} letters go back", report.topic, report.n_replayed);
    let document = Document::new()
        .field("topic", report.topic.clone())
        .field("n_replayed", report.n_replayed)
        .field("n_left", report.n_left)
        .table("replayed", &head, replayed);
    match report.n_left {
        0 => document,
        n_left => document.table("left", &format!("{n_left} are left"), left),
    }
}
