//! [`Screen`]: what is shown again and again, in one place at a terminal.

use std::io::{self, IsTerminal, Write};

use crate::terminal::{Size, size};

/// Standard output, for something of which the newest state counts. A file gets all of them, one after the other.
#[derive(Debug)]
pub(super) struct Screen {
    is_terminal: bool,
    is_empty: bool,
}

const HOME: &str = "\x1b[H";
const EMPTY_ALL: &str = "\x1b[2J";
const EMPTY_REST_OF_LINE: &str = "\x1b[K";
const EMPTY_BELOW: &str = "\x1b[J";

impl Screen {
    pub(super) fn new() -> Self {
        Self { is_terminal: io::stdout().is_terminal(), is_empty: true }
    }

    /// Shows lines, at a terminal instead of those shown before.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub(super) fn show(&mut self, lines: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if !self.is_terminal {
            out.write_all(lines.as_bytes())?;
            return out.flush();
        }
        let start = if std::mem::take(&mut self.is_empty) { EMPTY_ALL } else { "" };
        write!(out, "{start}{}", frame(lines, size(io::stdout())))?;
        out.flush()
    }
}

/// Written over the one before, not onto an empty screen: that would flicker. What does not fit would move the screen, so that
/// the next one began in another place; it is left out, and said to be so.
fn frame(lines: &str, size: Option<Size>) -> String {
    let (columns, rows) = size.unwrap_or((usize::MAX, usize::MAX));
    // The cursor stands in a line of its own.
    let room = rows.saturating_sub(1).max(1);
    let all: Vec<_> = lines.lines().collect();
    let n_shown = if all.len() > room { room - 1 } else { all.len() };
    let mut frame = HOME.to_owned();
    let mut add = |line: &str| {
        frame.extend(line.chars().take(columns));
        frame.push_str(EMPTY_REST_OF_LINE);
        frame.push('\n');
    };
    all[..n_shown].iter().for_each(|line| add(line));
    if n_shown < all.len() {
        add(&format!("... {} more", all.len() - n_shown));
    }
    frame + EMPTY_BELOW
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a terminal shows of it, without what moves the cursor.
    fn shown(lines: &str, size: Option<Size>) -> String {
        let frame = frame(lines, size);
        let lines = frame.strip_prefix(HOME).unwrap().strip_suffix(EMPTY_BELOW).unwrap();
        assert_eq!(lines.matches(EMPTY_REST_OF_LINE).count(), lines.lines().count());
        lines.replace(EMPTY_REST_OF_LINE, "")
    }

    #[test]
    fn what_fits_is_shown_as_it_is() {
        let lines = "TOPIC  LAG\norders  3\n";
        for size in [None, Some((10, 3)), Some((80, 24))] {
            assert_eq!(shown(lines, size), lines, "{size:?}");
        }
    }

    #[test]
    fn nothing_wraps_and_nothing_scrolls() {
        let lines = "TOPIC  LAG\norders  3\nsales  4\ntäxes  5\n";
        assert_eq!(shown(lines, Some((4, 24))), "TOPI\norde\nsale\ntäxe\n");
        assert_eq!(shown(lines, Some((80, 4))), "TOPIC  LAG\norders  3\n... 2 more\n");
        assert_eq!(shown(lines, Some((80, 1))), "... 4 more\n");
    }
}
