//! A buffer that does not give out counts which its own bytes cannot hold, or which are too large.
//!
//! A count is read as a length is, and what it is shows only when the next read comes: the inside of a text or of bytes is
//! asked for as a whole, an element is not. By then the codec has reserved room for the elements. So a large one is shown
//! small ([`Shown`]), and if the whole of so many bytes is asked for, it was a length, and the true bytes are given.
//!
//! - A compact count or length is an unsigned varint, and so is nothing else but a tag number: if what comes next is no
//!   whole, it is refused.
//! - A count of the older encoding is an `i32`, and so are fields such as timeouts. [`Pass::Measure`] learns which ones are
//!   lengths. Others that are large may be counts or fields; [`Pass::Probe`] reads each as -2, which an array refuses and
//!   a field does not care about. If that goes well they all are fields, and [`Pass::True`] reads what they are.
//!   Those that are larger than what remains are no lengths, so the first pass reads them as -2 already.

use std::ops::Range;

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::protocol::buf::{ByteBuf, NotEnoughBytesError};

use super::{MAX_STRUCTURE_LEN, MOST_ELEMENTS};

/// What a large `i32` is shown as.
const SHORT: usize = 1 << 14;
/// The bits of a long varint's third byte that are shown, so that it is never null.
const THIRD: u8 = 1;

#[derive(Debug)]
pub(super) enum Pass {
    Measure,
    /// Where the large lengths are is known.
    Probe(Vec<usize>),
    True,
}

/// A number that was shown smaller than it is.
#[derive(Debug, Clone, Copy)]
struct Shown {
    shown: usize,
    value: usize,
    /// How many bytes remained behind it, if it may be a field.
    at: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Guarded {
    bytes: Bytes,
    pass: Pass,
    /// An `i32` was not read as it is, so what was decoded is not what was sent.
    doubted: bool,
    /// Some of these may be counts.
    shortened: bool,
    lengths: Vec<usize>,
    shown: Option<Shown>,
    structure_len: usize,
    refused: Option<&'static str>,
    /// The last bytes that were read one by one and could be the beginning of a varint.
    run: [u8; 4],
    run_len: usize,
}

impl Guarded {
    pub(super) fn new(bytes: Bytes, pass: Pass) -> Self {
        Self {
            bytes,
            pass,
            doubted: false,
            shortened: false,
            lengths: Vec::new(),
            shown: None,
            structure_len: 0,
            refused: None,
            run: [0; 4],
            run_len: 0,
        }
    }

    /// Whether what was decoded is not what was sent.
    pub(super) fn has_doubts(&self) -> bool {
        self.doubted
    }

    /// Where the large lengths are, if there is anything large that is none.
    pub(super) fn shortened(self) -> Option<Vec<usize>> {
        self.shortened.then_some(self.lengths)
    }

    /// Nothing more is read. Returns why it is refused, if it is.
    pub(super) fn finish(&mut self) -> Option<&'static str> {
        self.settle();
        self.refused
    }

    fn refuse(&mut self, why: &'static str) {
        self.refused.get_or_insert(why);
        self.bytes.clear();
    }

    /// What was shown smaller was no length.
    fn settle(&mut self) {
        match self.shown.take() {
            Some(Shown { at: Some(_), .. }) => (self.doubted, self.shortened) = (true, true),
            Some(Shown { at: None, .. }) => self.refuse("an array is too long"),
            None => {}
        }
    }

    /// Counts bytes that are not the inside of anything.
    fn count(&mut self, len: usize) {
        self.structure_len = self.structure_len.saturating_add(len);
        if self.structure_len > MAX_STRUCTURE_LEN {
            self.refuse("it has too many elements");
        }
    }

    /// What the varint says that ends in `last`, if it began at this byte of the run.
    fn varint(&self, start: usize, last: u8) -> usize {
        let bytes = self.run[start..self.run_len].iter().chain(std::iter::once(&last));
        let value = bytes.zip([0_u32, 7, 14, 21, 28]).fold(0_u32, |value, (byte, shift)| {
            // As the codec does: what does not fit into 32 bits is lost.
            value | u32::from(byte & 0x7f).wrapping_shl(shift)
        });
        usize::try_from(value).unwrap_or(usize::MAX)
    }

    /// The most that a varint says that ends in `last`. Where it began is not known (a boolean is read one byte at a time
    /// as well), so every beginning counts; a later beginning only makes an honest value smaller.
    fn largest_varint(&self, last: u8) -> usize {
        (0..=self.run_len).map(|start| self.varint(start, last)).max().unwrap_or(0)
    }

    /// The last byte of a varint as it is shown.
    fn end_of_varint(&mut self, last: u8) -> Result<u8, TryGetError> {
        let largest = self.largest_varint(last);
        // A count is sent plus one.
        let is_too_much = largest > self.bytes.remaining().saturating_add(1);
        let is_long = largest > MOST_ELEMENTS + 1;
        let value = self.varint(0, last);
        if is_too_much || (self.run_len > 2 || is_long) && value <= MOST_ELEMENTS + 1 {
            return Err(self.short(usize::MAX));
        }
        if !is_long {
            return Ok(last);
        }
        let end = if self.run_len == 2 { THIRD } else { 0 };
        let front = usize::from(self.run[0] & 0x7f) | usize::from(self.run[1] & 0x7f) << 7;
        let shown = front | usize::from(THIRD) << 14;
        self.shown = Some(Shown { shown: shown - 1, value: value - 1, at: None });
        Ok(end)
    }

    /// Notes a byte that another one follows, and returns it as it is shown.
    fn middle_of_varint(&mut self, byte: u8) -> u8 {
        let shown = match self.run_len {
            0 | 1 => byte,
            2 => 0x80 | THIRD,
            _ => 0x80,
        };
        if self.run_len == self.run.len() {
            self.run.copy_within(1.., 0);
            self.run_len -= 1;
        }
        self.run[self.run_len] = byte;
        self.run_len += 1;
        shown
    }

    fn short(&self, requested: usize) -> TryGetError {
        TryGetError { requested, available: self.bytes.remaining() }
    }
}

impl Buf for Guarded {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, cnt: usize) {
        self.run_len = 0;
        self.bytes.advance(cnt);
        self.settle();
        self.count(cnt);
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        self.settle();
        self.count(1);
        let byte = self.bytes.try_get_u8()?;
        // A varint can only end here if the byte says so, or if it is the fifth.
        if byte < 0x80 || self.run_len == self.run.len() {
            let shown = self.end_of_varint(byte);
            self.run_len = 0;
            return shown;
        }
        Ok(self.middle_of_varint(byte))
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        self.run_len = 0;
        self.settle();
        self.count(4);
        let read = self.bytes.try_get_i32()?;
        let Some(value) = usize::try_from(read).ok().filter(|value| *value > MOST_ELEMENTS.min(self.bytes.remaining()))
        else {
            return Ok(read);
        };
        let remaining = self.bytes.remaining();
        match &self.pass {
            Pass::True => Ok(read),
            Pass::Probe(lengths) if value <= remaining && lengths.contains(&remaining) => Ok(read),
            Pass::Measure if value <= remaining => {
                self.shown = Some(Shown { shown: SHORT, value, at: Some(remaining) });
                Ok(i32::try_from(SHORT).unwrap_or_default())
            }
            Pass::Measure | Pass::Probe(_) => {
                self.doubted = true;
                Ok(-2)
            }
        }
    }
}

impl ByteBuf for Guarded {
    fn peek_bytes(&mut self, r: Range<usize>) -> Bytes {
        self.bytes.slice(r)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.try_get_bytes(size).unwrap_or_default()
    }

    fn try_get_bytes(&mut self, size: usize) -> Result<Bytes, NotEnoughBytesError> {
        self.run_len = 0;
        let whole = match self.shown {
            Some(length) if length.shown == size => {
                self.shown = None;
                self.lengths.extend(length.at);
                length.value
            }
            _ => {
                self.settle();
                size
            }
        };
        if self.bytes.remaining() < whole {
            return Err(NotEnoughBytesError);
        }
        Ok(self.bytes.split_to(whole))
    }
}
