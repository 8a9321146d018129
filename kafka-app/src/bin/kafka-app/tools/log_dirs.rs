//! `kafka-log-dirs`: which partitions lie in which directory of which broker, and how large they are, as JSON.

use std::{collections::BTreeSet, io::Write};

use clap::Parser;
use serde_json::Value;

use super::{Connection, Output, ToolCommand};
use crate::{
    failure::Failure,
    wire::{LogDir, Replica, describe_log_dirs},
};

/// This tool helps to query log directory usage on the specified brokers.
#[derive(Debug, Parser)]
pub(crate) struct LogDirsTool {
    #[command(flatten)]
    connection: Connection,

    /// Show the log directories
    #[arg(long, required = true)]
    describe: bool,

    /// Of these topics only
    #[arg(long, value_name = "TOPIC,...", default_value = "", hide_default_value = true)]
    topic_list: String,

    /// Of these brokers only
    #[arg(long, value_name = "ID,...", default_value = "", hide_default_value = true)]
    broker_list: String,
}

impl ToolCommand for LogDirsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let topics: BTreeSet<&str> = listed(&self.topic_list).collect();
        let number = |id: &str| id.parse::<i32>().map_err(|_| Failure::Failed(format!("For input string: \"{id}\"")));
        let wanted: BTreeSet<i32> = listed(&self.broker_list).map(number).collect::<Result<_, _>>()?;
        let cluster = self.connection.cluster("listNodes").await?;
        let known: BTreeSet<i32> = cluster.nodes().await.into_iter().map(|node| node.id).collect();
        let unknown: BTreeSet<i32> = wanted.difference(&known).copied().collect();
        if !unknown.is_empty() {
            return Err(Failure::Failed(format!(
                "The given brokers do not exist from --broker-list: {}. Current existent brokers: {}",
                ids(&unknown),
                ids(&known)
            )));
        }
        let brokers = if wanted.is_empty() { known } else { wanted };
        writeln!(out, "Querying brokers for log directories information")?;
        let mut directories = Vec::new();
        for &broker in &brokers {
            directories.push((broker, describe_log_dirs(&cluster, "describeLogDirs", broker).await?));
        }
        writeln!(out, "Received log directory information from brokers {}", ids(&brokers))?;
        writeln!(out, "{}", render(&directories, &topics))?;
        Ok(0)
    }
}

fn listed(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').filter(|name| !name.is_empty())
}

fn ids(ids: &BTreeSet<i32>) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// In one line, with the fields in the script's order.
fn render(directories: &[(i32, Vec<LogDir>)], topics: &BTreeSet<&str>) -> String {
    let broker = |(id, directories): &(i32, Vec<LogDir>)| {
        let directories: Vec<String> = directories.iter().map(|directory| log_dir(directory, topics)).collect();
        format!("{{\"broker\":{id},\"logDirs\":[{}]}}", directories.join(","))
    };
    let brokers: Vec<String> = directories.iter().map(broker).collect();
    format!("{{\"brokers\":[{}],\"version\":1}}", brokers.join(","))
}

fn log_dir(directory: &LogDir, topics: &BTreeSet<&str>) -> String {
    let is_shown = |replica: &&Replica| topics.is_empty() || topics.contains(replica.partition.0.as_str());
    let replica = |Replica { partition: (topic, partition), size, offset_lag, is_future }: &Replica| {
        let name = Value::from(format!("{topic}-{partition}"));
        format!("{{\"partition\":{name},\"size\":{size},\"offsetLag\":{offset_lag},\"isFuture\":{is_future}}}")
    };
    let replicas: Vec<String> = directory.replicas.iter().filter(is_shown).map(replica).collect();
    let error = directory.error.as_ref().map_or(Value::Null, |error| Value::from(error.exception()));
    let path = Value::from(directory.path.as_str());
    format!("{{\"partitions\":[{}],\"error\":{error},\"logDir\":{path}}}", replicas.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_one_line_of_json_with_the_topics_that_are_asked_for() {
        let replica =
            |topic: &str| Replica { partition: (topic.to_owned(), 2), size: 183, offset_lag: 0, is_future: false };
        let directory =
            LogDir { path: "/tmp/a\"b".to_owned(), error: None, replicas: vec![replica("shop"), replica("other")] };
        assert_eq!(
            render(&[(1, vec![directory])], &BTreeSet::from(["shop"])),
            r#"{"brokers":[{"broker":1,"logDirs":[{"partitions":[{"partition":"shop-2","size":183,"offsetLag":0,"isFuture":false}],"error":null,"logDir":"/tmp/a\"b"}]}],"version":1}"#
        );
    }
}
