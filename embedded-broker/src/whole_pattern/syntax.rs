//! RE2/J's language, read as its own parser reads it, refusals and oddities included, and spelled out for an engine that
//! need not know it. Pure.

use std::collections::HashSet;

use super::class::CharSet;
use super::cursor::Cursor;
use super::escape::{self, INVALID_ESCAPE};
use super::{NotAPattern, TOO_LARGE};

/// How deep groups may nest, and repetitions of repetitions: the engine calls itself for each.
pub(super) const DEEPEST: usize = 100;
/// How often something may be repeated.
const MOST_REPEATED: u32 = 1000;

const INVALID_NAME: NotAPattern = NotAPattern("invalid named capture");
const DUPLICATE_NAME: NotAPattern = NotAPattern("duplicate capture group name");
const INVALID_PERL: NotAPattern = NotAPattern("invalid or unsupported Perl syntax");
const INVALID_REPEAT: NotAPattern = NotAPattern("invalid nested repetition operator");
const INVALID_COUNT: NotAPattern = NotAPattern("invalid repeat count");
const MISSING_PAREN: NotAPattern = NotAPattern("missing closing )");
const MISSING_ARGUMENT: NotAPattern = NotAPattern("missing argument to repetition operator");
/// What RE2/J says of a closing parenthesis that nothing has opened.
const UNDERFLOW: NotAPattern = NotAPattern("regexp/syntax: internal error");

/// A pattern in the engine's words: ranges of characters, groups, alternatives, repetitions and places.
///
/// # Errors
///
/// It is no pattern, or nests too deep.
pub(super) fn spell_out(pattern: &str) -> Result<String, NotAPattern> {
    let mut parser = Parser { at: Cursor::new(pattern), ..Parser::default() };
    let mut behind_repeat = false;
    while let Some(next) = parser.at.peek() {
        behind_repeat = parser.step(next, behind_repeat)?;
    }
    if parser.open.is_empty() { Ok(parser.out) } else { Err(MISSING_PAREN) }
}

/// What `(?imsU)` says.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    any_case: bool,
    lines: bool,
    dot_is_all: bool,
    least_first: bool,
}

#[derive(Default)]
struct Parser<'p> {
    at: Cursor<'p>,
    out: String,
    flags: Flags,
    /// The groups that are open.
    open: Vec<Open>,
    last: Option<Last>,
    names: HashSet<&'p str>,
    /// Repetitions of repetitions so far.
    wraps: usize,
}

struct Open {
    /// Where it begins in what is written.
    start: usize,
    flags: Flags,
}

/// What the next repetition repeats.
#[derive(Clone, Copy)]
struct Last {
    start: usize,
    is_repetition: bool,
}

impl<'p> Parser<'p> {
    /// Reads one thing; says whether a repetition must not follow it.
    fn step(&mut self, next: char, behind_repeat: bool) -> Result<bool, NotAPattern> {
        match next {
            '(' => self.open_group()?,
            '|' => {
                self.at.next();
                self.out.push('|');
                self.last = None;
            }
            ')' => self.close_group()?,
            '^' => self.place(if self.flags.lines { "(?m:^)" } else { r"\A" }),
            '$' => self.place(if self.flags.lines { "(?m:$)" } else { r"\z" }),
            '.' if self.flags.dot_is_all => self.place("(?s:.)"),
            '.' => {
                self.at.next();
                self.push(&CharSet::no_line_feed());
            }
            '[' => {
                let mut set = CharSet::new(self.flags.any_case);
                set.take_brackets(&mut self.at)?;
                self.push(&set);
            }
            '*' | '+' | '?' => {
                self.at.next();
                self.repeat(next.encode_utf8(&mut [0; 4]), behind_repeat)?;
                return Ok(true);
            }
            '{' => {
                match self.read_counts()? {
                    Some(counts) => self.repeat(&counts, behind_repeat)?,
                    None => {
                        self.at.next();
                        self.literal('{' as u32);
                    }
                }
                // Also where the brace stands for itself: an oddity of RE2/J.
                return Ok(true);
            }
            '\\' => self.backslash()?,
            one => {
                self.at.next();
                self.literal(one as u32);
            }
        }
        Ok(false)
    }

    /// Writes what is repeated if a repetition follows.
    fn atom(&mut self, write: impl FnOnce(&mut String)) {
        self.last = Some(Last { start: self.out.len(), is_repetition: false });
        write(&mut self.out);
    }

    fn push(&mut self, set: &CharSet) {
        self.atom(|out| set.write(out));
    }

    fn literal(&mut self, character: u32) {
        self.push(&CharSet::one(character, self.flags.any_case));
    }

    /// Something of one character that stands for what the engine calls so.
    fn place(&mut self, engine: &str) {
        self.at.next();
        self.atom(|out| out.push_str(engine));
    }

    fn backslash(&mut self) -> Result<(), NotAPattern> {
        let mut behind = self.at;
        behind.next();
        let place = match behind.next() {
            Some('A') => r"\A",
            Some('b') => r"\b",
            Some('B') => r"\B",
            Some('z') => r"\z",
            Some('C') => return Err(INVALID_ESCAPE),
            Some('Q') => {
                self.at = behind;
                let quoted = self.at.take_until("\\E").unwrap_or_else(|| {
                    self.at = Cursor::default();
                    behind.rest()
                });
                quoted.chars().for_each(|one| self.literal(one as u32));
                return Ok(());
            }
            _ => return self.class_or_character(),
        };
        self.at.next();
        self.place(place);
        Ok(())
    }

    fn class_or_character(&mut self) -> Result<(), NotAPattern> {
        let mut set = CharSet::new(self.flags.any_case);
        if set.take_unicode(&mut self.at)? || set.take_perl(&mut self.at) {
            self.push(&set);
        } else {
            let character = escape::read(&mut self.at)?;
            self.literal(character);
        }
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,3}`, if that is next; whatever else a brace begins, it stands for itself.
    fn read_counts(&mut self) -> Result<Option<String>, NotAPattern> {
        let mut at = self.at;
        at.take("{");
        let Some(least) = read_count(&mut at) else { return Ok(None) };
        let mut most = Some(least);
        if at.take(",") {
            most = None;
            if !at.rest().starts_with('}') {
                let Some(said) = read_count(&mut at) else { return Ok(None) };
                most = Some(said);
            }
        }
        if !at.take("}") {
            return Ok(None);
        }
        if least.max(most.unwrap_or(0)) > MOST_REPEATED || most.is_some_and(|most| most < least) {
            return Err(INVALID_COUNT);
        }
        self.at = at;
        let most = most.map_or_else(String::new, |most| most.to_string());
        Ok(Some(format!("{{{least},{most}}}")))
    }

    /// Repeats what came last.
    fn repeat(&mut self, counts: &str, behind_repeat: bool) -> Result<(), NotAPattern> {
        let other_first = self.at.take("?");
        if behind_repeat {
            return Err(INVALID_REPEAT);
        }
        let last = self.last.as_mut().ok_or(MISSING_ARGUMENT)?;
        if last.is_repetition {
            self.wraps += 1;
            if self.wraps > DEEPEST {
                return Err(TOO_LARGE);
            }
            self.out.insert_str(last.start, "(?:");
            self.out.push(')');
        }
        last.is_repetition = true;
        self.out.push_str(counts);
        if other_first != self.flags.least_first {
            self.out.push('?');
        }
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), NotAPattern> {
        let before = self.flags;
        let opens = if self.at.rest().starts_with("(?P<") || self.at.rest().starts_with("(?<") {
            self.read_name()?;
            "("
        } else if self.at.take("(?") {
            if !self.read_flags()? {
                return Ok(());
            }
            "(?:"
        } else {
            self.at.next();
            "("
        };
        if self.open.len() >= DEEPEST {
            return Err(TOO_LARGE);
        }
        self.open.push(Open { start: self.out.len(), flags: before });
        self.out.push_str(opens);
        self.last = None;
        Ok(())
    }

    /// A name is checked and not kept: nobody asks for a group by it.
    fn read_name(&mut self) -> Result<(), NotAPattern> {
        self.at.take_until("<");
        let name = self.at.take_until(">").ok_or(INVALID_NAME)?;
        if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
            return Err(INVALID_NAME);
        }
        if self.names.insert(name) { Ok(()) } else { Err(DUPLICATE_NAME) }
    }

    /// Reads flags up to `:` or `)`; whether a group begins.
    fn read_flags(&mut self) -> Result<bool, NotAPattern> {
        let mut flags = self.flags;
        let (mut on, mut saw_flag) = (true, true);
        loop {
            let flag = match self.at.next() {
                Some('i') => &mut flags.any_case,
                Some('m') => &mut flags.lines,
                Some('s') => &mut flags.dot_is_all,
                Some('U') => &mut flags.least_first,
                Some('-') if on => {
                    (on, saw_flag) = (false, false);
                    continue;
                }
                Some(end @ (':' | ')')) if saw_flag => {
                    self.flags = flags;
                    return Ok(end == ':');
                }
                _ => return Err(INVALID_PERL),
            };
            *flag = on;
            saw_flag = true;
        }
    }

    fn close_group(&mut self) -> Result<(), NotAPattern> {
        self.at.next();
        let Open { start, flags } = self.open.pop().ok_or(UNDERFLOW)?;
        self.out.push(')');
        self.flags = flags;
        self.last = Some(Last { start, is_repetition: false });
        Ok(())
    }
}

/// A number without needless zeros; one of many digits is too large, however large it is.
fn read_count(at: &mut Cursor<'_>) -> Option<u32> {
    let digits = at.take_digits();
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some(if digits.len() > 8 { u32::MAX } else { digits.parse().unwrap_or(u32::MAX) })
}
