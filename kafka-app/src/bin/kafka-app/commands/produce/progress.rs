//! [`Progress`]: how much is sent, at a terminal.

use std::{
    fmt::Display,
    io::{IsTerminal as _, stderr, stdin},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{input::Input, sender::Counts};
use crate::say;

/// A bar on standard error, if somebody sees it and does not type there what is sent.
pub(crate) struct Progress(Option<ProgressBar>);

/// How often it moves though nothing happens.
const TICK: Duration = Duration::from_millis(200);

impl Progress {
    pub(crate) fn of(input: &Input, quiet: bool) -> Self {
        let is_typed = input.has_standard_input() && stdin().is_terminal();
        if quiet || is_typed || !stderr().is_terminal() {
            return Self(None);
        }
        let (bar, template) = match input.size() {
            Some(size) => (ProgressBar::new(size), "{bar:30} {bytes}/{total_bytes} {msg} {bytes_per_sec} {eta}"),
            None => (ProgressBar::no_length(), "{spinner} {bytes} {msg} {bytes_per_sec}"),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }

    /// So much is done.
    pub(crate) fn advance(&self, counts: &Counts) {
        if let Some(bar) = &self.0 {
            bar.set_position(counts.n_bytes);
            bar.set_message(format!("{} records", counts.n_sent));
        }
    }

    /// Says a line above it.
    pub(crate) fn say(&self, text: impl Display) {
        self.pause(|| say::line(text));
    }

    /// Does something that may say lines above it.
    pub(crate) fn pause(&self, work: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }

    /// Takes it away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
