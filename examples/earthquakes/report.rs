//! What the program prints at its end.

use std::{
    io::{self, Write},
    time::Duration,
};

use comfy_table::{Table, presets::UTF8_BORDERS_ONLY};
use kafka_app::PartitionLag;

use crate::statistics::Counts;

/// Prints the figures, a table per network, and where the groups stand.
pub(crate) fn print(counts: &Counts, lag: &[(&'static str, Vec<PartitionLag>)], took: Duration) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "records read   {}", thousands(counts.records_read))?;
    writeln!(out, "alerts         {}", thousands(counts.alerts_read))?;
    writeln!(out, "dead letters   {}", thousands(counts.dead_letters))?;
    writeln!(out, "\n{}", networks(counts))?;
    writeln!(out, "\n{}", groups(lag))?;
    writeln!(out, "\ntook {:.2} s", took.as_secs_f64())
}

fn networks(counts: &Counts) -> Table {
    let mut table = table(["network", "events", "strongest"]);
    for (name, network) in &counts.networks {
        let strongest = network.strongest.map_or_else(|| "-".to_owned(), |m| format!("{m:.1}"));
        table.add_row([name.clone(), thousands(network.events), strongest]);
    }
    table
}

fn groups(lag: &[(&'static str, Vec<PartitionLag>)]) -> Table {
    let mut table = table(["listener", "partition", "end offset", "committed", "lag"]);
    for (listener, partitions) in lag {
        for at in partitions {
            let committed = at.committed.map_or_else(|| "-".to_owned(), |offset| offset.to_string());
            table.add_row([
                (*listener).to_owned(),
                format!("{}-{}", at.topic, at.partition),
                at.end_offset.to_string(),
                committed,
                at.lag().to_string(),
            ]);
        }
    }
    table
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY).set_header(header);
    table
}

/// 1707 as "1,707".
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
