//! The tools that measure: how fast records go in, and how fast they come out.

pub(crate) mod consumer;
mod date;
mod latencies;
mod pace;
mod payloads;
pub(crate) mod producer;

pub(crate) use pace::Pace;

use std::{fmt::Write as _, io};

/// Metrics as Apache's tools print them, in the order of their names.
fn print_metrics(out: &mut impl io::Write, metrics: &[(&str, f64)]) -> io::Result<()> {
    let width = metrics.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut table = format!("\n{:width$}   Value\n", "Metric Name");
    for (name, value) in metrics {
        // A text takes all.
        let _ = writeln!(table, "{name:width$} : {value:.3}");
    }
    out.write_all(table.as_bytes())
}
