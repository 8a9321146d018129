//! [`KeyState`]: what a handler keeps for each key.

use std::{
    any::type_name,
    error::Error as StdError,
    fmt,
    future::Future,
    ops::{Deref, DerefMut},
    sync::Arc,
    thread,
};

use super::{FromRecord, payload::rejected};
use crate::{
    handler::{Declaration, RecordContext, Rejection},
    listener::{KeyStates, Left, Origin},
};

/// A value for each key, which a handler has to itself: `&mut`, without a lock of its own.
///
/// Records of one key are handled one after the other, so nobody else has its value meanwhile. It is there as long as its
/// partition is this consumer's: the first record of a key finds `S::default()` ([`KeyState::is_new`] says so, to load what
/// was kept elsewhere), and when the partition is given back, or the listener stops, each value goes through
/// [`KeyedState::flush`] before anyone else gets the partition. One that is lost, since the group had given us up, is
/// dropped: somebody else may have its keys by then. A process that is killed flushes nothing, and offsets are committed
/// meanwhile: what must not be lost is written by the handler itself, and this is its cache.
///
/// A new value is kept from the first call on that has changed it, through `&mut`, and has succeeded. Of one that has
/// failed nothing is kept, so that the next delivery finds it new again, and loads it if the first could not; nor is
/// one flushed that nobody has changed. A value that is kept is left as it was changed by a handler that returns an
/// error or is cut off by its timeout; one that panics loses it, so that nobody meets half a change. What is not
/// flushed when a handler has held its partition for longer than a revoke waits is dropped, and the log says how many
/// values that were. Every key stays until [`KeyState::forget`]: topics with ever new keys need it.
///
/// It goes with ordering `key` and `partition`. With `none`, exactly-once (what an aborted transaction had changed would
/// stay) and retry topics (which are other partitions) the start fails. A record without a key is rejected.
///
/// ```
/// use kafka_app::{Key, KeyState, KeyedState};
///
/// #[derive(Default)]
/// struct Total(i64);
///
/// impl KeyedState for Total {}
///
/// async fn add(Key(account): Key<String>, amount: i64, mut total: KeyState<'_, Total>) {
///     total.0 += amount;
///     println!("{account}: {}", total.0);
/// }
/// ```
pub struct KeyState<'r, S: KeyedState> {
    /// `None` once it is forgotten.
    state: Option<Box<S>>,
    is_new: bool,
    is_changed: bool,
    key: &'r [u8],
    offset: i64,
    states: &'r KeyStates,
}

/// What can be kept for a key; see [`KeyState`].
pub trait KeyedState: Default + Send + 'static {
    /// Called once before the partition of the key is given back, when no handler has the value any more; the time is that
    /// of handlers which still run (`kafka.listener.shutdown-timeout`). By itself it does nothing.
    ///
    /// # Errors
    /// The value is lost; the log says so, and the others are flushed all the same.
    fn flush(self, scope: KeyScope<'_>) -> impl Future<Output = Result<(), Box<dyn StdError + Send + Sync>>> + Send {
        let _ = scope;
        async { Ok(()) }
    }
}

/// What a value belongs to that is flushed.
#[derive(Clone, Copy)]
pub struct KeyScope<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) origin: &'a Origin,
}

impl<'a> KeyScope<'a> {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        self.key
    }

    /// The topic that its records come from.
    #[must_use]
    pub fn topic(&self) -> &'a Arc<str> {
        &self.origin.topic
    }

    /// The partition, from 0.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.origin.partition
    }

    /// The listener's id.
    #[must_use]
    pub fn listener_id(&self) -> &'a str {
        &self.origin.listener_id
    }

    /// Application state of type `T`, as given to `KafkaApp::state`.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.origin.states.get()
    }
}

impl fmt::Debug for KeyScope<'_> {
    /// Without the key: it does not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyScope")
            .field("listener_id", &self.origin.listener_id)
            .field("topic", &self.origin.topic)
            .field("partition", &self.origin.partition)
            .finish_non_exhaustive()
    }
}

impl<S: KeyedState> KeyState<'_, S> {
    /// Whether nothing is kept for the key: it is the first record of it, no call before has changed the value and
    /// succeeded, or it was forgotten. A value that is kept elsewhere is to be loaded then.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Keeps nothing more for the key; the next record of it finds a new value.
    pub fn forget(mut self) {
        self.state = None;
    }
}

impl<S: KeyedState> Deref for KeyState<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        match &self.state {
            Some(state) => state,
            None => unreachable!("`forget` takes the whole of it"),
        }
    }
}

impl<S: KeyedState> DerefMut for KeyState<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        self.is_changed = true;
        match &mut self.state {
            Some(state) => state,
            None => unreachable!("`forget` takes the whole of it"),
        }
    }
}

impl<S: KeyedState> Drop for KeyState<'_, S> {
    fn drop(&mut self) {
        let left = match self.state.take().filter(|_| !thread::panicking()) {
            Some(state) if !self.is_new => Left::Kept(state),
            Some(state) if self.is_changed => Left::New(state, self.offset),
            Some(_) | None => Left::Nothing,
        };
        self.states.put_back(self.key, left);
    }
}

impl<S: KeyedState> fmt::Debug for KeyState<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyState")
            .field("type", &type_name::<S>())
            .field("is_new", &self.is_new)
            .finish_non_exhaustive()
    }
}

impl<'r, S: KeyedState> FromRecord<'r> for KeyState<'r, S> {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        let key = cx
            .record
            .key()
            .ok_or_else(|| rejected::<Self, _>("the record has no key, and without one there is no value"))?;
        let origin = || Origin {
            listener_id: cx.env.listener_id.clone(),
            topic: Arc::clone(cx.topic),
            partition: cx.partition,
            states: cx.env.states.clone(),
        };
        let offset = cx.record.offset();
        let kept = cx.key_states.take(key, offset, origin);
        let kept = kept.map_err(|_| rejected::<Self, _>("another call has the value of this key"))?;
        let (is_new, state) = (kept.is_none(), Some(kept.unwrap_or_default()));
        Ok(Self { state, is_new, is_changed: false, key, offset, states: cx.key_states })
    }

    fn declare(declaration: &mut Declaration) {
        declaration.keeps_state::<S>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestRecord;

    #[derive(Debug, Default)]
    struct Count(u32);

    impl KeyedState for Count {}

    #[test]
    fn each_key_has_a_value_of_its_own_which_is_kept() {
        let record = TestRecord::new("p").key("a");
        let mut count = record.extract::<KeyState<'_, Count>>().unwrap();
        assert!(count.is_new());
        count.0 += 1;
        drop(count);
        record.ended_well();
        let count = record.extract::<KeyState<'_, Count>>().unwrap();
        assert_eq!((count.0, count.is_new()), (1, false));
        count.forget();
        assert!(record.extract::<KeyState<'_, Count>>().unwrap().is_new());
    }

    #[test]
    fn a_value_that_nobody_has_changed_is_not_kept() {
        let record = TestRecord::new("p").key("a");
        for _ in 0..2 {
            assert!(record.extract::<KeyState<'_, Count>>().unwrap().is_new());
            record.ended_well();
        }
    }

    #[test]
    fn a_call_that_panics_loses_the_value() {
        let record = TestRecord::new("p").key("a");
        record.extract::<KeyState<'_, Count>>().unwrap().0 = 7;
        record.ended_well();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut count = record.extract::<KeyState<'_, Count>>().unwrap();
            count.0 = 8;
            panic!("as told");
        }));
        panicked.unwrap_err();
        assert_eq!(record.extract::<KeyState<'_, Count>>().unwrap().0, 0);
    }

    #[test]
    fn a_record_without_a_key_has_none() {
        let error = TestRecord::new("p").extract::<KeyState<'_, Count>>().unwrap_err().to_string();
        assert!(error.contains("the record has no key"), "{error}");
    }
}
