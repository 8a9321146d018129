//! Shares: `"50%"` or `0.5`.

use syn::{Expr, ExprLit, Lit};

use super::{string, value};
use crate::{ctxt::Ctxt, options::Entry};

/// A share of less than the whole, in percent or as a number.
pub(crate) fn share(entry: &Entry, cx: &Ctxt) -> Option<f64> {
    let value = value(entry, "\"50%\"", cx)?;
    let share = match (string(value), value) {
        (Some(literal), _) => literal
            .value()
            .trim()
            .strip_suffix('%')
            .and_then(|text| text.trim_end().parse().ok())
            .map(|n: f64| n / 100.0),
        (None, Expr::Lit(ExprLit { lit: Lit::Float(number), .. })) => number.base10_parse().ok(),
        (None, Expr::Lit(ExprLit { lit: Lit::Int(number), .. })) => number.base10_parse().ok(),
        (None, _) => None,
    };
    let share = share.filter(|share| (0.0..1.0).contains(share));
    if share.is_none() {
        cx.error(value, format!("`{}` is a share of less than the whole, as in \"50%\" or 0.5", entry.name));
    }
    share
}
