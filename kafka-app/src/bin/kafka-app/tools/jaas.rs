//! `sasl.jaas.config`: a login as Java clients have it in one property.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

/// The one login module that a client names.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Jaas {
    /// The name of its class: `org.apache.kafka.common.security.plain.PlainLoginModule`.
    pub(crate) module: String,
    /// What it is told: `username`, `password`, …
    pub(crate) options: BTreeMap<String, String>,
}

/// Reads `MODULE required NAME="value" … ;` as Java does; further modules are an error, as only one logs in.
///
/// # Errors
/// What is wrong, never with a value: it may be a password.
pub(crate) fn parse(text: &str) -> Result<Jaas, String> {
    let mut tokens = tokens(text)?.into_iter().peekable();
    let module = match tokens.next() {
        Some(Token::Word(module)) => module,
        _ => return Err("it does not begin with the name of a login module".to_owned()),
    };
    match tokens.next() {
        Some(Token::Word(flag)) if FLAGS.iter().any(|known| flag.eq_ignore_ascii_case(known)) => {}
        _ => return Err(format!("behind `{module}` stands none of {}", FLAGS.join(", "))),
    }
    let mut options = BTreeMap::new();
    while let Some(Token::Word(name)) = tokens.next_if(|token| *token != Token::Sign(';')) {
        match (tokens.next(), tokens.next()) {
            (Some(Token::Sign('=')), Some(Token::Word(value))) => options.insert(name, value),
            _ => return Err(format!("the option `{name}` has no value: expected {name}=\"value\"")),
        };
    }
    match (tokens.next(), tokens.next()) {
        (Some(Token::Sign(';')), None) => Ok(Jaas { module, options }),
        (Some(Token::Sign(';')), Some(_)) => Err("it names more than one login module".to_owned()),
        _ => Err("it does not end with `;`".to_owned()),
    }
}

const FLAGS: [&str; 4] = ["required", "requisite", "sufficient", "optional"];

#[derive(PartialEq, Eq)]
enum Token {
    /// A word, or a text in quotes.
    Word(String),
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            _ if c.is_whitespace() => {}
            '/' if rest.next_if_eq(&'/').is_some() => while rest.next_if(|&c| c != '\n').is_some() {},
            '/' if rest.next_if_eq(&'*').is_some() => skip_comment(&mut rest)?,
            '"' | '\'' => tokens.push(Token::Word(quoted(&mut rest, c)?)),
            _ if is_of_word(c) => {
                let mut word = String::from(c);
                while let Some(c) = rest.next_if(|&c| is_of_word(c)) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            sign => tokens.push(Token::Sign(sign)),
        }
    }
    Ok(tokens)
}

/// Values that are not in quotes are words, too: names, numbers, paths of classes.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '$' | '\u{a0}'..)
}

fn skip_comment(rest: &mut Peekable<Chars<'_>>) -> Result<(), String> {
    while let Some(c) = rest.next() {
        if c == '*' && rest.next_if_eq(&'/').is_some() {
            return Ok(());
        }
    }
    Err("a comment does not end".to_owned())
}

/// Up to the closing quote, with the escapes of Java's texts.
fn quoted(rest: &mut Peekable<Chars<'_>>, quote: char) -> Result<String, String> {
    let mut text = String::new();
    while let Some(c) = rest.next() {
        match c {
            _ if c == quote => return Ok(text),
            '\n' => break,
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    Err("a value in quotes does not end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";

    fn options(text: &str) -> Vec<(String, String)> {
        let jaas = parse(text).unwrap();
        assert_eq!(jaas.module, PLAIN);
        jaas.options.into_iter().collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_login_is_a_module_with_options() {
        let read = options(&format!("{PLAIN} required username=\"alice\" password=\"s;e c=r\\\"e't\";"));
        assert_eq!(read, pairs(&[("password", "s;e c=r\"e't"), ("username", "alice")]));
        let read = options(&format!(" {PLAIN}\n  REQUIRED\n  username='a' password = bare-1.2_x ;\n"));
        assert_eq!(read, pairs(&[("password", "bare-1.2_x"), ("username", "a")]));
        assert_eq!(options(&format!("{PLAIN} required;")), []);
    }

    #[test]
    fn comments_are_left_out() {
        let read = options(&format!("/* old */ {PLAIN} required // why\n username=\"//x\" /* ; */;"));
        assert_eq!(read, pairs(&[("username", "//x")]));
    }

    #[test]
    fn what_is_wrong_is_told_without_a_value() {
        let wrong = |text: &str| parse(text).err().expect("it is refused");
        assert!(wrong("").contains("name of a login module"));
        assert!(wrong("A must username=\"x\";").contains("required"));
        assert!(wrong("A required username;").contains("`username` has no value"));
        assert!(wrong("A required username=\"x\"").contains("end with `;`"));
        assert!(wrong("A required; B required;").contains("more than one"));
        assert!(wrong("A required password=\"hunter2;").contains("does not end"));
        assert!(!wrong("A required password=\"hunter2;").contains("hunter2"));
    }
}
