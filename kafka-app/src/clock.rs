//! The time of day, which records carry from process to process; whatever only measures takes tokio's or the standard
//! library's instants.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since 1970 UTC. Pure code is given it.
#[expect(clippy::disallowed_methods, reason = "this is the clock that the rest reads")]
pub(crate) fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
