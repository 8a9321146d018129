//! Memory of its own for a large batch, all of which the system brings in at once: that takes it a third less than page by
//! page, as each is first written to.

use bytes::Bytes;
use memmap2::MmapOptions;

/// From this length on. Small topics must not pay for it: whole pages are taken, by a call of the system.
pub(super) const LARGE: usize = 256 << 10;

/// A copy of `bytes`, which `change` may change before it is shared.
pub(super) fn copy(bytes: &[u8], change: impl FnOnce(&mut [u8])) -> Bytes {
    match MmapOptions::new().len(bytes.len()).populate().map_anon() {
        Ok(mut memory) => {
            memory.copy_from_slice(bytes);
            change(&mut memory);
            Bytes::from_owner(memory)
        }
        // The system has no more areas of memory to give, or none on this platform.
        Err(_) => {
            let mut memory = bytes.to_vec();
            change(&mut memory);
            Bytes::from(memory)
        }
    }
}
