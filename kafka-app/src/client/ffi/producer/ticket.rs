//! [`Ticket`]: what librdkafka carries along with a record, in the room of one pointer.

use std::{ffi::c_void, ptr, sync::Arc};

use crate::client::Completion;

/// What librdkafka carries along with a record and gives back with its delivery report.
pub(crate) enum Ticket {
    /// Nobody waits: only a failure is reported.
    Forget,
    /// One awaited send.
    One(Arc<Completion>),
    /// A record of a batch.
    Batch(BatchTicket),
}

/// Which record of which batch: plain numbers, so that nothing dangles whatever becomes of either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchTicket {
    /// The batch's place in the producer's table.
    pub(crate) key: usize,
    /// The record's place in the batch, below [`MAX_BATCH`].
    pub(crate) index: usize,
}

/// Most records of a batch: its index takes ten bits of the ticket.
pub(crate) const MAX_BATCH: usize = 1 << INDEX_BITS;
const INDEX_BITS: u32 = 10;
/// Completions are aligned to more than two bytes, so an odd pointer is never one of them.
const BATCH_TAG: usize = 1;

impl Ticket {
    pub(super) fn into_opaque(self) -> *mut c_void {
        match self {
            Self::Forget => ptr::null_mut(),
            Self::One(completion) => Arc::into_raw(completion).cast_mut().cast(),
            Self::Batch(ticket) => ticket.to_opaque(),
        }
    }

    /// # Safety
    /// `opaque` comes from [`Ticket::into_opaque`] and is taken back once only.
    pub(super) unsafe fn from_opaque(opaque: *mut c_void) -> Self {
        if opaque.is_null() {
            return Self::Forget;
        }
        let bits = opaque.addr();
        if bits & BATCH_TAG != 0 {
            let bits = bits >> 1;
            return Self::Batch(BatchTicket { key: bits >> INDEX_BITS, index: bits & (MAX_BATCH - 1) });
        }
        // SAFETY: a non-null even opaque is a completion that into_opaque leaked; the caller takes it back once.
        Self::One(unsafe { Arc::from_raw(opaque.cast_const().cast()) })
    }
}

impl BatchTicket {
    pub(super) fn to_opaque(self) -> *mut c_void {
        ptr::without_provenance_mut((((self.key << INDEX_BITS) | self.index) << 1) | BATCH_TAG)
    }
}
