//! How an error of the cluster becomes the code and text of an answer.

use std::collections::HashMap;
use std::hash::Hash;

use crate::error::{Error, ErrorCode};
use crate::protocol::StrBytes;

/// The code of an error, and its text if it has one of its own.
pub(super) fn failure(error: &Error) -> (i16, Option<StrBytes>) {
    let code = error.code().unwrap_or(ErrorCode::UnknownServerError).code();
    let text = (!error.message().is_empty()).then(|| StrBytes::from_string(error.message().to_owned()));
    (code, text)
}

/// The code and text of an outcome; success has no text.
pub(super) fn outcome<T>(result: &Result<T, Error>) -> (i16, Option<StrBytes>) {
    result.as_ref().err().map_or((ErrorCode::None.code(), None), failure)
}

pub(super) fn invalid_request(why: impl Into<String>) -> Error {
    Error::with_code(ErrorCode::InvalidRequest, why)
}

/// How often each key is there.
pub(super) fn count<K: Hash + Eq>(keys: impl IntoIterator<Item = K>) -> HashMap<K, usize> {
    let mut counts = HashMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}
