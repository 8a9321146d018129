//! Durations: `"500ms"`, `"5s"`, `"1m 30s"`.

use std::time::Duration;

use syn::{Expr, ExprLit, Lit};

use super::{string, value};
use crate::{ctxt::Ctxt, options::Entry};

/// A duration in the form the configuration has; `least` is the shortest that makes sense.
pub(crate) fn duration(entry: &Entry, least: Duration, cx: &Ctxt) -> Option<Duration> {
    let value = value(entry, "\"500ms\"", cx)?;
    let Some(literal) = string(value) else {
        let bare = match value {
            Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) => format!("; {literal} seconds are \"{literal}s\""),
            _ => String::new(),
        };
        cx.error(value, format!("`{}` takes a duration with its unit, as in \"500ms\" or \"5s\"{bare}", entry.name));
        return None;
    };
    match humantime::parse_duration(&literal.value()) {
        Ok(duration) if duration >= least => Some(duration),
        Ok(_) => {
            cx.error(literal, format!("`{}` must be longer than 0", entry.name));
            None
        }
        Err(error) => {
            let message = format!("`{}` is no duration, as \"500ms\" or \"5s\" are: {error}", entry.name);
            cx.error(literal, message);
            None
        }
    }
}
