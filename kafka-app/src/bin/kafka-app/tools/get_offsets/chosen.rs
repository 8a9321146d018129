//! [`Chosen`]: which partitions `kafka-get-offsets` is asked for, and which of their offsets. Pure.

use std::collections::BTreeSet;

use crate::{tools::IncludeList, wire::OffsetSpec};

/// Partitions by what is said of their topics and their numbers; one of the rules has to let a partition in.
#[derive(Debug)]
pub(super) struct Chosen {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    topics: IncludeList,
    partitions: Partitions,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Partitions {
    /// All, if none is listed.
    Listed(BTreeSet<i32>),
    /// Without the last one.
    Range(i32, i32),
}

impl Chosen {
    /// By `--topic` and `--partitions`.
    ///
    /// # Errors
    /// In the script's words, if they cannot be read.
    pub(super) fn by_topic(topics: Option<&str>, partitions: Option<&str>) -> Result<Self, String> {
        let topics = IncludeList::new(topics.unwrap_or(".*"))?;
        let listed = partitions.filter(|list| !list.is_empty()).map_or(Ok(BTreeSet::new()), |list| {
            let numbers = java_split(list).into_iter().map(str::parse).collect::<Result<_, _>>();
            numbers.map_err(|_| {
                format!("--partitions expects a comma separated list of numeric partition ids, but received: {list}")
            })
        })?;
        Ok(Self { rules: vec![Rule { topics, partitions: Partitions::Listed(listed) }] })
    }

    /// By `--topic-partitions`: rules as `TOPIC`, `TOPIC:1`, `TOPIC:1-3`, `TOPIC:1-`, `TOPIC:-3` or `:1`, where the topic is a
    /// regular expression.
    ///
    /// # Errors
    /// In the script's words, if they cannot be read.
    pub(super) fn by_rules(rules: &str) -> Result<Self, String> {
        Ok(Self { rules: java_split(rules).into_iter().map(rule).collect::<Result<_, _>>()? })
    }

    pub(super) fn has_topic(&self, topic: &str) -> bool {
        self.rules.iter().any(|rule| rule.topics.matches(topic))
    }

    pub(super) fn has(&self, topic: &str, partition: i32) -> bool {
        self.rules.iter().any(|rule| rule.topics.matches(topic) && rule.partitions.contains(partition))
    }
}

impl Partitions {
    fn contains(&self, partition: i32) -> bool {
        match self {
            Self::Listed(listed) => listed.is_empty() || listed.contains(&partition),
            Self::Range(from, to) => (*from..*to).contains(&partition),
        }
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    let invalid = || format!("Invalid rule specification: {text}");
    let (topics, partitions) = text.split_once(':').unwrap_or((text, ""));
    let number = |digits: &str, default: i32| match digits {
        "" => Ok(default),
        digits if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().map_err(|_| format!("For input string: \"{digits}\""))
        }
        _ => Err(invalid()),
    };
    let partitions = match partitions.split_once('-') {
        Some((from, to)) => Partitions::Range(number(from, 0)?, number(to, i32::MAX)?),
        None if partitions.is_empty() => Partitions::Range(0, i32::MAX),
        None => Partitions::Listed(BTreeSet::from([number(partitions, 0)?])),
    };
    let topics = IncludeList::new(if topics.is_empty() { ".*" } else { topics })?;
    Ok(Rule { topics, partitions })
}

/// As Java's `split` at commas does: nothing at the end is no part.
fn java_split(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(',').collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

/// The value of `--time`.
///
/// # Errors
/// In the script's words, if it is none.
pub(super) fn offset_spec(time: &str) -> Result<OffsetSpec, String> {
    let spec = match time {
        "latest" => OffsetSpec::Latest,
        "earliest" => OffsetSpec::Earliest,
        "max-timestamp" => OffsetSpec::MaxTimestamp,
        "earliest-local" => OffsetSpec::EarliestLocal,
        "latest-tiered" => OffsetSpec::LatestTiered,
        number => match number.parse() {
            Ok(-1) => OffsetSpec::Latest,
            Ok(-2) => OffsetSpec::Earliest,
            Ok(-3) => OffsetSpec::MaxTimestamp,
            Ok(-4) => OffsetSpec::EarliestLocal,
            Ok(-5) => OffsetSpec::LatestTiered,
            Ok(timestamp) => OffsetSpec::Timestamp(timestamp),
            Err(_) => {
                return Err(format!(
                    "Malformed time argument {time}. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or \
                     earliest-local / -5 or latest-tiered, or a specified long format timestamp"
                ));
            }
        },
    };
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(chosen: &Chosen) -> String {
        let all = ["orders", "shop"].into_iter().flat_map(|topic| (0..4).map(move |partition| (topic, partition)));
        let names = all.filter(|(topic, partition)| chosen.has_topic(topic) && chosen.has(topic, *partition));
        names.map(|(topic, partition)| format!("{topic}:{partition}")).collect::<Vec<_>>().join(" ")
    }

    fn by_rules(rules: &str) -> String {
        chosen(&Chosen::by_rules(rules).unwrap())
    }

    #[test]
    fn partitions_are_chosen_by_their_topic_and_their_number() {
        let by_topic = |topics, partitions| chosen(&Chosen::by_topic(topics, partitions).unwrap());
        assert_eq!(by_topic(Some("sh.*"), None), "shop:0 shop:1 shop:2 shop:3");
        assert_eq!(by_topic(None, Some("0,3")), "orders:0 orders:3 shop:0 shop:3");
        assert_eq!(by_topic(Some("nosuch"), None), "");
        let refused = Chosen::by_topic(None, Some("0,x")).unwrap_err();
        assert_eq!(refused, "--partitions expects a comma separated list of numeric partition ids, but received: 0,x");
    }

    #[test]
    fn rules_have_a_number_or_a_range_without_its_end() {
        assert_eq!(by_rules("shop:1"), "shop:1");
        assert_eq!(by_rules("shop:1-3,ord.*:0"), "orders:0 shop:1 shop:2");
        assert_eq!(by_rules("shop:2-"), "shop:2 shop:3");
        assert_eq!(by_rules("shop:-2"), "shop:0 shop:1");
        assert_eq!(by_rules(":0"), "orders:0 shop:0");
        assert_eq!(by_rules("shop,"), "shop:0 shop:1 shop:2 shop:3");
        assert_eq!(Chosen::by_rules("shop:a").unwrap_err(), "Invalid rule specification: shop:a");
        assert_eq!(Chosen::by_rules("shop:99999999999").unwrap_err(), "For input string: \"99999999999\"");
    }

    #[test]
    fn times_have_names_and_numbers() {
        assert_eq!(
            (offset_spec("-3"), offset_spec("max-timestamp")),
            (Ok(OffsetSpec::MaxTimestamp), Ok(OffsetSpec::MaxTimestamp))
        );
        assert_eq!(offset_spec("1600000000000"), Ok(OffsetSpec::Timestamp(1_600_000_000_000)));
        assert!(
            offset_spec("nope").unwrap_err().starts_with("Malformed time argument nope. Please use -1 or latest / ")
        );
    }
}
