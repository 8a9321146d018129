//! What is wished of topics, read from the values of options.

use std::collections::{BTreeMap, BTreeSet};

use super::options::TopicsTool;
use crate::{
    tools::once::{only, only_number},
    wire::NewTopic,
};

impl TopicsTool {
    /// The topic that `--create` is to make.
    ///
    /// # Errors
    /// In the script's words, if a value cannot be.
    pub(super) fn new_topic(&self) -> Result<NewTopic, String> {
        let name = only(&self.topic, "topic")?.unwrap_or_default().to_owned();
        let partitions = only_number(&self.partitions, "partitions")?;
        let replicas = only_number(&self.replication_factor, "replication-factor")?;
        let assignment = self.assignment()?;
        let configs = configs(&self.config)?;
        let replication_factor = match replicas.map(i16::try_from) {
            None => None,
            Some(Ok(replicas @ 1..)) => Some(replicas),
            Some(_) => return Err("The replication factor must be between 1 and 32767 inclusive".to_owned()),
        };
        if partitions.is_some_and(|partitions| partitions < 1) {
            return Err("The partitions must be greater than 0".to_owned());
        }
        Ok(NewTopic { name, partitions, replication_factor, assignment, configs })
    }

    /// The replicas of each partition; empty if nothing is said of them.
    ///
    /// # Errors
    /// In the script's words, if it cannot be read.
    pub(super) fn assignment(&self) -> Result<Vec<Vec<i32>>, String> {
        match only(&self.replica_assignment, "replica-assignment")? {
            None | Some("") => Ok(Vec::new()),
            Some(text) => assignment(text),
        }
    }
}

fn assignment(text: &str) -> Result<Vec<Vec<i32>>, String> {
    let mut partitions: Vec<Vec<i32>> = Vec::new();
    for (index, partition) in java_split(text, ',').into_iter().enumerate() {
        let brokers: Vec<i32> = java_split(partition, ':').into_iter().map(broker).collect::<Result<_, _>>()?;
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<String> = brokers.iter().filter(|id| !seen.insert(**id)).map(i32::to_string).collect();
        if !twice.is_empty() {
            let twice: Vec<String> = twice.into_iter().collect();
            return Err(format!("Partition replica lists may not contain duplicate entries: {}", twice.join(",")));
        }
        let others = partitions.first().map_or(brokers.len(), Vec::len);
        if brokers.len() != others {
            return Err(format!("Partition {index} has different replication factor: {brokers:?}"));
        }
        partitions.push(brokers);
    }
    Ok(partitions)
}

fn broker(text: &str) -> Result<i32, String> {
    text.trim().parse().map_err(|_| format!("For input string: \"{}\"", text.trim()))
}

/// As Java's `split` does: nothing at the end is no part.
fn java_split(text: &str, at: char) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(at).collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

/// `NAME=VALUE` each; of a name that comes twice the last value counts.
fn configs(given: &[String]) -> Result<BTreeMap<String, String>, String> {
    let parsed = given.iter().map(|config| match java_split(config, '=')[..] {
        [name, value] => Some((name.trim().to_owned(), value.trim().to_owned())),
        _ => None,
    });
    parsed.collect::<Option<_>>().ok_or_else(|| {
        "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\"."
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn new_topic(arguments: &[&str]) -> Result<NewTopic, String> {
        let fixed = ["kafka-topics", "--bootstrap-server", "a:1", "--create"];
        TopicsTool::try_parse_from(fixed.iter().chain(arguments)).unwrap().new_topic()
    }

    #[test]
    fn a_topic_is_as_it_is_wished() {
        let topic = new_topic(&["--topic", "t", "--partitions", "3", "--config", "a = 1", "--config", "a=2"]).unwrap();
        let configs = BTreeMap::from([("a".to_owned(), "2".to_owned())]);
        let expected = NewTopic { name: "t".to_owned(), partitions: Some(3), configs, ..NewTopic::default() };
        assert_eq!(topic, expected);
    }

    #[test]
    fn replicas_are_listed_a_partition() {
        assert_eq!(assignment("1:2, 2:1"), Ok(vec![vec![1, 2], vec![2, 1]]));
        assert_eq!(assignment("1:1").unwrap_err(), "Partition replica lists may not contain duplicate entries: 1");
        assert_eq!(assignment("1,1:2").unwrap_err(), "Partition 1 has different replication factor: [1, 2]");
        assert_eq!(assignment("x").unwrap_err(), "For input string: \"x\"");
    }

    #[test]
    fn what_cannot_be_is_told_in_the_scripts_words() {
        let refused = |arguments: &[&str]| new_topic(arguments).unwrap_err();
        assert_eq!(refused(&["--topic", "x", "--partitions", "0"]), "The partitions must be greater than 0");
        assert_eq!(
            refused(&["--topic", "x", "--replication-factor", "0"]),
            "The replication factor must be between 1 and 32767 inclusive"
        );
        assert_eq!(
            refused(&["--topic", "x", "--config", "retention.ms"]),
            "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\"."
        );
        assert_eq!(
            refused(&["--topic", "x", "--topic", "y"]),
            "Found multiple arguments for option topic, but you asked for only one"
        );
    }
}
