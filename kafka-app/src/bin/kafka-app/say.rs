//! Notes on standard error, a [`StatusLine`] below them, and [`Troubles`]: what is wrong and may mend itself.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{Write as _, stderr},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use clap::builder::{Styles, styling::Style};

use crate::terminal;

/// The same trouble is told again after this time.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// Goes back to the first column and empties the line.
const EMPTY_LINE: &str = "\r\x1b[K";
/// Columns that a [`StatusLine`] leaves.
const ROOM_BEHIND: usize = 3;

/// Whether the line where the cursor stands is a [`StatusLine`].
static HAS_STATUS: AtomicBool = AtomicBool::new(false);

/// Says a line. That nobody hears it is no reason to end.
pub(crate) fn line(text: impl Display) {
    let start = if HAS_STATUS.swap(false, Ordering::Relaxed) { EMPTY_LINE } else { "" };
    let _ = writeln!(stderr(), "{start}{text}");
}

/// Says what went wrong, in the colours that clap has for that.
pub(crate) fn error(text: impl Display) {
    headed("error", *Styles::styled().get_error(), text);
}

/// Says what may go wrong.
pub(crate) fn warning(text: impl Display) {
    headed("warning", *Styles::styled().get_invalid(), text);
}

fn headed(head: &str, style: Style, text: impl Display) {
    let style = if terminal::in_colours(&stderr()) { style } else { Style::new() };
    line(format_args!("{style}{head}:{style:#} {text}"));
}

/// The last line of a terminal, which changes; lines that are said in between stand above it, and it goes with its owner.
#[derive(Debug)]
pub(crate) struct StatusLine;

impl StatusLine {
    /// Shows as much of it as fits on the line, and a `^C` behind it: a line that goes on in another one could not be emptied.
    #[expect(clippy::unused_self, reason = "only who has it shows anything there, and takes it away")]
    pub(crate) fn show(&self, text: impl Display) {
        let room = terminal::size(stderr()).map_or(usize::MAX, |(columns, _)| columns.saturating_sub(ROOM_BEHIND));
        let text: String = text.to_string().chars().take(room).collect();
        HAS_STATUS.store(true, Ordering::Relaxed);
        let _ = write!(stderr(), "{EMPTY_LINE}{text}");
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        if HAS_STATUS.swap(false, Ordering::Relaxed) {
            let _ = write!(stderr(), "{EMPTY_LINE}");
        }
    }
}

/// What was told of troubles that may mend themselves.
#[derive(Debug, Default)]
pub(crate) struct Troubles(BTreeMap<String, Instant>);

impl Troubles {
    /// Tells it, unless it was told just now.
    pub(crate) fn tell(&mut self, text: &str) {
        self.tell_about(text, text);
    }

    /// Tells of something, unless something was told of it just now.
    pub(crate) fn tell_about(&mut self, about: &str, text: impl Display) {
        if self.is_news(about, Instant::now()) {
            warning(text);
        }
    }

    fn is_news(&mut self, text: &str, now: Instant) -> bool {
        if self.0.get(text).is_some_and(|told| now.duration_since(*told) < TELL_AGAIN) {
            return false;
        }
        self.0.insert(text.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_in_a_while() {
        let (mut troubles, now) = (Troubles::default(), Instant::now());
        assert!(troubles.is_news("down", now));
        assert!(!troubles.is_news("down", now + TELL_AGAIN / 2));
        assert!(troubles.is_news("up", now + TELL_AGAIN / 2));
        assert!(troubles.is_news("down", now + TELL_AGAIN));
    }
}
