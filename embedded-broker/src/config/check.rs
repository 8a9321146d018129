//! Parses a config's value and checks it, with the words Kafka uses for what is wrong.

use super::def::{ConfigDef, ConfigType};
use super::duration;

/// What a config's value must satisfy beyond its type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Check {
    Any,
    AtLeast(i64),
    Between(i64, i64),
    OneOf(&'static [&'static str]),
    OneOfAnyCase(&'static [&'static str]),
    ListOf(&'static [&'static str]),
    /// 1 to 9, or -1 for the library's own default.
    GzipLevel,
    /// `*`, or `partition:broker` pairs.
    ThrottledReplicas,
    NonEmpty,
    /// Where a share group begins: at an end of the log, or so long ago.
    ShareOffsetReset,
}

/// Why a config was refused: the sentence a client is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidConfig(pub(crate) String);

impl std::fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl InvalidConfig {
    fn value(def: &ConfigDef, value: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self(format!("Invalid value {value} for configuration {}: {why}", def.name))
    }
}

/// The value as Kafka prints it back (numbers, booleans and lists in one form), or what is wrong with it.
pub(crate) fn canonical(def: &ConfigDef, value: &str) -> Result<String, InvalidConfig> {
    let text = value.trim();
    let canonical = match def.kind {
        ConfigType::Boolean => boolean(def, text)?.to_string(),
        ConfigType::Short => integer(def, text, i64::from(i16::MIN), i64::from(i16::MAX))?.to_string(),
        ConfigType::Int => integer(def, text, i64::from(i32::MIN), i64::from(i32::MAX))?.to_string(),
        ConfigType::Long => integer(def, text, i64::MIN, i64::MAX)?.to_string(),
        ConfigType::Double => java_double(double(def, text)?),
        ConfigType::List => list(def, text)?.join(","),
        ConfigType::String | ConfigType::Password => string(def, text)?,
        ConfigType::Class => known_class(def, text)?,
    };
    Ok(canonical)
}

/// The elements of a list value.
pub(crate) fn elements(text: &str) -> Vec<&str> {
    let text = text.trim();
    if text.is_empty() { Vec::new() } else { text.split(',').map(str::trim).collect() }
}

fn boolean(def: &ConfigDef, text: &str) -> Result<bool, InvalidConfig> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(InvalidConfig::value(def, text, "Expected value to be either true or false"))
    }
}

fn integer(def: &ConfigDef, text: &str, min: i64, max: i64) -> Result<i64, InvalidConfig> {
    let number = text.parse().ok().filter(|n| (min..=max).contains(n));
    let number = number.ok_or_else(|| not_a_number(def, text))?;
    match def.check {
        Check::AtLeast(low) | Check::Between(low, _) if number < low => Err(too_small(def, number, low)),
        Check::Between(_, high) if number > high => Err(too_large(def, number, high)),
        Check::GzipLevel if !(1..=9).contains(&number) && number != -1 => {
            Err(InvalidConfig::value(def, number, "Value must be between 1 and 9 or equal to -1"))
        }
        _ => Ok(number),
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds of fractions are 0 and 1")]
fn double(def: &ConfigDef, text: &str) -> Result<f64, InvalidConfig> {
    let number: f64 = text.parse().map_err(|_| not_a_number(def, text))?;
    match def.check {
        Check::AtLeast(low) | Check::Between(low, _) if number < low as f64 => {
            Err(too_small(def, java_double(number), low))
        }
        Check::Between(_, high) if number > high as f64 => Err(too_large(def, java_double(number), high)),
        _ => Ok(number),
    }
}

fn list<'a>(def: &ConfigDef, text: &'a str) -> Result<Vec<&'a str>, InvalidConfig> {
    let list = elements(text);
    match def.check {
        Check::ListOf(values) => {
            if let Some(stranger) = list.iter().find(|element| !values.contains(element)) {
                return Err(InvalidConfig::value(def, stranger, must_be_one_of(values)));
            }
        }
        Check::ThrottledReplicas if list != ["*"] && !list.iter().all(|pair| is_replica(pair)) => {
            let why = "must be the literal '*' or a list of replicas in the following format: \
                       [partitionId]:[brokerId],[partitionId]:[brokerId],...";
            return Err(InvalidConfig::value(
                def,
                format_args!("[{}]", list.join(", ")),
                format_args!("{} {why}", def.name),
            ));
        }
        _ => {}
    }
    Ok(list)
}

fn is_replica(pair: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    pair.split_once(':').is_some_and(|(partition, broker)| digits(partition) && digits(broker))
}

fn string(def: &ConfigDef, text: &str) -> Result<String, InvalidConfig> {
    match def.check {
        Check::OneOf(values) if !values.contains(&text) => Err(InvalidConfig::value(def, text, must_be_one_of(values))),
        Check::OneOfAnyCase(values) if !values.iter().any(|value| value.eq_ignore_ascii_case(text)) => {
            let why = format!("String must be one of (case insensitive): {}", values.join(", "));
            Err(InvalidConfig::value(def, text, why))
        }
        Check::ShareOffsetReset if !is_offset_reset(text) => {
            let why = "The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.";
            let why = format!("Invalid value `{text}` for configuration {}. {why}", def.name);
            Err(InvalidConfig::value(def, text, why))
        }
        Check::NonEmpty if text.is_empty() => Err(InvalidConfig::value(def, text, "String must be non-empty")),
        _ => Ok(text.to_owned()),
    }
}

fn is_offset_reset(text: &str) -> bool {
    let ago = || text.strip_prefix("by_duration:").and_then(duration::parse);
    matches!(text, "earliest" | "latest") || ago().is_some()
}

/// There are no classes to load here, so only the default is known.
fn known_class(def: &ConfigDef, text: &str) -> Result<String, InvalidConfig> {
    if def.default == Some(text) {
        return Ok(text.to_owned());
    }
    Err(InvalidConfig::value(def, text, format_args!("Class {text} could not be found.")))
}

fn must_be_one_of(values: &[&str]) -> String {
    format!("String must be one of: {}", values.join(", "))
}

fn not_a_number(def: &ConfigDef, text: &str) -> InvalidConfig {
    InvalidConfig::value(def, text, format_args!("Not a number of type {}", def.kind.name()))
}

fn too_small(def: &ConfigDef, number: impl std::fmt::Display, low: i64) -> InvalidConfig {
    InvalidConfig::value(def, number, format_args!("Value must be at least {low}"))
}

fn too_large(def: &ConfigDef, number: impl std::fmt::Display, high: i64) -> InvalidConfig {
    InvalidConfig::value(def, number, format_args!("Value must be no more than {high}"))
}

/// A double as Java prints it: plain between 10^-3 and 10^7, else with an exponent.
pub(crate) fn java_double(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) || !number.is_finite() {
        return format!("{number:?}");
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{broker_defs, topic_defs};

    fn topic(name: &str, value: &str) -> Result<String, String> {
        let def = topic_defs::find(name).expect("a topic config");
        canonical(def, value).map_err(|error| error.0)
    }

    #[test]
    fn every_default_is_a_legal_value_in_its_canonical_form() {
        for def in topic_defs::ALL.iter().chain(broker_defs::ALL) {
            if let Some(default) = def.default {
                assert_eq!(canonical(def, default), Ok(default.to_owned()), "{}", def.name);
            }
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_in_kafkas_words() {
        assert_eq!(
            topic("retention.ms", "soon"),
            Err("Invalid value soon for configuration retention.ms: Not a number of type LONG".to_owned())
        );
        assert_eq!(
            topic("min.insync.replicas", "2147483648"),
            Err("Invalid value 2147483648 for configuration min.insync.replicas: Not a number of type INT".to_owned())
        );
        assert_eq!(
            topic("preallocate", "yes"),
            Err("Invalid value yes for configuration preallocate: Expected value to be either true or false".to_owned())
        );
    }

    #[test]
    fn a_value_out_of_bounds_is_refused_in_kafkas_words() {
        assert_eq!(
            topic("min.insync.replicas", "0"),
            Err("Invalid value 0 for configuration min.insync.replicas: Value must be at least 1".to_owned())
        );
        assert_eq!(
            topic("compression.zstd.level", "23"),
            Err("Invalid value 23 for configuration compression.zstd.level: Value must be no more than 22".to_owned())
        );
        assert_eq!(
            topic("min.cleanable.dirty.ratio", "1.5"),
            Err("Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1"
                .to_owned())
        );
        assert_eq!(
            topic("cleanup.policy", "delete,shrink"),
            Err("Invalid value shrink for configuration cleanup.policy: String must be one of: compact, delete"
                .to_owned())
        );
    }

    #[test]
    fn values_are_printed_back_in_one_form() {
        assert_eq!(topic("cleanup.policy", " compact , delete "), Ok("compact,delete".to_owned()));
        assert_eq!(topic("preallocate", "TRUE"), Ok("true".to_owned()));
        assert_eq!(topic("segment.ms", " +5 "), Ok("5".to_owned()));
        assert_eq!(topic("min.cleanable.dirty.ratio", "1"), Ok("1.0".to_owned()));
        assert_eq!(topic("min.cleanable.dirty.ratio", "0.0001"), Ok("1.0E-4".to_owned()));
    }

    #[test]
    fn throttled_replicas_are_a_star_or_pairs() {
        for good in ["", "*", "0:1", "0:1,1:2"] {
            assert_eq!(topic("leader.replication.throttled.replicas", good), Ok(good.to_owned()));
        }
        assert!(topic("leader.replication.throttled.replicas", "0").is_err());
        assert!(topic("leader.replication.throttled.replicas", "a:1").is_err());
    }
}
