//! The loggers that clients may turn up and down: `BROKER_LOGGER` resources.
//!
//! Kafka has one for each class that logs. Here there are the two that change something: `kafka.request.logger` tells of
//! every request from DEBUG on, and `root` is the level of those that have none of their own.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{Error, ErrorCode};

/// How much is told, by Kafka's names; a lower one tells more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Level {
    Trace = 1,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

const LEVELS: [(Level, &str); 6] = [
    (Level::Trace, "TRACE"),
    (Level::Debug, "DEBUG"),
    (Level::Info, "INFO"),
    (Level::Warn, "WARN"),
    (Level::Error, "ERROR"),
    (Level::Fatal, "FATAL"),
];

impl Level {
    fn parse(name: &str) -> Option<Self> {
        LEVELS.iter().find(|(_, known)| *known == name).map(|(level, _)| *level)
    }

    pub(crate) fn name(self) -> &'static str {
        LEVELS.iter().find(|(level, _)| *level == self).map_or("", |(_, name)| name)
    }
}

const ROOT: usize = 0;
const REQUESTS: usize = 1;
const NAMES: [&str; 2] = ["root", "kafka.request.logger"];

/// A logger's level is its own, or root's: then it is 0 here.
#[derive(Debug)]
pub(crate) struct Loggers([AtomicU8; NAMES.len()]);

/// A change of one logger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    Set(&'a str),
    Delete,
}

impl Default for Loggers {
    fn default() -> Self {
        Self([AtomicU8::new(Level::Info as u8), AtomicU8::new(Level::Warn as u8)])
    }
}

impl Loggers {
    /// Whether every request is told of: asked for each, so it costs a load or two.
    pub(crate) fn tell_requests(&self) -> bool {
        self.level(REQUESTS) <= Level::Debug as u8
    }

    fn level(&self, index: usize) -> u8 {
        match self.0[index].load(Ordering::Relaxed) {
            0 => self.0[ROOT].load(Ordering::Relaxed),
            level => level,
        }
    }

    /// Every logger and its level.
    pub(crate) fn describe(&self) -> Vec<(&'static str, Level)> {
        let level = |index| LEVELS.iter().map(|(level, _)| *level).find(|level| *level as u8 == self.level(index));
        NAMES.iter().zip(0..).map(|(name, index)| (*name, level(index).unwrap_or(Level::Info))).collect()
    }

    /// Changes levels, all or none of them; only looks when `validate_only`.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` or `INVALID_REQUEST`, with Kafka's words.
    pub(crate) fn alter(&self, changes: &[(&str, Change<'_>)], validate_only: bool) -> Result<(), Error> {
        let levels: Vec<(usize, u8)> = changes.iter().map(|change| read(*change)).collect::<Result<_, _>>()?;
        if !validate_only {
            levels.into_iter().for_each(|(index, level)| self.0[index].store(level, Ordering::Relaxed));
        }
        Ok(())
    }
}

fn read((name, change): (&str, Change<'_>)) -> Result<(usize, u8), Error> {
    let invalid = |why: String| Error::with_code(ErrorCode::InvalidConfig, why);
    let index = NAMES.iter().position(|known| *known == name);
    let index = index.ok_or_else(|| invalid(format!("Logger {name} does not exist!")))?;
    match change {
        Change::Set(level) => {
            let unknown = || {
                invalid(format!(
                    "Cannot set the log level of {name} to {level} as it is not a supported log level. \
                     Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN"
                ))
            };
            Ok((index, Level::parse(level).ok_or_else(unknown)? as u8))
        }
        Change::Delete if index == ROOT => {
            let why = "Removing the log level of the root logger is not allowed";
            Err(Error::with_code(ErrorCode::InvalidRequest, why))
        }
        Change::Delete => Ok((index, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logger_without_a_level_of_its_own_has_roots() {
        let loggers = Loggers::default();
        assert!(!loggers.tell_requests());
        loggers.alter(&[("kafka.request.logger", Change::Set("TRACE"))], false).expect("a level");
        assert!(loggers.tell_requests());
        loggers.alter(&[("kafka.request.logger", Change::Delete)], false).expect("a logger");
        assert_eq!(loggers.describe(), [("root", Level::Info), ("kafka.request.logger", Level::Info)]);
        loggers.alter(&[("root", Change::Set("DEBUG"))], false).expect("a level");
        assert!(loggers.tell_requests());
    }

    #[test]
    fn all_changes_are_taken_or_none() {
        let loggers = Loggers::default();
        let half = [("root", Change::Set("DEBUG")), ("nope", Change::Set("DEBUG"))];
        assert_eq!(loggers.alter(&half, false).expect_err("no such logger").message(), "Logger nope does not exist!");
        loggers.alter(&half[..1], true).expect("a level");
        assert_eq!(loggers.describe()[0], ("root", Level::Info));
    }
}
