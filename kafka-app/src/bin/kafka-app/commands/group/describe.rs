//! `kafka-app group describe` and `lag`: where a group stands, once or again and again.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use clap::Args;
use kafka_app::{
    PartitionLag, TopicPartition,
    admin::{AdminClient, BrokerError, GroupDescription, GroupMember, GroupState},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::super::{
    Answer, ClusterOptions, OutputOptions,
    table::{Document, Table},
};
use super::screen::Screen;
use crate::{at_once::at_once, failure::Failure, reader_watch::ReaderWatch, stop::Stop};

/// Show the state, the members and the offsets of groups
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  kafka-app group describe billing\n  kafka-app group describe billing -o json"
)]
pub(super) struct Describe {
    /// Their names
    #[arg(value_name = "GROUP", required = true)]
    groups: Vec<String>,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Show how far a group is behind in each partition
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  kafka-app group lag billing\n  kafka-app group lag billing --watch 2s")]
pub(super) struct Lag {
    /// Its name
    #[arg(value_name = "GROUP")]
    group: String,
    /// Show it again after each of these times, until Ctrl-C
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "2s", value_parser = humantime::parse_duration)]
    watch: Option<Duration>,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

impl Describe {
    pub(super) async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        let (mut described, mut problems) = (Vec::new(), Vec::new());
        for (name, group) in admin.describe_groups(self.groups).await? {
            match group {
                Ok(group) => described.push(group),
                Err(error) => problems.push(format!("{name}: {error}")),
            }
        }
        let admin = &admin;
        let ask = |group: GroupDescription| async move { admin.group_lag_of(&group).await.map(|lags| (group, lags)) };
        let mut documents = Vec::new();
        for answer in at_once(described, ask).await {
            let (group, lags) = answer?;
            if group.state == GroupState::Dead && lags.is_empty() {
                problems.push(format!("there is no group {}: kafka-app group list shows those there are", group.group));
            } else {
                documents.push(document(&group, &lags));
            }
        }
        let shown = Document::render_all(&documents, self.output.output)?;
        if problems.is_empty() {
            return Ok(shown);
        }
        // The others are shown all the same.
        if !documents.is_empty() {
            io::stdout().write_all(shown.as_bytes())?;
        }
        Err(Failure::Failed(problems.join("\n       ")))
    }
}

impl Lag {
    pub(super) async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        let Some(every) = self.watch else { return self.once(&admin).await };
        let mut stop = Stop::listen()?;
        let reader = ReaderWatch::new();
        tokio::select! {
            biased;
            code = stop.requested() => Err(Failure::Stopped(code)),
            () = reader.gone() => Err(Failure::Closed),
            failed = self.again_and_again(&admin, every) => failed,
        }
    }

    /// Until it fails.
    async fn again_and_again(&self, admin: &AdminClient, every: Duration) -> Answer {
        let mut screen = Screen::new();
        let mut next = Instant::now();
        loop {
            screen.show(&self.once(admin).await?)?;
            next = (next + every).max(Instant::now());
            sleep_until(next).await;
        }
    }

    async fn once(&self, admin: &AdminClient) -> Answer {
        let lags = admin.group_lag(&self.group).await?;
        let mut table = Table::new(["topic", "partition", "current_offset", "log_end_offset", "lag"]);
        for (at, lag) in &lags {
            let [current, end, lag] = of(lag);
            table.row([json!(&*at.topic), json!(at.partition), current, end, lag]);
        }
        table.render(self.output.output)
    }
}

type Lags = BTreeMap<TopicPartition, Result<PartitionLag, BrokerError>>;

/// Committed offset, end and lag, as far as they are known.
fn of(lag: &Result<PartitionLag, BrokerError>) -> [Value; 3] {
    match lag {
        Ok(lag) => [json!(lag.committed), json!(lag.end_offset), json!(lag.committed.map(|_| lag.lag()))],
        Err(_) => [Value::Null, Value::Null, Value::Null],
    }
}

fn document(group: &GroupDescription, lags: &Lags) -> Document {
    let mut offsets = Table::new([
        "topic",
        "partition",
        "current_offset",
        "log_end_offset",
        "lag",
        "consumer_id",
        "host",
        "client_id",
    ]);
    for (at, lag) in lags {
        let owner = group.members.iter().find(|member| member.assignment.contains(at));
        let of_owner = |tell: fn(&GroupMember) -> &String| json!(owner.map(tell));
        let [current, end, lag] = of(lag);
        let owner = [of_owner(|m| &m.member_id), of_owner(|m| &m.host), of_owner(|m| &m.client_id)];
        offsets.row([json!(&*at.topic), json!(at.partition), current, end, lag].into_iter().chain(owner));
    }
    let mut members = Table::new(["consumer_id", "instance_id", "host", "client_id", "partitions"]);
    for member in &group.members {
        let partitions: Vec<_> = member.assignment.iter().map(|at| format!("{}-{}", at.topic, at.partition)).collect();
        let who = [json!(member.member_id), json!(member.instance_id), json!(member.host), json!(member.client_id)];
        members.row(who.into_iter().chain([json!(partitions)]));
    }
    let total: i64 = lags.values().flatten().filter(|lag| lag.committed.is_some()).map(PartitionLag::lag).sum();
    let coordinator = group.coordinator.as_ref().map(|node| format!("{}:{} ({})", node.host, node.port, node.id));
    let head = format!(
        "{}: {}, {} members, lag {total}, {} group{}, coordinator {}",
        group.group,
        group.state,
        group.members.len(),
        group.group_type.to_string().to_lowercase(),
        if group.assignor.is_empty() { String::new() } else { format!(" ({})", group.assignor) },
        coordinator.as_deref().unwrap_or("unknown"),
    );
    let document = Document::new()
        .field("group", group.group.clone())
        .field("state", group.state.to_string())
        .field("type", group.group_type.to_string())
        .field("assignor", group.assignor.clone())
        .field("coordinator", coordinator)
        .field("lag", total)
        .table("offsets", &head, offsets);
    match group.members.len() {
        0 => document,
        n => document.table("members", &format!("{n} members"), members),
    }
}
