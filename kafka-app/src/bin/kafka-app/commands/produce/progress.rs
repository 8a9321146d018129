//! [`Progress`]: how much is sent, at a terminal.

use std::{
    io::{IsTerminal as _, stderr, stdin},
    time::{Duration, Instant},
};

use indicatif::HumanBytes;

use super::{input::Input, sender::Counts};
use crate::say::StatusLine;

/// A bar on standard error, if somebody sees it and does not type there what is sent.
///
/// It is a line of our own and not indicatif's, which fills a line to its end: the `^C` of a terminal would begin a new
/// one, and the bar be left behind.
pub(crate) struct Progress(Option<Bar>);

struct Bar {
    line: StatusLine,
    /// How many bytes there are, if that is known.
    size: Option<u64>,
    start: Instant,
    /// When it moved last.
    moved: Option<Instant>,
}

/// It moves no more often.
const PAUSE: Duration = Duration::from_millis(100);
/// Cells of the bar.
const WIDTH: u64 = 30;

impl Progress {
    pub(crate) fn of(input: &Input, quiet: bool) -> Self {
        let is_typed = input.has_standard_input() && stdin().is_terminal();
        if quiet || is_typed || !stderr().is_terminal() {
            return Self(None);
        }
        Self(Some(Bar { line: StatusLine, size: input.size(), start: Instant::now(), moved: None }))
    }

    /// So much is done.
    pub(crate) fn advance(&mut self, counts: &Counts) {
        let Some(bar) = &mut self.0 else { return };
        let now = Instant::now();
        if bar.moved.is_none_or(|moved| now.duration_since(moved) >= PAUSE) {
            bar.moved = Some(now);
            bar.line.show(text(counts, bar.size, now.duration_since(bar.start)));
        }
    }

    /// Takes it away.
    pub(crate) fn finish(&mut self) {
        self.0 = None;
    }
}

/// `███░░░ 1.00 KiB/2.00 KiB 12 records 512 B/s 2s`, of an unknown size without bar and end.
fn text(Counts { n_sent, n_bytes, .. }: &Counts, size: Option<u64>, took: Duration) -> String {
    let (done, records) = (HumanBytes(*n_bytes), format!("{n_sent} records"));
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    let per_second = n_bytes.saturating_mul(1000) / millis;
    let rate = HumanBytes(per_second);
    let Some(size) = size else { return format!("{done} {records} {rate}/s") };
    let cells = (n_bytes.saturating_mul(WIDTH) / size.max(1)).min(WIDTH);
    let bar: String = (0..WIDTH).map(|cell| if cell < cells { '█' } else { '░' }).collect();
    let left = size.saturating_sub(*n_bytes).checked_div(per_second);
    let left =
        left.map_or(String::new(), |seconds| format!(" {}", humantime::format_duration(Duration::from_secs(seconds))));
    format!("{bar} {done}/{} {records} {rate}/s{left}", HumanBytes(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_tells_how_much_is_done_and_how_long_the_rest_takes() {
        let shown = |n_bytes, size, seconds| {
            let counts = Counts { n_sent: 12, n_failed: 0, n_bad: 0, n_bytes };
            text(&counts, size, Duration::from_secs(seconds))
        };
        let bar = |done: usize| "█".repeat(done) + &"░".repeat(30 - done);
        let half = format!("{} 1.00 KiB/2.00 KiB 12 records 512 B/s 2s", bar(15));
        assert_eq!(shown(1024, Some(2048), 2), half);
        assert_eq!(shown(0, Some(2048), 0), format!("{} 0 B/2.00 KiB 12 records 0 B/s", bar(0)));
        // A file that has grown meanwhile, and an empty one.
        assert_eq!(shown(4096, Some(2048), 1), format!("{} 4.00 KiB/2.00 KiB 12 records 4.00 KiB/s 0s", bar(30)));
        assert_eq!(shown(0, Some(0), 1), format!("{} 0 B/0 B 12 records 0 B/s", bar(0)));
        assert_eq!(shown(1024, None, 2), "1.00 KiB 12 records 512 B/s");
    }
}
