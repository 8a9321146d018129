//! The table of librdkafka's properties in `config/` against the librdkafka that is linked.

use rdkafka::config::ClientConfig;

use crate::config::librdkafka_keys::{Key, Kind};

/// What librdkafka says of a value; `Ok` too for what this build lacks (TLS), which is no question of the table.
fn judge(name: &str, value: &str) -> Result<(), String> {
    match ClientConfig::new().set(name, value).create_native_config() {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            let is_lacking =
                text.contains("not supported in this build") || text.contains("not available at build time");
            if is_lacking { Ok(()) } else { Err(text) }
        }
    }
}

#[test]
fn librdkafka_takes_what_the_table_says_it_takes() {
    for key in Key::names().filter_map(Key::find) {
        let accepted: Vec<String> = match key.kind {
            Kind::Integer(min, max) => vec![min.to_string(), max.to_string()],
            Kind::Decimal(min, max) => vec![min.to_string(), max.to_string()],
            Kind::Boolean => ["true", "false", "1", "0", "T", "f"].map(str::to_owned).into(),
            Kind::OneOf(names) => names.iter().flat_map(|name| [name.to_string(), name.to_uppercase()]).collect(),
            Kind::Exactly(names) | Kind::ExactList(names) => names.iter().map(|name| name.to_string()).collect(),
            Kind::Flags(names) => names.iter().map(|name| name.to_string()).chain([names[..2].join(",")]).collect(),
            Kind::Acks => ["-1", "all", "1000"].map(str::to_owned).into(),
            // Those with a grammar of their own are tried in an example or not at all.
            Kind::Text | Kind::CodeOnly => Vec::new(),
        };
        for value in accepted {
            assert_eq!(judge(key.name, &value), Ok(()), "{} = {value}", key.name);
            assert_eq!(key.check(&value), Ok(()), "{} = {value}", key.name);
        }
    }
}

#[test]
fn librdkafka_refuses_what_the_table_refuses() {
    for key in Key::names().filter_map(Key::find) {
        let fits = |number: &i64| i32::try_from(*number).is_ok();
        let refused: Vec<String> = match key.kind {
            Kind::Integer(min, max) => [min - 1, max + 1].iter().filter(|n| fits(n)).map(i64::to_string).collect(),
            Kind::Decimal(_, max) => vec![(max + 1.0).to_string()],
            Kind::Boolean | Kind::OneOf(_) | Kind::Flags(_) | Kind::Acks => vec!["nonsense".to_owned()],
            Kind::Exactly(_) | Kind::ExactList(_) => vec!["nonsense".to_owned(), "Range".to_owned()],
            Kind::Text | Kind::CodeOnly => Vec::new(),
        };
        for value in refused {
            assert!(key.check(&value).is_err(), "{} = {value}", key.name);
            let is_checked_at_creation = key.name == "partition.assignment.strategy";
            let is_lacking = judge(key.name, "0").is_ok() && judge(key.name, &value).is_ok() && is_tls(key.name);
            assert!(is_checked_at_creation || is_lacking || judge(key.name, &value).is_err(), "{} = {value}", key.name);
        }
    }
}

#[test]
fn librdkafka_knows_every_name_and_no_other() {
    for name in Key::names() {
        let answer = judge(name, "");
        assert!(!answer.as_ref().is_err_and(|error| error.contains("No such configuration property")), "{name}");
    }
    assert!(judge("no.such.property", "x").is_err());
}

/// Without TLS in the build these are "not supported", whatever their value.
fn is_tls(name: &str) -> bool {
    ["ssl", "sasl", "https"].iter().any(|part| name.contains(part))
}
