//! How much one answer may tell. A request of few bytes can name the same large thing again and again; Kafka answers each
//! time.

use crate::error::ErrorCode;

/// Far more than any client asks for at once, and what a broker can spare for each connection.
const MOST_BYTES: usize = 64 << 20;

/// What an element takes, as it is told and as it is sent, besides texts and bytes of its own.
const ELEMENT: usize = 256;

/// What is left for an answer.
#[derive(Debug)]
pub(super) struct Room {
    bytes: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { bytes: MOST_BYTES }
    }

    /// Whether more may be told. What is begun is told to its end, so whatever is asked for alone is told.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when as much was told as there was room for.
    pub(super) fn check(&self) -> Result<(), ErrorCode> {
        if self.bytes == 0 { Err(ErrorCode::InvalidRequest) } else { Ok(()) }
    }

    /// So many elements are told, with so many bytes in them.
    pub(super) fn take(&mut self, elements: usize, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(elements.saturating_mul(ELEMENT)).saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_begun_is_told_to_its_end_and_nothing_after_it() {
        let mut room = Room::new();
        room.take(1, MOST_BYTES - 2 * ELEMENT);
        assert_eq!(room.check(), Ok(()));
        room.take(usize::MAX, usize::MAX);
        assert_eq!(room.check(), Err(ErrorCode::InvalidRequest));
    }
}
