//! The configs of a client metrics resource (KIP-714): which clients push which metrics, and how often.

use std::borrow::Cow;

use regex_lite::Regex;

use super::alter::invalid;
use super::check::{InvalidConfig, canonical, elements};
use super::def::{ConfigDef, int, list};
use super::described::ConfigEntry;
use super::layers::{ConfigSource, Configs};
use crate::error::{Error, ErrorCode};
use crate::whole_pattern;

/// By name.
static ALL: &[ConfigDef] = &[int("interval.ms", "300000"), list("match", ""), list("metrics", "")];

/// How often a client may be told to push, in milliseconds.
const INTERVALS: std::ops::RangeInclusive<i32> = 100..=3_600_000;

/// How often clients push without a subscription that says otherwise, in milliseconds.
pub(crate) const DEFAULT_INTERVAL_MS: i32 = 300_000;

/// What a `match` pattern may look at.
const SELECTORS: &[&str] = &[
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// Which clients push which metrics, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    /// Prefixes of names; `*` alone is every metric.
    pub(crate) metrics: Vec<String>,
    pub(crate) interval_ms: i32,
    /// A selector and what its value must match: all of them must.
    matches: Vec<(&'static str, Regex)>,
}

impl Subscription {
    /// Reads the configs of a client metrics resource.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` or `INVALID_CONFIG`, with Kafka's words.
    pub(crate) fn read(configs: &Configs) -> Result<Self, Error> {
        let refused = |why: String| Err(Error::with_code(ErrorCode::InvalidRequest, why));
        if let Some(name) = configs.keys().find(|name| ALL.iter().all(|def| def.name != name.as_str())) {
            return refused(format!("Unknown client metrics configuration: {name}"));
        }
        let mut interval_ms = DEFAULT_INTERVAL_MS;
        if let Some(value) = configs.get("interval.ms") {
            let value = canonical(&ALL[0], value).map_err(|InvalidConfig(why)| invalid(why))?;
            interval_ms = value.parse().unwrap_or_default();
            if !INTERVALS.contains(&interval_ms) {
                let bounds = "interval must be between 100 and 3600000 (1 hour)";
                return refused(format!("Invalid value {value} for interval.ms, {bounds}"));
            }
        }
        let list = |name| configs.get(name).map(|value| elements(value)).unwrap_or_default();
        Ok(Self {
            metrics: list("metrics").into_iter().map(str::to_owned).collect(),
            interval_ms,
            matches: list("match").into_iter().map(pattern).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a client is meant; `value` gives what a selector is of it.
    pub(crate) fn is_for<'a>(&self, value: impl Fn(&str) -> Cow<'a, str>) -> bool {
        self.matches.iter().all(|(selector, pattern)| pattern.is_match(&value(selector)))
    }
}

fn pattern(text: &str) -> Result<(&'static str, Regex), Error> {
    let illegal = || invalid(format!("Illegal client matching pattern: {text}"));
    let (name, pattern) = text.split_once('=').filter(|(_, pattern)| !pattern.contains('=')).ok_or_else(illegal)?;
    let selector = SELECTORS.iter().find(|selector| **selector == name.trim()).ok_or_else(illegal)?;
    // As Java's matches(): the whole value.
    let pattern = whole_pattern::compile(pattern.trim()).map_err(|_| illegal())?;
    Ok((selector, pattern))
}

/// All configs of a resource, which need not exist.
pub(crate) fn describe(configs: &Configs) -> Vec<ConfigEntry> {
    let entries = ALL.iter().map(|def| {
        let set = configs.get(def.name);
        let value = set.map(String::as_str).or(def.default);
        let value = value.map(|value| canonical(def, value).unwrap_or_else(|_| value.to_owned()));
        let source = if set.is_some() { ConfigSource::ClientMetrics } else { ConfigSource::Default };
        ConfigEntry::new(def, value, source)
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Subscription, String> {
        let configs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Subscription::read(&configs).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_subscription_is_for_clients_of_which_every_pattern_matches_the_whole_value() {
        let subscription = read(&[("match", "client_id=app-.*, client_source_port=9")]).expect("legal patterns");
        let is_for = |id: &'static str, port: &'static str| {
            subscription.is_for(|selector| Cow::Borrowed(if selector == "client_id" { id } else { port }))
        };
        assert!(is_for("app-1", "9"));
        assert!(!is_for("my-app-1", "9"));
        assert!(!is_for("app-1", "99"));
        assert!(read(&[]).expect("nothing is set").is_for(|_| Cow::Borrowed("anything")));
    }

    #[test]
    fn what_kafka_refuses_is_refused_in_its_words() {
        for pattern in ["foo=bar", "client_id", "client_id=[", "client_id=a=b"] {
            assert_eq!(read(&[("match", pattern)]).unwrap_err(), format!("Illegal client matching pattern: {pattern}"));
        }
        let interval = "Invalid value 99 for interval.ms, interval must be between 100 and 3600000 (1 hour)";
        assert_eq!(read(&[("interval.ms", "99")]).unwrap_err(), interval);
        assert_eq!(read(&[("nope", "1")]).unwrap_err(), "Unknown client metrics configuration: nope");
    }
}
