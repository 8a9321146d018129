//! JAAS configuration as `sasl.jaas.config` has it: `module flag option=value ...;`, in the syntax of Java's
//! `StreamTokenizer` as Kafka sets it up.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// One login module and its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JaasEntry {
    /// The class.
    pub module: String,
    /// By name.
    pub options: BTreeMap<String, String>,
}

/// Reads the one entry that a mechanism may have.
///
/// # Errors
///
/// With Kafka's words.
pub fn parse(text: &str) -> Result<JaasEntry, String> {
    let mut tokens = Tokens(text.chars().peekable());
    let Some(Token::Word(module)) = tokens.next() else {
        return Err("Login module not specified in JAAS config".to_owned());
    };
    let flag = match tokens.next() {
        Some(Token::Word(flag)) => flag,
        Some(Token::Symbol(_)) => {
            return Err("Login module control flag is not available in the JAAS config".to_owned());
        }
        None => return Err("Login module control flag not specified in JAAS config".to_owned()),
    };
    if !["REQUIRED", "REQUISITE", "SUFFICIENT", "OPTIONAL"].contains(&flag.to_uppercase().as_str()) {
        return Err(format!("Invalid login module control flag '{flag}' in JAAS config"));
    }
    let options = options(&mut tokens)?;
    if tokens.next().is_some() {
        return Err("JAAS config of a mechanism must have one login module, not several".to_owned());
    }
    Ok(JaasEntry { module, options })
}

fn options(tokens: &mut Tokens<'_>) -> Result<BTreeMap<String, String>, String> {
    let mut options = BTreeMap::new();
    loop {
        let key = match tokens.next() {
            Some(Token::Symbol(';')) => return Ok(options),
            None => return Err("JAAS config entry not terminated by semi-colon".to_owned()),
            Some(Token::Word(key)) => key,
            Some(Token::Symbol(symbol)) => symbol.to_string(),
        };
        match (tokens.next(), tokens.next()) {
            (Some(Token::Symbol('=')), Some(Token::Word(value))) => drop(options.insert(key, value)),
            _ => return Err(format!("Value not specified for key '{key}' in JAAS config")),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// Bare or in quotes.
    Word(String),
    Symbol(char),
}

struct Tokens<'a>(Peekable<Chars<'a>>);

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let first = self.0.next()?;
            match first {
                quote @ ('"' | '\'') => return Some(Token::Word(self.quoted(quote))),
                '/' if self.0.peek() == Some(&'/') => while self.0.next().is_some_and(|char| char != '\n') {},
                '/' if self.0.peek() == Some(&'*') => self.skip_comment(),
                char if is_of_word(char) => return Some(Token::Word(self.word(char))),
                char if char <= ' ' => {}
                symbol => return Some(Token::Symbol(symbol)),
            }
        }
    }
}

fn is_of_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || "-_$.".contains(char) || char > '\u{9f}'
}

impl Tokens<'_> {
    fn word(&mut self, first: char) -> String {
        let mut word = String::from(first);
        while let Some(char) = self.0.next_if(|&char| is_of_word(char)) {
            word.push(char);
        }
        word
    }

    /// Up to the same quote or the end of the line, with the escapes of Java.
    fn quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        while let Some(char) = self.0.next_if(|&char| char != '\n' && char != '\r') {
            match char {
                char if char == quote => break,
                '\\' => text.extend(self.escaped()),
                char => text.push(char),
            }
        }
        text
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.0.next()? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            digit @ '0'..='7' => self.octal(digit),
            char => char,
        })
    }

    fn octal(&mut self, first: char) -> char {
        let digits = if first <= '3' { 2 } else { 1 };
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 0..digits {
            let Some(digit) = self.0.next_if(|char| char.is_digit(8)).and_then(|char| char.to_digit(8)) else { break };
            code = code * 8 + digit;
        }
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn skip_comment(&mut self) {
        self.0.next();
        while let Some(char) = self.0.next() {
            if char == '*' && self.0.next_if_eq(&'/').is_some() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Vec<String>), String> {
        let JaasEntry { module, options } = parse(text)?;
        Ok((module, options.into_iter().map(|(key, value)| format!("{key}={value}")).collect()))
    }

    #[test]
    fn a_module_has_options_with_and_without_quotes() {
        let text = "o.a.PlainLoginModule required\n // a comment; /* another */\n user_alice=\"a \\\"b\\\" \\\\ ;\" \
                    /* and ; one */ user_bob='it is' plain=word-1_$.x;";
        let (module, options) = read(text).unwrap();
        assert_eq!(module, "o.a.PlainLoginModule");
        assert_eq!(options, ["plain=word-1_$.x", "user_alice=a \"b\" \\ ;", "user_bob=it is"]);
    }

    #[test]
    fn escapes_are_javas() {
        assert_eq!(read(r#"m required a="\101\t\0x\7";"#).unwrap().1, ["a=A\t\0x\u{7}"]);
    }

    #[test]
    fn every_mistake_has_kafkas_words() {
        for (text, why) in [
            ("", "Login module not specified in JAAS config"),
            ("m", "Login module control flag not specified in JAAS config"),
            ("m maybe;", "Invalid login module control flag 'maybe' in JAAS config"),
            ("m required a=1", "JAAS config entry not terminated by semi-colon"),
            ("m required a;", "Value not specified for key 'a' in JAAS config"),
            ("m required a=;", "Value not specified for key 'a' in JAAS config"),
            ("m required; n required;", "JAAS config of a mechanism must have one login module, not several"),
        ] {
            assert_eq!(read(text), Err(why.to_owned()), "{text:?}");
        }
    }
}
