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
