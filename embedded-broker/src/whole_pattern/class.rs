//! `[a-z]` and its like: a set of characters.

use std::fmt::Write as _;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::cursor::Cursor;
use super::{NotAPattern, escape, names};

pub(super) const INVALID_RANGE: NotAPattern = NotAPattern("invalid character class range");
const MISSING_BRACKET: NotAPattern = NotAPattern("missing closing ]");

/// Characters that fit.
pub(super) struct CharSet {
    class: ClassUnicode,
    any_case: bool,
}

impl CharSet {
    /// None yet; if `any_case`, each comes with what is the same in another case.
    pub(super) fn new(any_case: bool) -> Self {
        Self { class: ClassUnicode::empty(), any_case }
    }

    pub(super) fn one(character: u32, any_case: bool) -> Self {
        let mut one = Self::new(any_case);
        one.add_range(character, character);
        one
    }

    /// All but a line feed.
    pub(super) fn no_line_feed() -> Self {
        let mut set = Self::one('\n' as u32, false);
        set.class.negate();
        set
    }

    /// By numbers, which may be those of halves of surrogate pairs: no text has one.
    fn add_range(&mut self, first: u32, last: u32) {
        let first = char::from_u32(first).unwrap_or('\u{e000}');
        let last = char::from_u32(last).unwrap_or('\u{d7ff}');
        if first <= last {
            self.add(ClassUnicode::new([ClassUnicodeRange::new(first, last)]), true);
        }
    }

    /// A class that is meant as it is, or as its opposite.
    fn add(&mut self, mut class: ClassUnicode, as_it_is: bool) {
        if self.any_case {
            class.case_fold_simple();
        }
        self.add_table(class, as_it_is);
    }

    fn add_table(&mut self, mut class: ClassUnicode, as_it_is: bool) {
        if !as_it_is {
            class.negate();
        }
        self.class.union(&class);
    }

    /// Reads `\pN`, `\p{Greek}` or `\P{^Greek}`, if that is next.
    pub(super) fn take_unicode(&mut self, at: &mut Cursor<'_>) -> Result<bool, NotAPattern> {
        let mut as_it_is = if at.take("\\p") {
            true
        } else if at.take("\\P") {
            false
        } else {
            return Ok(false);
        };
        let braced;
        let mut letter = [0; 4];
        let name = match at.next().ok_or(INVALID_RANGE)? {
            '{' => {
                braced = at.take_until("}").ok_or(INVALID_RANGE)?;
                braced
            }
            one => &*one.encode_utf8(&mut letter),
        };
        let positive = name.strip_prefix('^');
        as_it_is ^= positive.is_some();
        let class = names::unicode(positive.unwrap_or(name), self.any_case).ok_or(INVALID_RANGE)?;
        self.add_table(class, as_it_is);
        Ok(true)
    }

    /// Reads `\d` or its like, if that is next.
    pub(super) fn take_perl(&mut self, at: &mut Cursor<'_>) -> bool {
        let mut behind = *at;
        let found = behind.take("\\").then(|| behind.next().and_then(names::perl)).flatten();
        let Some((class, as_it_is)) = found else { return false };
        self.add(class, as_it_is);
        *at = behind;
        true
    }

    /// Reads `[:alpha:]`, if that or another name is next.
    fn take_posix(&mut self, at: &mut Cursor<'_>) -> Result<bool, NotAPattern> {
        let mut behind = *at;
        if !behind.take("[:") {
            return Ok(false);
        }
        let Some(name) = behind.take_until(":]") else { return Ok(false) };
        let (class, as_it_is) = names::posix(name).ok_or(INVALID_RANGE)?;
        self.add(class, as_it_is);
        *at = behind;
        Ok(true)
    }

    /// Reads a character, or two and all between them.
    fn take_range(&mut self, at: &mut Cursor<'_>) -> Result<(), NotAPattern> {
        let first = character(at)?;
        let mut last = first;
        if at.rest().starts_with('-') && !at.rest().starts_with("-]") {
            at.next();
            last = character(at)?;
            if last < first {
                return Err(INVALID_RANGE);
            }
        }
        self.add_range(first, last);
        Ok(())
    }

    /// Reads what is between brackets; the first one is next.
    pub(super) fn take_brackets(&mut self, at: &mut Cursor<'_>) -> Result<(), NotAPattern> {
        at.take("[");
        let negated = at.take("^");
        let mut first = true;
        // A closing bracket that comes first is one of the characters.
        while first || !at.take("]") {
            first = false;
            if !self.take_posix(at)? && !self.take_unicode(at)? && !self.take_perl(at) {
                self.take_range(at)?;
            }
        }
        if negated {
            self.class.negate();
        }
        Ok(())
    }

    /// In the engine's words.
    pub(super) fn write(&self, out: &mut String) {
        match self.class.ranges() {
            [] => out.push_str(r"[^\x{0}-\x{10FFFF}]"),
            [one] if one.start() == one.end() => write_char(out, one.start()),
            ranges => {
                out.push('[');
                for range in ranges {
                    write_char(out, range.start());
                    if range.start() < range.end() {
                        out.push('-');
                        write_char(out, range.end());
                    }
                }
                out.push(']');
            }
        }
    }
}

fn character(at: &mut Cursor<'_>) -> Result<u32, NotAPattern> {
    match at.peek() {
        None => Err(MISSING_BRACKET),
        Some('\\') => escape::read(at),
        Some(one) => {
            at.next();
            Ok(one as u32)
        }
    }
}

/// Letters and digits as they are, everything else by its number: nothing means anything else to the engine.
fn write_char(out: &mut String, one: char) {
    if one.is_ascii_alphanumeric() {
        out.push(one);
    } else {
        // A string takes all that is written to it.
        _ = write!(out, "\\x{{{:X}}}", one as u32);
    }
}
