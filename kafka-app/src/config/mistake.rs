//! [`Mistake`]: one thing that is wrong, with its source; all of them are reported together.

use std::{cell::RefCell, fmt};

/// One thing that is wrong: where it was said, under which key, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// `kafka-app.toml:12`, the name of an environment variable, `src/main.rs:7`, or `code`; may be empty.
    pub(crate) source: String,
    /// The key with its path; may be empty.
    pub(crate) key: String,
    pub(crate) text: String,
}

impl Mistake {
    /// What mistakes are sorted by: the source, its line as a number, the key.
    fn place(&self) -> (&str, u32, &str) {
        let line = self.source.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        let (source, line) = line.unwrap_or((&self.source, 0));
        (source, line, &self.key)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.source, &self.key] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        f.write_str(&self.text)
    }
}

/// Where mistakes are collected. Shared by all who read a part of the configuration, hence the cell.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    /// Adds a mistake, unless the very same was added before.
    pub(crate) fn add(&self, source: impl Into<String>, key: impl Into<String>, text: impl Into<String>) {
        let mistake = Mistake { source: source.into(), key: key.into(), text: text.into() };
        let mut list = self.0.borrow_mut();
        if !list.contains(&mistake) {
            list.push(mistake);
        }
    }

    /// All of them, by file and line.
    pub(crate) fn into_vec(self) -> Vec<Mistake> {
        let mut list = self.0.into_inner();
        list.sort_by(|left, right| left.place().cmp(&right.place()));
        list
    }
}

/// The name among `known` that is most like `name`, if any is like it: the measure and limit clap uses.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?`, or nothing.
pub(crate) fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let known = ["group-id", "client-id", "max-poll-interval"];
        assert_eq!(nearest("group", known), Some("group-id"));
        assert_eq!(nearest("grupid", known), Some("group-id"));
        assert_eq!(nearest("xyz", known), None);
    }

    #[test]
    fn mistakes_are_in_the_order_of_their_lines() {
        let mistakes = Mistakes::default();
        for (source, key) in [("b.toml:1", "x"), ("a.toml:10", "x"), ("a.toml:9", "x"), ("code", "z"), ("code", "y")] {
            mistakes.add(source, key, "wrong");
        }
        let list = mistakes.into_vec().iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected =
            ["a.toml:9: x: wrong", "a.toml:10: x: wrong", "b.toml:1: x: wrong", "code: y: wrong", "code: z: wrong"];
        assert_eq!(list, expected);
    }

    #[test]
    fn a_mistake_is_reported_once() {
        let mistakes = Mistakes::default();
        mistakes.add("a.toml:1", "kafka.x", "unknown key");
        mistakes.add("a.toml:1", "kafka.x", "unknown key");
        let list = mistakes.into_vec();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].to_string(), "a.toml:1: kafka.x: unknown key");
    }
}
