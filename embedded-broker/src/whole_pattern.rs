//! Patterns that have to fit a whole name, as clients and configs bring them.

use regex_lite::{Error, Regex, RegexBuilder};

/// How much one may take once it is compiled: a few bytes of `(a{1000}){1000}` would take megabytes, for each member of a
/// group. A list of hundreds of names takes less.
const MOST_BYTES: usize = 256 << 10;

/// Compiles a pattern.
///
/// # Errors
///
/// It is no pattern, or a very large one.
pub(crate) fn compile(pattern: &str) -> Result<Regex, Error> {
    // By itself first: `a)(b` is no pattern, and must not become one between our own parentheses.
    build(pattern)?;
    build(&format!("^(?:{pattern})$"))
}

fn build(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).size_limit(MOST_BYTES).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_whole_names_only() {
        let fits = |pattern, name| compile(pattern).is_ok_and(|regex| regex.is_match(name));
        assert!(fits("orders.*", "orders-retry"));
        assert!(!fits("orders.*", "my-orders"));
        assert!(!fits("a|b", "ab"));
        assert!(fits("a|b", "b"));
        assert!(compile("a)(b").is_err());
        assert!(compile("a(").is_err());
    }

    #[test]
    fn hundreds_of_names_fit_in_and_a_pattern_that_grows_does_not() {
        let names: Vec<String> = (0..300).map(|n| format!("some-team.some-topic-{n}")).collect();
        assert!(compile(&names.join("|")).is_ok_and(|regex| regex.is_match("some-team.some-topic-299")));
        assert!(compile("(a{1000}){1000}").is_err());
    }
}
