//! [`RestartSettings`]: whether a listener that failed starts again, and when.

use std::time::Duration;

use crate::config::section::Section;

/// `restart(attempts, backoff, multiplier, max_backoff, reset_after)`: a listener that failed starts again after a while,
/// where its group has committed. One that was stopped does not, and neither does one that its configuration made fail.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RestartSettings {
    /// Starts in a row after the first; default 0: a listener that fails stays so.
    pub attempts: Option<u32>,
    /// Before the first of them; default 1 s.
    pub backoff: Option<Duration>,
    /// Factor from one to the next, at least 1; default 2.
    pub multiplier: Option<f64>,
    /// Longest time between two; default 1 min.
    pub max_backoff: Option<Duration>,
    /// After it ran for as long as this, the next failure counts as the first; default 1 min.
    pub reset_after: Option<Duration>,
}

impl RestartSettings {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let read = Self {
            attempts: section.get("attempts"),
            backoff: section.get("backoff"),
            multiplier: section.get("multiplier"),
            max_backoff: section.get("max-backoff"),
            reset_after: section.get("reset-after"),
        };
        section.finish(&[("max-attempts", "say attempts: starts in a row after the first")]);
        read
    }
}

/// The same, decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Restart {
    /// Starts in a row after the first; 0: none.
    pub(crate) attempts: u32,
    pub(crate) backoff: Duration,
    /// At least 1.
    pub(crate) multiplier: f64,
    pub(crate) max_backoff: Duration,
    pub(crate) reset_after: Duration,
}

impl Default for Restart {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { attempts: 0, backoff: Duration::from_secs(1), multiplier: 2.0, max_backoff: minute, reset_after: minute }
    }
}
