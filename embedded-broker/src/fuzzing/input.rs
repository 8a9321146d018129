//! Cuts a target's bytes into what they stand for.

/// The bytes that are not used up.
#[derive(Debug)]
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i64::from_be_bytes(*first))
    }

    /// Bytes with their length in front; if it says too much, all there are.
    pub(super) fn piece(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(self.u16()?).min(self.0.len());
        let (piece, rest) = self.0.split_at(len);
        self.0 = rest;
        Some(piece)
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}
