//! [`FilterOptions`]: which records are meant.

use std::str;

use clap::Args;
use kafka_app::RawRecord;
use regex_lite::Regex;

use crate::arguments::key_and_value;

/// Which records are meant; of several conditions all have to hold.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct FilterOptions {
    /// Those with this text in their value
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Those whose value a regular expression matches
    #[arg(long, value_name = "REGEX")]
    grep: Option<Regex>,

    /// Those with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Those with this header; may be repeated
    #[arg(long = "header", value_name = "KEY=VALUE", value_parser = key_and_value)]
    headers: Vec<(String, String)>,
}

impl FilterOptions {
    /// Whether every record is meant.
    pub(super) fn is_all(&self) -> bool {
        self.filter.is_none() && self.grep.is_none() && self.key.is_none() && self.headers.is_empty()
    }

    /// Whether a record is meant; the cheap questions come first.
    pub(super) fn takes(&self, record: &RawRecord) -> bool {
        self.key.as_ref().is_none_or(|key| record.key() == Some(key.as_bytes()))
            && self.filter.as_ref().is_none_or(|text| record.payload().is_some_and(|value| contains(value, text)))
            && self.headers.iter().all(|(name, value)| has_header(record, name, value.as_bytes()))
            && self.grep.as_ref().is_none_or(|regex| {
                // Text is what is searched; bytes that are none stand for a character that is hardly looked for.
                record.payload().is_some_and(|value| regex.is_match(&String::from_utf8_lossy(value)))
            })
    }
}

fn contains(value: &[u8], text: &str) -> bool {
    match str::from_utf8(value) {
        Ok(value) => value.contains(text),
        Err(_) => text.is_empty() || value.windows(text.len()).any(|window| window == text.as_bytes()),
    }
}

fn has_header(record: &RawRecord, name: &str, value: &[u8]) -> bool {
    let mut is_there = false;
    record.for_each_header(|header, of| is_there |= header == name && of == Some(value));
    is_there
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use kafka_app::{Headers, OwnedRecord};

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        filter: FilterOptions,
    }

    #[track_caller]
    fn check(arguments: &[&str], expected: bool) {
        let command = Command::try_parse_from(["tool"].iter().chain(arguments)).unwrap();
        let mut headers = Headers::new();
        headers.push("trace", Some("t1".into()));
        headers.push("trace", Some("t2".into()));
        let (key, payload) = (Some(b"k1".to_vec()), Some(b"two \xff shoes".to_vec()));
        let record = OwnedRecord { key, payload, headers, ..OwnedRecord::default() }.into();
        assert_eq!(command.filter.takes(&record), expected, "{arguments:?}");
    }

    #[test]
    fn all_conditions_have_to_hold() {
        check(&[], true);
        for (holds, fails) in [
            (["--key", "k1"], ["--key", "k"]),
            (["--filter", "shoes"], ["--filter", "hats"]),
            (["--grep", "^two.*s$"], ["--grep", "^shoes"]),
            (["--header", "trace=t1"], ["--header", "trace=t3"]),
        ] {
            check(&holds, true);
            check(&fails, false);
        }
        check(&["--key", "k1", "--filter", "two", "--header", "trace=t1", "--header", "trace=t2"], true);
        check(&["--key", "k1", "--filter", "two", "--header", "trace=t1", "--header", "other=t2"], false);
    }

    #[test]
    fn a_tombstone_has_no_text() {
        let filter = FilterOptions { filter: Some(String::new()), ..FilterOptions::default() };
        assert!(!filter.takes(&OwnedRecord::default().into()));
        assert!(FilterOptions::default().takes(&OwnedRecord::default().into()));
    }
}
