//! The files that the tool reads: which topics are to move, and where partitions are to lie.

use std::{collections::BTreeMap, fmt, fs, io, path::Path};

use serde_json::{Map, Value};

use super::trouble::{Exception, Trouble};
use crate::wire::TopicPartition;

/// A directory of which nothing is said.
pub(super) const ANY: &str = "any";

/// A replica, in the order in which replicas are told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReplicaOf {
    pub(super) broker: i32,
    pub(super) partition: TopicPartition,
}

impl fmt::Display for ReplicaOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { broker, partition: (topic, partition) } = self;
        write!(f, "{topic}-{partition}-{broker}")
    }
}

/// Where partitions are to lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// As the file has them: one may be named twice.
    pub(super) partitions: Vec<(TopicPartition, Vec<i32>)>,
    /// The directories of replicas of which it says any.
    pub(super) dirs: BTreeMap<ReplicaOf, String>,
}

/// What a file has.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(path: &Path) -> Result<String, Trouble> {
    fs::read_to_string(path).map_err(|error| {
        let cause = match error.kind() {
            io::ErrorKind::NotFound => Exception::new("java.nio.file.NoSuchFileException", path.to_string_lossy()),
            io::ErrorKind::PermissionDenied => {
                Exception::new("java.nio.file.AccessDeniedException", path.to_string_lossy())
            }
            _ => Exception::new("java.io.IOException", error.to_string()),
        };
        let words = format!("Unable to read file {}", path.display());
        Trouble::Thrown(Exception::new("java.io.IOException", words), vec![cause])
    })
}

/// The topics that a file names.
///
/// # Errors
/// It has another form.
pub(super) fn topics(text: &str) -> Result<Vec<String>, Trouble> {
    let value = parse(text).map_err(|_| Trouble::inoperable("The input string is not a valid JSON"))?;
    let file = object(&value)?;
    check_version(file)?;
    let Some(topics) = file.get("topics") else { return Ok(Vec::new()) };
    array(topics)?.iter().map(|topic| Ok(string(field(object(topic)?, "topic")?)?.to_owned())).collect()
}

impl Plan {
    /// What a file wants.
    ///
    /// # Errors
    /// It has another form.
    pub(super) fn parse(text: &str) -> Result<Self, Trouble> {
        let value = parse(text).map_err(|problem| {
            let cause = Exception::new("com.fasterxml.jackson.core.JsonParseException", problem.as_str());
            Trouble::Thrown(Exception::new("org.apache.kafka.tools.AdminOperationException", problem), vec![cause])
        })?;
        let file = object(&value)?;
        check_version(file)?;
        let mut plan = Self::default();
        if let Some(partitions) = file.get("partitions") {
            array(partitions)?.iter().try_for_each(|partition| plan.add(object(partition)?))?;
        }
        Ok(plan)
    }

    fn add(&mut self, fields: &Map<String, Value>) -> Result<(), Trouble> {
        let topic = string(field(fields, "topic")?)?;
        let partition = (topic.to_owned(), integer(field(fields, "partition")?)?);
        let replicas = list(field(fields, "replicas")?, integer)?;
        let dirs = match fields.get("log_dirs") {
            Some(dirs) => list(dirs, |dir| Ok(string(dir)?.to_owned()))?,
            None => vec![ANY.to_owned(); replicas.len()],
        };
        if replicas.len() != dirs.len() {
            let numbers: Vec<String> = replicas.iter().map(ToString::to_string).collect();
            return Err(Trouble::refused(format!(
                "Size of replicas list [{}] is different from size of log dirs list [{}] for partition {topic}-{}",
                numbers.join(", "),
                dirs.join(", "),
                partition.1
            )));
        }
        for (&broker, dir) in replicas.iter().zip(dirs).filter(|(_, dir)| dir != ANY) {
            self.dirs.insert(ReplicaOf { broker, partition: partition.clone() }, dir);
        }
        self.partitions.push((partition, replicas));
        Ok(())
    }
}

/// The first value, as Java's parser reads no further.
fn parse(text: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Err("The input string shouldn't be empty".to_owned());
    }
    match serde_json::Deserializer::from_str(text).into_iter::<Value>().next() {
        Some(value) => value.map_err(|error| error.to_string()),
        None => Err("There is nothing but blanks".to_owned()),
    }
}

fn check_version(file: &Map<String, Value>) -> Result<(), Trouble> {
    match file.get("version").map_or(Ok(1), integer)? {
        1 => Ok(()),
        version => Err(Trouble::inoperable(format!("Not supported version field value {version}"))),
    }
}

fn unfit(words: String) -> Trouble {
    Trouble::thrown("com.fasterxml.jackson.databind.JsonMappingException", words)
}

fn object(value: &Value) -> Result<&Map<String, Value>, Trouble> {
    value.as_object().ok_or_else(|| unfit(format!("Expected JSON object, received {value}")))
}

fn array(value: &Value) -> Result<&[Value], Trouble> {
    let array = value.as_array().map(Vec::as_slice);
    array.ok_or_else(|| unfit(format!("Expected JSON array, received {value}")))
}

fn field<'v>(object: &'v Map<String, Value>, name: &str) -> Result<&'v Value, Trouble> {
    object.get(name).ok_or_else(|| unfit(format!("No such field exists: `{name}`")))
}

fn string(value: &Value) -> Result<&str, Trouble> {
    value.as_str().ok_or_else(|| unexpected("String", value))
}

fn integer(value: &Value) -> Result<i32, Trouble> {
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
    number.ok_or_else(|| unexpected("Integer", value))
}

fn list<T>(value: &Value, one: impl Fn(&Value) -> Result<T, Trouble>) -> Result<Vec<T>, Trouble> {
    value.as_array().ok_or_else(|| unexpected("JSON array", value))?.iter().map(one).collect()
}

fn unexpected(wanted: &str, value: &Value) -> Trouble {
    unfit(format!("Expected `{wanted}` value, received {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<T>(done: Result<T, Trouble>) -> String {
        match done.err() {
            Some(Trouble::Thrown(exception, _)) => exception.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_file_says_where_partitions_are_to_lie() {
        let plan = r#"{"partitions":[{"topic":"a","partition":0,"replicas":[2,1],"log_dirs":["any","/d"]},
                                     {"topic":"b","partition":3,"replicas":[1]}],"version":1} more"#;
        let plan = Plan::parse(plan).unwrap();
        assert_eq!(plan.partitions, [(("a".to_owned(), 0), vec![2, 1]), (("b".to_owned(), 3), vec![1])]);
        let replica = ReplicaOf { broker: 1, partition: ("a".to_owned(), 0) };
        assert_eq!(replica.to_string(), "a-0-1");
        assert_eq!(plan.dirs, BTreeMap::from([(replica, "/d".to_owned())]));
        assert_eq!(Plan::parse("{}").unwrap(), Plan::default());
    }

    #[test]
    fn a_file_of_another_form_is_refused_in_javas_words() {
        let mapping = |words: &str| format!("com.fasterxml.jackson.databind.JsonMappingException: {words}");
        let of_a = |rest: &str| format!(r#"{{"partitions":[{{"topic":"a","partition":0,{rest}}}]}}"#);
        for (text, expected) in [
            ("[]".to_owned(), mapping("Expected JSON object, received []")),
            (r#"{"partitions":{}}"#.to_owned(), mapping("Expected JSON array, received {}")),
            (r#"{"partitions":[{}]}"#.to_owned(), mapping("No such field exists: `topic`")),
            (of_a(r#""replicas":["b"]"#), mapping("Expected `Integer` value, received \"b\"")),
            (of_a(r#""replicas":1"#), mapping("Expected `JSON array` value, received 1")),
            (
                r#"{"version":2}"#.to_owned(),
                "org.apache.kafka.tools.AdminOperationException: Not supported version field value 2".to_owned(),
            ),
            (
                of_a(r#""replicas":[1,2],"log_dirs":["any"]"#),
                "org.apache.kafka.tools.AdminCommandFailedException: Size of replicas list [1, 2] is different from \
                 size of log dirs list [any] for partition a-0"
                    .to_owned(),
            ),
        ] {
            assert_eq!(words(Plan::parse(&text)), expected, "{text}");
        }
        assert!(words(Plan::parse("nonsense")).starts_with("org.apache.kafka.tools.AdminOperationException: "));
    }

    #[test]
    fn topics_are_named_in_a_file_of_their_own() {
        assert_eq!(topics(r#"{"topics":[{"topic":"a"},{"topic":"b"}]}"#).unwrap(), ["a", "b"]);
        assert!(topics("{}").unwrap().is_empty());
        assert_eq!(
            words(topics("nonsense")),
            "org.apache.kafka.tools.AdminOperationException: The input string is not a valid JSON"
        );
        assert!(words(topics(r#"{"topics":[{"topic":1}]}"#)).ends_with("Expected `String` value, received 1"));
    }
}
