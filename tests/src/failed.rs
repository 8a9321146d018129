//! [`Failed`]: the error of handlers that fail on purpose.

/// The error of handlers that fail on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it failed on purpose")
    }
}

impl std::error::Error for Failed {}
