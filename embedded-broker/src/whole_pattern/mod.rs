//! Patterns that have to fit a whole name, as clients and configs bring them: the language of RE2/J, which Kafka reads
//! subscriptions (KIP-848) and filters of transactional ids by.
//!
//! The language is RE2/J's to the letter, with its words for what is none (`syntax.rs`): what it takes is spelled out
//! as ranges of characters, groups and repetitions, which is all that the engine below has to know.
//! `tests/wire/groups_as_kafka/patterns.rs` has a table of the language and asks a real Kafka about each row.
//! Differences, all on purpose:
//!
//! - Classes of Unicode (`\p{Greek}`) and what is the same in another case (`(?i)`) are of the newest Unicode, RE2/J's
//!   of 6.0 (2010): another answer for characters that were not there then, and none for names of topics, which are
//!   ASCII.
//! - One that takes more than [`MOST_BYTES`] when it is compiled, or nests deeper than [`syntax::DEEPEST`], is refused.
//!   RE2/J takes it, whatever memory that needs, or overflows its stack.
//! - `ssl.principal.mapping.rules` and `match` of client metrics are of Java's own language in Kafka, of this one here: nothing
//!   looks ahead or back, or is possessive, and a pattern of a few bytes cannot keep the broker busy for hours.

mod class;
mod cursor;
mod escape;
mod names;
mod syntax;
#[cfg(test)]
mod tests;

use std::fmt;

use regex_lite::{Regex, RegexBuilder};

use syntax::DEEPEST;

/// How much one may take once it is compiled: a few bytes of `(a{1000}){1000}` would take megabytes, for each member of a
/// group. A list of hundreds of names takes less.
const MOST_BYTES: usize = 256 << 10;

/// Why a text is no pattern, in RE2/J's words where that refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAPattern(&'static str);

impl fmt::Display for NotAPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

const TOO_LARGE: NotAPattern = NotAPattern("expression is too large");

/// Says whether a text is a pattern, for the program `kafka-app`: nothing is promised of it from one version to the next.
///
/// # Errors
///
/// It is none; why, in RE2/J's words.
pub fn check(pattern: &str) -> Result<(), String> {
    compile(pattern).map(drop).map_err(|why| why.to_string())
}

/// Compiles a pattern.
///
/// # Errors
///
/// It is no pattern, or a very large one.
pub(crate) fn compile(pattern: &str) -> Result<Regex, NotAPattern> {
    // Each of its characters takes more than a byte.
    if pattern.len() > MOST_BYTES {
        return Err(TOO_LARGE);
    }
    let spelled_out = syntax::spell_out(pattern)?;
    let whole = format!(r"\A(?:{spelled_out})\z");
    // Of each group of the pattern the engine makes up to four levels of its own.
    let nest_limit = u32::try_from(4 * (DEEPEST + 1)).unwrap_or(u32::MAX);
    RegexBuilder::new(&whole).size_limit(MOST_BYTES).nest_limit(nest_limit).build().map_err(|_| TOO_LARGE)
}
