//! How much of a log its followers have: what is behind that may be cut off again, and nothing is decided by it.

/// What is known of followers. Without any, everything is safe as soon as it is there.
#[derive(Debug)]
pub(super) struct Replicated {
    /// The high watermark.
    until: i64,
    /// Transactions that have ended by a marker behind it: where each began, and its marker.
    ended: Vec<(i64, i64)>,
}

impl Default for Replicated {
    fn default() -> Self {
        Self { until: i64::MAX, ended: Vec::new() }
    }
}

impl Replicated {
    pub(super) fn until(&self) -> i64 {
        self.until
    }

    pub(super) fn set_until(&mut self, until: i64) {
        self.until = until;
        self.ended.retain(|(_, marker)| *marker >= until);
    }

    /// A transaction that began there has ended by a marker at this offset.
    pub(super) fn ended(&mut self, began: i64, marker: i64) {
        if marker >= self.until {
            self.ended.push((began, marker));
        }
    }

    /// Forgets the markers, which will be told again as far as they are left.
    pub(super) fn forget(&mut self) {
        self.ended.clear();
    }

    /// As much of what is decided before `stable` as cannot be cut off again.
    pub(super) fn bound(&self, stable: i64) -> i64 {
        self.ended.iter().map(|(began, _)| *began).fold(stable.min(self.until), i64::min)
    }
}
