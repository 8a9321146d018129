//! Forms that arguments of several commands have.

/// `KEY=VALUE`, of which the value may be empty.
///
/// # Errors
/// It has no equals sign, or nothing before it.
pub(crate) fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("it must have the form KEY=VALUE".to_owned()),
    }
}
