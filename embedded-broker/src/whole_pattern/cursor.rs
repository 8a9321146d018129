//! A place in a pattern.

/// The rest of a pattern, character by character.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor<'p>(&'p str);

impl<'p> Cursor<'p> {
    pub(super) fn new(pattern: &'p str) -> Self {
        Self(pattern)
    }

    pub(super) fn rest(self) -> &'p str {
        self.0
    }

    pub(super) fn peek(self) -> Option<char> {
        self.0.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let mut chars = self.0.chars();
        let next = chars.next();
        self.0 = chars.as_str();
        next
    }

    /// Passes over a text if it is next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        self.0.strip_prefix(text).map(|rest| self.0 = rest).is_some()
    }

    /// What comes before a text, if that comes, and passes over both.
    pub(super) fn take_until(&mut self, end: &str) -> Option<&'p str> {
        let (before, rest) = self.0.split_once(end)?;
        self.0 = rest;
        Some(before)
    }

    /// Passes over digits.
    pub(super) fn take_digits(&mut self) -> &'p str {
        let digits = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(digits);
        self.0 = rest;
        digits
    }
}
