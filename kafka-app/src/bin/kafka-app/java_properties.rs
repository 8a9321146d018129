//! The syntax of Java's `.properties` files, in which Kafka is configured.
//!
//! As `java.util.Properties.load` reads them: ISO 8859-1 with `\uXXXX` for the rest; `key=value`, `key:value` or
//! `key value`; lines that begin with `#` or `!` are comments; a backslash at the end of a line joins it with the next
//! one; of a key that is given twice the last value counts.

use std::{fmt, iter::Peekable, str::Chars};

/// A line that Java would refuse.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MalformedLine {
    /// Where the logical line begins, from 1.
    line: usize,
    problem: &'static str,
}

impl fmt::Display for MalformedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// Reads a file's bytes: keys and values in the order of the file.
///
/// # Errors
/// If a `\u` is not followed by four hexadecimal digits: the only thing Java refuses.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<(String, String)>, MalformedLine> {
    let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
    let parse_line = |(line, logical): (usize, String)| {
        key_and_value(&logical)
            .ok_or(MalformedLine { line, problem: "\\u must be followed by four hexadecimal digits" })
    };
    logical_lines(&text).into_iter().map(parse_line).collect()
}

/// Lines with their continuations joined, and the number of the first; without comments and blank lines.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, natural) in natural_lines(text).enumerate() {
        let natural = natural.trim_start_matches(is_blank);
        if open.is_none() && (natural.is_empty() || natural.starts_with(['#', '!'])) {
            continue;
        }
        let (number, mut logical) = open.take().unwrap_or((index + 1, String::new()));
        let backslashes = natural.len() - natural.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            logical.push_str(&natural[..natural.len() - 1]);
            open = Some((number, logical));
        } else {
            logical.push_str(natural);
            lines.push((number, logical));
        }
    }
    lines.extend(open);
    lines
}

/// Lines end with `\n`, `\r` or both.
fn natural_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn key_and_value(logical: &str) -> Option<(String, String)> {
    let mut rest = logical.chars().peekable();
    let key = unescape(&mut rest, |c| is_blank(c) || matches!(c, '=' | ':'))?;
    skip_blanks(&mut rest);
    if rest.next_if(|c| matches!(c, '=' | ':')).is_some() {
        skip_blanks(&mut rest);
    }
    let value = unescape(&mut rest, |_| false)?;
    Some((key, value))
}

fn skip_blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|&c| is_blank(c)).is_some() {}
}

/// Reads up to an unescaped character that `ends`, which is left there. Java counts in UTF-16: two escapes may make one
/// character.
fn unescape(rest: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) -> Option<String> {
    let mut units: Vec<u16> = Vec::new();
    while let Some(c) = rest.next_if(|&c| !ends(c)) {
        let unescaped = match c {
            '\\' => match rest.next() {
                Some('u') => {
                    units.push(hex_unit(rest)?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(other) => other,
                // A lone backslash at the very end of the file.
                None => break,
            },
            other => other,
        };
        units.extend_from_slice(unescaped.encode_utf16(&mut [0; 2]));
    }
    Some(String::from_utf16_lossy(&units))
}

fn hex_unit(rest: &mut Peekable<Chars<'_>>) -> Option<u16> {
    (0..4).try_fold(0_u16, |unit, _| {
        let digit = rest.next()?.to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let parsed = parse(text.as_bytes()).unwrap();
        let parsed: Vec<_> = parsed.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(parsed, expected);
    }

    #[test]
    fn a_key_ends_at_an_equals_sign_a_colon_or_a_blank() {
        check("a=1\nb:2\nc 3\nd = 4\ne\t:\t5\n", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")]);
        check("listeners=PLAINTEXT://:9092", &[("listeners", "PLAINTEXT://:9092")]);
        check("a==1\nb = = 2", &[("a", "=1"), ("b", "= 2")]);
    }

    #[test]
    fn a_key_may_be_alone_and_a_value_keeps_blanks_at_its_end() {
        check("alone\nempty=\nkept=v \t", &[("alone", ""), ("empty", ""), ("kept", "v \t")]);
    }

    #[test]
    fn comments_and_blank_lines_are_left_out_and_a_comment_has_no_continuation() {
        check("# one\n  ! two \\\na=1\n\n \t \nb=2#not\n", &[("a", "1"), ("b", "2#not")]);
    }

    #[test]
    fn a_backslash_joins_lines_and_the_blanks_of_the_second_are_dropped() {
        check("voters=1@a:1,\\\n   2@b:2,\\\r\n\t3@c:3\nnext=x", &[("voters", "1@a:1,2@b:2,3@c:3"), ("next", "x")]);
        check("a=\\\n#1", &[("a", "#1")]);
        check("path=c:\\\\\nb=1", &[("path", "c:\\"), ("b", "1")]);
        check("last=1\\", &[("last", "1")]);
    }

    #[test]
    fn every_line_ending_counts() {
        check("a=1\rb=2\r\nc=3\n", &[("a", "1"), ("b", "2"), ("c", "3")]);
    }

    #[test]
    fn escapes_are_javas() {
        check(r"a\ b\=c\:d=\t\n\r\f\\\q\ ", &[("a b=c:d", "\t\n\r\u{c}\\q ")]);
        check(r"umlaut=\u00e4 \uD83D\uDE00", &[("umlaut", "ä 😀")]);
    }

    #[test]
    fn bytes_are_iso_8859_1() {
        assert_eq!(parse(b"k=\xe4").unwrap(), [("k".to_owned(), "ä".to_owned())]);
    }

    #[test]
    fn a_malformed_escape_is_refused_with_its_line() {
        let refused = parse(b"a=1\n# c\nb=\\\n  \\u12g4\n").unwrap_err();
        assert_eq!(refused.to_string(), "line 3: \\u must be followed by four hexadecimal digits");
        assert!(parse(b"a=\\u12").is_err());
    }
}
