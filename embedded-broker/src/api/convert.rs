//! Small conversions between wire types and ours that several requests share.

use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorCode;
use crate::protocol::StrBytes;

/// The error code of a result: 0 when there is no error.
pub(super) fn code<T>(result: &Result<T, ErrorCode>) -> i16 {
    result.as_ref().err().copied().unwrap_or(ErrorCode::None).code()
}

pub(super) fn to_wire(text: &Arc<str>) -> StrBytes {
    StrBytes::from_string(text.as_ref().to_owned())
}

pub(super) fn from_wire(text: &StrBytes) -> Arc<str> {
    text.as_str().into()
}

/// A time on the wire; a negative one is no time at all.
pub(super) fn millis(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// What may be done to a group, if that was asked for: everything, as there are no ACLs.
pub(super) fn group_operations(asked: bool) -> i32 {
    /// READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS, as bits.
    const ALL: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;
    if asked { ALL } else { i32::MIN }
}
