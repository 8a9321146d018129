//! `kafka-app group describe` and `lag`: where a group stands, once or again and again.

use std::{collections::BTreeMap, time::Duration};

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
use crate::{failure::Failure, reader_watch::ReaderWatch, stop::Stop};

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
        let described = admin.describe_groups(self.groups).await?;
        let mut documents = Vec::new();
        for (name, group) in described {
            let group = group.map_err(|error| Failure::Failed(format!("{name}: {error}")))?;
            let lags = admin.group_lag(&name).await?;
            if group.state == GroupState::Dead && lags.is_empty() {
                return Err(Failure::Failed(format!(
                    "there is no group {name}: kafka-app group list shows those there are"
                )));
            }
            documents.push(document(&group, &lags));
        }
        Document::render_all(&documents, self.output.output)
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
