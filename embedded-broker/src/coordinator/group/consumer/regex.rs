//! Subscriptions by pattern.

use std::collections::HashMap;
use std::sync::Arc;

use regex_lite::Regex;

use crate::coordinator::ErrorCode;

/// Patterns that were compiled once: each heartbeat asks them again.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    compiled: HashMap<Arc<str>, Regex>,
}

impl Patterns {
    /// Compiles a pattern, which must fit a whole name.
    ///
    /// # Errors
    /// It is no pattern.
    pub(super) fn add(&mut self, pattern: &Arc<str>) -> Result<(), ErrorCode> {
        if !self.compiled.contains_key(pattern) {
            let whole = Regex::new(&format!("^(?:{pattern})$")).map_err(|_| ErrorCode::InvalidRegularExpression)?;
            self.compiled.insert(Arc::clone(pattern), whole);
        }
        Ok(())
    }

    pub(super) fn fits(&self, pattern: &str, name: &str) -> bool {
        self.compiled.get(pattern).is_some_and(|regex| regex.is_match(name))
    }

    /// Forgets the patterns nobody uses any more.
    pub(super) fn keep_only(&mut self, used: impl Fn(&str) -> bool) {
        self.compiled.retain(|pattern, _| used(pattern));
    }
}
