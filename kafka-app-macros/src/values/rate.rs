//! Rates: `"100/s"`, `"6000/m"`, `"5/250ms"`.

use std::time::Duration;

use super::{string, value};
use crate::{ctxt::Ctxt, options::Entry};

/// So many records in so much time, in the form the configuration has.
pub(crate) fn rate(entry: &Entry, cx: &Ctxt) -> Option<(u32, Duration)> {
    let value = value(entry, "\"100/s\"", cx)?;
    let rate = string(value).and_then(|literal| read(&literal.value()));
    match rate {
        Some((0, _) | (_, Duration::ZERO)) => cx.error(value, format!("`{}` must be more than 0", entry.name)),
        Some(rate) => return Some(rate),
        None => {
            cx.error(value, format!("`{}` takes records in a time: \"100/s\", \"6000/m\" or \"5/250ms\"", entry.name))
        }
    }
    None
}

fn read(text: &str) -> Option<(u32, Duration)> {
    let (records, per) = text.split_once('/')?;
    let per = per.trim();
    let per = if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
    Some((records.trim().parse().ok()?, humantime::parse_duration(&per).ok()?))
}
