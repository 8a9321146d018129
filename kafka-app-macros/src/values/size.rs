//! Sizes: `"1MiB"`, `"64KB"`, or a bare number of bytes.

use syn::{Expr, ExprLit, Lit};

use super::{string, value};
use crate::{ctxt::Ctxt, options::Entry};

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
            format!(
                "`{}` takes a size, as in \"64KiB\", \"1MiB\" or a number of bytes; units are B, KiB, MiB, GiB",
                entry.name
            ),
        ),
    }
    None
}

/// As `kafka_app`'s configuration reads it: as in Spring, `KB` is 1024 bytes, like `KiB`.
fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(parse("1MiB"), Some(1_048_576));
        assert_eq!(parse("2 KB"), Some(2048));
        assert_eq!(parse("512"), Some(512));
    }

    #[test]
    fn what_is_no_size_or_too_large_is_refused() {
        for text in ["", "MiB", "1.5MiB", "-1", "1 apple", "99999999999GiB"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
