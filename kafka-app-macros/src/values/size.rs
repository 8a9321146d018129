//! Sizes: `"1MiB"`, `"64kB"`, or a bare number of bytes.

use syn::{Expr, ExprLit, Lit};

use super::{string, value};
use crate::{ctxt::Ctxt, options::Entry};

/// Units by powers of 1024 and of 1000.
const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1000),
    ("KB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

/// A number of bytes from 1.
pub(crate) fn size(entry: &Entry, cx: &Ctxt) -> Option<u64> {
    let value = value(entry, "\"1MiB\"", cx)?;
    let bytes = match value {
        Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) => literal.base10_parse().ok(),
        value => string(value).and_then(|literal| parse(&literal.value())),
    };
    match bytes {
        Some(0) => cx.error(value, format!("`{}` must be at least 1 byte", entry.name)),
        Some(bytes) => return Some(bytes),
        None => cx.error(
            value,
            format!("`{}` takes a size, as in \"64KiB\", \"1MiB\" or a number of bytes; units are B, kB, KiB, MB, MiB, GB, GiB", entry.name),
        ),
    }
    None
}

fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit || unit.is_empty() && *name == "B")?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_have_units_of_1000_and_of_1024() {
        assert_eq!(parse("1MiB"), Some(1_048_576));
        assert_eq!(parse("2 kB"), Some(2000));
        assert_eq!(parse("512"), Some(512));
    }

    #[test]
    fn what_is_no_size_or_too_large_is_refused() {
        for text in ["", "MiB", "1.5MiB", "-1", "1 apple", "99999999999GiB"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
