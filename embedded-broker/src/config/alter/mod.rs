//! Changes of configs: what a resource's configs are after a request, or why it is refused.

use super::check;
use super::def::{ConfigDef, ConfigType};
use super::layers::Configs;
use crate::error::{Error, ErrorCode};

pub(crate) mod broker;
pub(crate) mod topic;

/// One change of an IncrementalAlterConfigs request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op<'a> {
    Set(&'a str),
    Delete,
    /// Adds elements to a list, those it lacks.
    Append(&'a str),
    /// Takes elements from a list.
    Subtract(&'a str),
}

/// The longest value Kafka can store.
const MAX_VALUE_LEN: usize = 32_767;

/// The configs after the changes, which are not yet checked for their values.
///
/// # Errors
///
/// `INVALID_CONFIG` when something is appended to what is no list, or a value is too long.
pub(crate) fn apply<'a>(
    find: fn(&str) -> Option<&'static ConfigDef>,
    current: &Configs,
    ops: impl IntoIterator<Item = (&'a str, Op<'a>)>,
) -> Result<Configs, Error> {
    let mut configs = current.clone();
    for (name, op) in ops {
        let value = match op {
            Op::Delete => {
                configs.remove(name);
                continue;
            }
            Op::Set(value) => value.to_owned(),
            Op::Append(more) => edit_list(find, current, name, "APPEND", |list| {
                for element in check::elements(more) {
                    if !list.contains(&element) {
                        list.push(element);
                    }
                }
            })?,
            Op::Subtract(less) => edit_list(find, current, name, "SUBTRACT", |list| {
                let less = check::elements(less);
                list.retain(|element| !less.contains(element));
            })?,
        };
        if value.len() > MAX_VALUE_LEN {
            let why =
                "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.";
            return Err(invalid(why));
        }
        configs.insert(name.to_owned(), value);
    }
    Ok(configs)
}

/// A list that is not set starts from Kafka's default, not from what the brokers say.
fn edit_list<'a>(
    find: fn(&str) -> Option<&'static ConfigDef>,
    current: &'a Configs,
    name: &str,
    verb: &str,
    edit: impl FnOnce(&mut Vec<&'a str>),
) -> Result<String, Error> {
    let def = find(name).filter(|def| def.kind == ConfigType::List);
    let Some(def) = def else {
        let why = format!("Can't {verb} to key {name} because its type is not LIST.");
        return Err(invalid(why));
    };
    let old = current.get(name).map(String::as_str).or(def.default).unwrap_or_default();
    let mut list = check::elements(old);
    edit(&mut list);
    Ok(list.join(","))
}

pub(super) fn invalid(why: impl Into<String>) -> Error {
    Error::with_code(ErrorCode::InvalidConfig, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::topic_defs;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn after(current: &[(&str, &str)], name: &str, op: Op<'_>) -> Result<Configs, String> {
        apply(topic_defs::find, &configs(current), [(name, op)]).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn appending_starts_from_kafkas_default_and_adds_nothing_twice() {
        let appended = after(&[], "cleanup.policy", Op::Append("compact"));
        assert_eq!(appended, Ok(configs(&[("cleanup.policy", "delete,compact")])));
        let again = after(&[("cleanup.policy", "delete,compact")], "cleanup.policy", Op::Append("compact"));
        assert_eq!(again, appended);
    }

    #[test]
    fn subtracting_what_is_not_there_changes_nothing() {
        assert_eq!(
            after(&[("cleanup.policy", "compact")], "cleanup.policy", Op::Subtract("delete")),
            Ok(configs(&[("cleanup.policy", "compact")]))
        );
        assert_eq!(
            after(&[("cleanup.policy", "compact")], "cleanup.policy", Op::Subtract("compact")),
            Ok(configs(&[("cleanup.policy", "")]))
        );
    }

    #[test]
    fn only_lists_can_be_appended_to() {
        assert_eq!(
            after(&[], "retention.ms", Op::Append("5")),
            Err("Can't APPEND to key retention.ms because its type is not LIST.".to_owned())
        );
        assert_eq!(
            after(&[], "nope", Op::Subtract("5")),
            Err("Can't SUBTRACT to key nope because its type is not LIST.".to_owned())
        );
    }

    #[test]
    fn deleting_what_is_not_set_is_no_error() {
        assert_eq!(after(&[], "retention.ms", Op::Delete), Ok(Configs::new()));
        assert_eq!(after(&[], "nope", Op::Delete), Ok(Configs::new()));
    }

    #[test]
    fn a_value_longer_than_kafka_can_store_is_refused() {
        let long = "x".repeat(MAX_VALUE_LEN + 1);
        assert!(after(&[], "retention.ms", Op::Set(&long)).is_err());
    }
}
