//! The tables of `kafka-transactions`.

use std::io::{self, Write};

/// Prints each cell as wide as the widest of its column, with a tab behind it, the last one's too.
pub(super) fn print<const N: usize>(head: [&str; N], rows: &[[String; N]], out: &mut impl Write) -> io::Result<()> {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut line = |cells: &[String; N]| {
        for (cell, width) in cells.iter().zip(widths) {
            write!(out, "{cell:<width$}\t")?;
        }
        writeln!(out)
    };
    line(&head.map(str::to_owned))?;
    rows.iter().try_for_each(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_as_wide_as_the_widest_of_their_column() {
        let mut out = Vec::new();
        let rows = [["tx-open", "1", "22", "Ongoing"].map(str::to_owned)];
        print(["TransactionalId", "Coordinator", "ProducerId", "TransactionState"], &rows, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "TransactionalId\tCoordinator\tProducerId\tTransactionState\t\n\
             tx-open        \t1          \t22        \tOngoing         \t\n"
        );
    }
}
