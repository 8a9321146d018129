//! Durations: `"500ms"`, `"5s"`, `"1m 30s"`.

use std::time::Duration;

use syn::{Expr, ExprLit, Lit, Member};

use super::{string, value};
use crate::{ctxt::Ctxt, kafka_error::After, options::Entry};

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

/// A duration, or the name or number of a field that is one.
pub(crate) fn duration_or_field(entry: &Entry, cx: &Ctxt) -> Option<After> {
    match value(entry, "\"30s\"", cx)? {
        Expr::Path(path) => match path.path.get_ident() {
            Some(field) => return Some(After::Field(Member::Named(field.clone()))),
            None => cx.error(path, "a field is named by itself, as in `after = retry_after`"),
        },
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => match number.base10_parse() {
            Ok(index) if number.suffix().is_empty() => {
                return Some(After::Field(Member::Unnamed(syn::Index { index, span: number.span() })));
            }
            _ => {
                cx.error(number, "a field of a tuple is named by its number, as in `after = 0`; 30 seconds are \"30s\"")
            }
        },
        _ => return duration(entry, Duration::from_nanos(1), cx).map(After::Fixed),
    }
    None
}
