//! The last requests, for tests that look at what clients have sent. Nothing is kept until a test asks for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::inspect::requests::RecordedRequest;
use crate::watches::Watches;

/// How many requests are kept; older ones are forgotten.
const KEPT: usize = 1 << 16;

/// Requests in the order they came, each with its number.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    is_on: AtomicBool,
    state: Mutex<State>,
    /// Who wants to know of every request.
    pub(crate) watches: Watches,
}

#[derive(Debug, Default)]
struct State {
    /// How many look at the requests; without any, none are kept.
    lookers: usize,
    /// The number of the first one that is kept.
    first: u64,
    kept: VecDeque<RecordedRequest>,
}

impl Recorder {
    /// Whether requests are kept: one relaxed load.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Keeps a request, and tells those who wait for one.
    pub(crate) fn record(&self, request: RecordedRequest) {
        let mut state = self.state.lock();
        if state.lookers == 0 {
            return;
        }
        if state.kept.len() == KEPT {
            state.kept.pop_front();
            state.first += 1;
        }
        state.kept.push_back(request);
        drop(state);
        self.watches.wake();
    }

    /// Begins to look; the number of the next request.
    pub(crate) fn begin(&self) -> u64 {
        let mut state = self.state.lock();
        state.lookers += 1;
        self.is_on.store(true, Ordering::Relaxed);
        state.next()
    }

    /// Looks no more. With the last one who looked, everything is forgotten.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock();
        state.lookers -= 1;
        if state.lookers == 0 {
            self.is_on.store(false, Ordering::Relaxed);
            state.first = state.next();
            state.kept = VecDeque::new();
        }
    }

    /// What is kept from this number on, and how many have been forgotten since.
    pub(crate) fn look<T>(
        &self,
        from: u64,
        look: impl FnOnce(&mut dyn Iterator<Item = &RecordedRequest>, u64) -> T,
    ) -> T {
        let state = self.state.lock();
        let forgotten = state.first.saturating_sub(from);
        let skipped = usize::try_from(from.saturating_sub(state.first)).unwrap_or(usize::MAX);
        look(&mut state.kept.iter().skip(skipped), forgotten)
    }
}

impl State {
    fn next(&self) -> u64 {
        self.first + self.kept.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fault::api_name::Api;

    fn request(version: i16) -> RecordedRequest {
        RecordedRequest {
            api: Api::Fetch,
            version,
            node_id: 1,
            client_id: Arc::from(""),
            listener: Arc::from("PLAINTEXT"),
            timestamp: 0,
        }
    }

    fn seen(recorder: &Recorder, from: u64) -> (Vec<i16>, u64) {
        recorder.look(from, |requests, forgotten| (requests.map(|request| request.version).collect(), forgotten))
    }

    #[test]
    fn who_looks_sees_what_came_since() {
        let recorder = Recorder::default();
        recorder.record(request(1));
        let first = recorder.begin();
        recorder.record(request(2));
        let second = recorder.begin();
        recorder.record(request(3));
        assert_eq!(seen(&recorder, first), (vec![2, 3], 0));
        assert_eq!(seen(&recorder, second), (vec![3], 0));
        recorder.end();
        assert!(recorder.is_on());
        recorder.end();
        assert!(!recorder.is_on());
        assert_eq!(seen(&recorder, recorder.begin()), (vec![], 0));
    }

    #[test]
    fn the_oldest_requests_are_forgotten_and_counted() {
        let recorder = Recorder::default();
        let from = recorder.begin();
        for _ in 0..KEPT + 3 {
            recorder.record(request(1));
        }
        let (kept, forgotten) = seen(&recorder, from);
        assert_eq!((kept.len(), forgotten), (KEPT, 3));
    }
}
