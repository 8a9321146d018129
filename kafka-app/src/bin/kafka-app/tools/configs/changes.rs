//! What `--add-config` and `--delete-config` ask for. Pure.

use std::collections::BTreeMap;

use crate::wire::{Mechanism, NewCredential};

/// As often a password is hashed if nothing is said of it, and at least.
const ITERATIONS: u32 = 4096;

/// The configs to set and those to unset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) set: BTreeMap<String, String>,
    pub(super) unset: Vec<String>,
}

impl Changes {
    /// Checks the names.
    ///
    /// # Errors
    /// In the script's words, if one is none.
    pub(super) fn of(set: BTreeMap<String, String>, unset: &[String]) -> Result<Self, String> {
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        match set.keys().find(|name| !is_name(name)) {
            Some(name) => Err(format!("Invalid character found for config key: {name}")),
            None => Ok(Self { set, unset: unset.iter().map(|name| name.trim().to_owned()).collect() }),
        }
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.set.keys().chain(&self.unset)
    }
}

/// Reads `NAME=VALUE,NAME=[VALUE,VALUE]`.
///
/// # Errors
/// In the script's words, if it is something else.
pub(super) fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut parts = split(text, ',');
    while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    let pair = |part: &&str| match split(part, '=')[..] {
        [name, value] => Some((name.trim().to_owned(), value.replace(['[', ']'], "").trim().to_owned())),
        _ => None,
    };
    parts.iter().map(pair).collect::<Option<_>>().ok_or_else(|| {
        "requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\" or  \
         \"key=[val1,val2]\" to group values which contain commas."
            .to_owned()
    })
}

/// Splits where no bracket is open.
fn split(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, found) in text.char_indices() {
        let rest = &text[index..];
        let is_closed = rest.find(['[', ']']).is_none_or(|bracket| rest[bracket..].starts_with('['));
        if found == at && is_closed {
            parts.push(&text[start..index]);
            start = index + at.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The password that a config of a SCRAM mechanism's name sets.
///
/// # Errors
/// In the script's words, if it sets none.
pub(super) fn credential(mechanism: Mechanism, text: &str) -> Result<NewCredential, String> {
    let name = mechanism.name();
    let invalid = || format!("Invalid credential property {}={text}", name.replace('-', "_"));
    let (iterations, password) = match text.strip_prefix("iterations=") {
        Some(rest) => {
            let (iterations, rest) = rest.split_once(',').ok_or_else(invalid)?;
            (Some(iterations), rest.strip_prefix("password=").ok_or_else(invalid)?)
        }
        None => (None, text.strip_prefix("password=").ok_or_else(invalid)?),
    };
    let iterations = match iterations {
        None | Some("-1") => ITERATIONS,
        Some(number) => {
            let number: i32 = number.parse().map_err(|_| format!("For input string: \"{number}\""))?;
            u32::try_from(number).ok().filter(|number| *number >= ITERATIONS).ok_or_else(|| {
                format!("Iterations {number} is less than the minimum {ITERATIONS} required for {name}")
            })?
        }
    };
    if password.is_empty() {
        return Err("Password must not be empty".to_owned());
    }
    Ok(NewCredential { mechanism, iterations, password: password.to_owned() })
}

/// A quota's value as Java reads a double.
pub(super) fn double(text: &str) -> Option<f64> {
    let text = text.trim();
    let text = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    match text.trim_start_matches(['+', '-']) {
        "NaN" | "Infinity" => text.parse().ok(),
        digits if digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Vec<(String, String)> {
        pairs(text).unwrap().into_iter().collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn brackets_keep_commas_and_equals_signs_together() {
        assert_eq!(set("a=1,b = 2"), [pair("a", "1"), pair("b", "2")]);
        assert_eq!(set("a=[1,2],b=3"), [pair("a", "1,2"), pair("b", "3")]);
        assert_eq!(set("a=,b=3,"), [pair("a", ""), pair("b", "3")]);
        assert_eq!(
            set("SCRAM-SHA-256=[iterations=8192,password=x=y],SCRAM-SHA-512=[password=z]"),
            [pair("SCRAM-SHA-256", "iterations=8192,password=x=y"), pair("SCRAM-SHA-512", "password=z")]
        );
        for text in ["retention.ms", "a=1=2", "a=1,2", ""] {
            assert!(pairs(text).unwrap_err().starts_with("requirement failed: Invalid entity config: "), "{text}");
        }
    }

    #[test]
    fn names_have_no_other_characters() {
        let refused = Changes::of(BTreeMap::from([pair("a b", "1")]), &[]).unwrap_err();
        assert_eq!(refused, "Invalid character found for config key: a b");
    }

    #[test]
    fn a_password_may_say_how_often_it_is_hashed() {
        let read = |text: &str| credential(Mechanism::Sha256, text).map(|made| (made.iterations, made.password));
        assert_eq!(read("password=secret"), Ok((4096, "secret".to_owned())));
        assert_eq!(read("iterations=8192,password=a,b"), Ok((8192, "a,b".to_owned())));
        assert_eq!(read("iterations=-1,password=a"), Ok((4096, "a".to_owned())));
        assert_eq!(
            read("iterations=10,password=a").unwrap_err(),
            "Iterations 10 is less than the minimum 4096 required for SCRAM-SHA-256"
        );
        assert_eq!(read("secret").unwrap_err(), "Invalid credential property SCRAM_SHA_256=secret");
        assert_eq!(read("password=").unwrap_err(), "Password must not be empty");
    }

    #[test]
    fn quotas_are_numbers_as_java_reads_them() {
        assert_eq!(["1024", " 1e3 ", "-1", "5d", ".5"].map(double), [1024.0, 1e3, -1.0, 5.0, 0.5].map(Some));
        assert_eq!(["x", "inf", "nan", ""].map(double), [None; 4]);
    }
}
