//! [`Wanted`]: the schemas that a delivery found missing.

use parking_lot::Mutex;

/// The ids of schemas that were not known when records were decoded: the runner asks for them, and delivers again. Touched by
/// records that miss a schema alone.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Mutex<Vec<u32>>);

impl Wanted {
    /// Notes a schema that is missing.
    pub(crate) fn note(&self, id: u32) {
        let mut ids = self.0.lock();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> Vec<u32> {
        std::mem::take(&mut self.0.lock())
    }
}
