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
    let pattern = from_re2(pattern);
    // By itself first: `a)(b` is no pattern, and must not become one between our own parentheses.
    build(&pattern)?;
    build(&format!("^(?:{pattern})$"))
}

/// What Kafka's RE2 knows and the crate does not, in the crate's words: what lies between `\Q` and `\E` stands for itself, as
/// Java's `Pattern.quote` writes it, and so does anything but a letter or a digit behind a backslash.
fn from_re2(pattern: &str) -> String {
    let mut told = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, behind)) = rest.split_once('\\') {
        told.push_str(before);
        let mut next = behind.chars();
        rest = match next.next() {
            Some('Q') => {
                let (quoted, rest) = next.as_str().split_once("\\E").unwrap_or((next.as_str(), ""));
                told.push_str(&regex_lite::escape(quoted));
                rest
            }
            Some(mark) if mark.is_ascii_punctuation() || mark == ' ' => {
                told.push_str(&regex_lite::escape(mark.encode_utf8(&mut [0; 4])));
                next.as_str()
            }
            other => {
                told.push('\\');
                told.extend(other);
                next.as_str()
            }
        };
    }
    told.push_str(rest);
    told
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
    fn what_is_quoted_stands_for_itself() {
        let fits = |pattern, name| compile(pattern).is_ok_and(|regex| regex.is_match(name));
        assert!(fits(r"\Qorders.eu\E-.*", "orders.eu-retry"));
        assert!(!fits(r"\Qorders.eu\E-.*", "orders-eu-retry"));
        assert!(fits(r"\Qa.b", "a.b"), "to the end, if nothing ends it");
        assert!(fits(r"orders\_\-\.eu[\-\_]", "orders_-.eu_"));
        assert!(fits(r"\d+\\", "12\\"));
        assert!(!fits(r"a\", "a"), "a backslash alone is no pattern");
    }

    #[test]
    fn hundreds_of_names_fit_in_and_a_pattern_that_grows_does_not() {
        let names: Vec<String> = (0..300).map(|n| format!("some-team.some-topic-{n}")).collect();
        assert!(compile(&names.join("|")).is_ok_and(|regex| regex.is_match("some-team.some-topic-299")));
        assert!(compile("(a{1000}){1000}").is_err());
    }
}
