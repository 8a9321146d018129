//! `kafka-delete-records`: the oldest records of partitions are deleted, up to the offsets in a file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::PathBuf,
};

use clap::Parser;
use serde_json::Value;

use super::{Connection, Output, ToolCommand};
use crate::{
    failure::Failure,
    wire::{ClientSettings, Cluster, TopicPartition, WireError, delete_records},
};

/// This tool helps to delete records of the given partitions down to the specified offset.
#[derive(Debug, Parser)]
pub(crate) struct DeleteRecordsTool {
    #[command(flatten)]
    connection: Connection,

    /// A file with the offset of the first record to keep of each partition, -1 being the end:
    /// {"partitions": [{"topic": "foo", "partition": 1, "offset": 1}], "version": 1}
    #[arg(long, value_name = "FILE")]
    offset_json_file: PathBuf,
}

impl ToolCommand for DeleteRecordsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let settings = ClientSettings::of(&self.connection.properties()?)?;
        let path = &self.offset_json_file;
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::Failed(format!("Unable to read file {}: {error}", path.display())))?;
        let offsets = parse(&text).map_err(Failure::Failed)?;
        writeln!(out, "Executing records delete operation")?;
        out.flush()?;
        let done = if offsets.is_empty() {
            BTreeMap::new()
        } else {
            match Cluster::connect(settings, "deleteRecords(api=METADATA)").await {
                Ok(cluster) => delete_records(&cluster, &offsets).await,
                Err(error) => offsets.into_keys().map(|partition| (partition, Err(error.clone()))).collect(),
            }
        };
        writeln!(out, "Records delete operation completed:")?;
        for (partition, done) in &done {
            writeln!(out, "{}", render(partition, done))?;
        }
        Ok(0)
    }
}

fn render((topic, partition): &TopicPartition, done: &Result<i64, WireError>) -> String {
    match done {
        Ok(low_watermark) => format!("partition: {topic}-{partition}\tlow_watermark: {low_watermark}"),
        Err(error) => format!("partition: {topic}-{partition}\terror: {error}"),
    }
}

/// The offsets in the file.
///
/// # Errors
/// In the script's words, if it is not as it should be.
fn parse(text: &str) -> Result<BTreeMap<TopicPartition, i64>, String> {
    let value: Value = serde_json::from_str(text).map_err(|_| "The input string is not a valid JSON".to_owned())?;
    if !value.is_object() {
        return Err(format!("Expected JSON object, received {value}"));
    }
    match value.get("version") {
        None => {}
        Some(version) if version.as_i64() == Some(1) => {}
        Some(version) => return Err(format!("Not supported version field value {version}")),
    }
    let partitions = value.get("partitions").ok_or("Missing partitions field")?;
    let partitions = partitions.as_array().ok_or_else(|| format!("Expected JSON array, received {partitions}"))?;
    let mut offsets = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for partition in partitions {
        let field = |name: &str| partition.get(name).ok_or_else(|| format!("No such field exists: `{name}`"));
        let wrong = |kind: &str, value: &Value| format!("Expected `{kind}` value, received {value}");
        let topic = field("topic")?;
        let topic = topic.as_str().ok_or_else(|| wrong("String", topic))?.to_owned();
        let number = field("partition")?;
        let number =
            number.as_i64().and_then(|number| i32::try_from(number).ok()).ok_or_else(|| wrong("Integer", number))?;
        let offset = field("offset")?;
        let offset = offset.as_i64().ok_or_else(|| wrong("Long", offset))?;
        if offsets.insert((topic.clone(), number), offset).is_some() {
            twice.insert(format!("{topic}-{number}"));
        }
    }
    if twice.is_empty() {
        return Ok(offsets);
    }
    let twice: Vec<String> = twice.into_iter().collect();
    Err(format!("Offset json file contains duplicate topic partitions: {}", twice.join(",")))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::StrBytes;

    use super::*;
    use crate::wire::KafkaError;

    #[test]
    fn a_partition_has_its_low_watermark_or_its_error() {
        let partition = ("shop".to_owned(), 0);
        assert_eq!(render(&partition, &Ok(3)), "partition: shop-0\tlow_watermark: 3");
        let error = KafkaError::check(1, None::<&StrBytes>).unwrap_err().into();
        assert_eq!(
            render(&partition, &Err(error)),
            "partition: shop-0\terror: org.apache.kafka.common.errors.OffsetOutOfRangeException: The requested offset is not \
             within the range of offsets maintained by the server."
        );
    }

    #[test]
    fn offsets_are_read_with_or_without_a_version() {
        let expected = BTreeMap::from([(("shop".to_owned(), 0), 3), (("shop".to_owned(), 1), -1)]);
        let partitions = r#"[{"topic":"shop","partition":0,"offset":3},{"topic":"shop","partition":1,"offset":-1}]"#;
        assert_eq!(parse(&format!(r#"{{"partitions":{partitions},"version":1}}"#)), Ok(expected.clone()));
        assert_eq!(parse(&format!(r#"{{"partitions":{partitions}}}"#)), Ok(expected));
    }

    #[test]
    fn a_file_that_is_not_as_it_should_be_is_refused_in_the_scripts_words() {
        let refused = |text: &str| parse(text).unwrap_err();
        assert_eq!(refused("{"), "The input string is not a valid JSON");
        assert_eq!(refused("{}"), "Missing partitions field");
        assert_eq!(refused(r#"{"version":2}"#), "Not supported version field value 2");
        assert_eq!(refused(r#"{"partitions":[{"topic":"a"}]}"#), "No such field exists: `partition`");
        let twice = r#"{"partitions":[{"topic":"a","partition":0,"offset":1},{"topic":"a","partition":0,"offset":2}]}"#;
        assert_eq!(refused(twice), "Offset json file contains duplicate topic partitions: a-0");
        let wrong = r#"{"partitions":[{"topic":"a","partition":1.5,"offset":1}]}"#;
        assert_eq!(refused(wrong), "Expected `Integer` value, received 1.5");
    }
}
