//! [`KeyStates`]: what handlers keep per key of an assigned partition, and its way out.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    future::Future,
    mem,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::{dispatch::guarded, mailbox::Mailbox};
use crate::{
    extract::{KeyScope, KeyedState},
    handler::States,
};

/// States by key of one partition, as long as it is assigned: a seek or another delivery finds them again.
///
/// A state is taken out for a call and put back behind it, so that the lock is held for a look into a map only; lanes keep
/// the calls of one key apart. One that is new to its call is kept when the call has succeeded: what a handler that failed
/// had made of it may be half of what it was to load.
#[derive(Default)]
pub(crate) struct KeyStates {
    inner: Mutex<Inner>,
    /// How many wait for [`KeyStates::decide`]; changed under the lock, and looked at behind each call without it.
    n_undecided: AtomicUsize,
}

#[derive(Default)]
struct Inner {
    /// One for each type; a handler has one or two.
    stores: Vec<(TypeId, Box<dyn AnyStore>)>,
    /// They are on their way out.
    is_flushing: bool,
    /// Their partition is not ours any more.
    is_given_up: bool,
}

/// Where states are kept, and with what: what they are told when they go.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) listener_id: String,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) states: States,
}

/// States of one type.
struct Store<S> {
    by_key: HashMap<Box<[u8]>, Place<S>>,
    origin: Origin,
}

/// Where the state of a key is.
enum Place<S> {
    /// A call has it.
    Taken,
    Kept(Box<S>),
    /// It was new to the call of the record at this offset, which has changed it; nobody has said yet how that ended.
    Undecided(Box<S>, i64),
}

/// What a call leaves of the state it had.
#[derive(Debug)]
pub(crate) enum Left<S> {
    /// Nothing is kept for the key.
    Nothing,
    Kept(Box<S>),
    /// It was new to the call, which was of the record at this offset.
    New(Box<S>, i64),
}

trait AnyStore: Any + Send {
    fn len(&self) -> usize;
    /// Keeps the undecided state of a key, or not. Whether it had one.
    fn decide(&mut self, key: &[u8], is_kept: bool) -> bool;
    /// Keeps no undecided state.
    fn forget_undecided(&mut self);
    /// Says that these are lost.
    fn lose(&self);
    /// Has every state leave, one after the other, as long as the partition is ours.
    fn flush(self: Box<Self>, owner: Arc<KeyStates>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The state is with a call already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IsTaken;

impl KeyStates {
    /// Takes the state of a key out, for a call of the record at this offset; `None` is a key that has none yet, whose
    /// state is to be put back all the same.
    pub(crate) fn take<S: KeyedState>(
        &self,
        key: &[u8],
        offset: i64,
        origin: impl FnOnce() -> Origin,
    ) -> Result<Option<Box<S>>, IsTaken> {
        let mut inner = self.inner.lock();
        let by_key = &mut inner.store::<S>(origin).by_key;
        let Some(place) = by_key.get_mut(key) else {
            by_key.insert(key.into(), Place::Taken);
            return Ok(None);
        };
        match mem::replace(place, Place::Taken) {
            Place::Taken => Err(IsTaken),
            Place::Kept(state) => Ok(Some(state)),
            Place::Undecided(state, of) => {
                self.n_undecided.fetch_sub(1, Ordering::Relaxed);
                // A layer that calls its handler again does so since that failed.
                Ok((of != offset).then_some(state))
            }
        }
    }

    /// Puts it back, or forgets the key. What comes back when its partition has gone is dropped.
    pub(crate) fn put_back<S: KeyedState>(&self, key: &[u8], left: Left<S>) {
        let mut inner = self.inner.lock();
        let Some(by_key) = inner.find::<S>().map(|store| &mut store.by_key) else { return };
        let Some(place) = by_key.get_mut(key) else { return };
        match left {
            Left::Nothing => {
                by_key.remove(key);
            }
            Left::Kept(state) => *place = Place::Kept(state),
            Left::New(state, offset) => {
                *place = Place::Undecided(state, offset);
                self.n_undecided.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Whether [`KeyStates::decide`] is to be told how a call has ended.
    #[inline]
    pub(crate) fn is_any_undecided(&self) -> bool {
        self.n_undecided.load(Ordering::Relaxed) > 0
    }

    /// The call that put the states of this key back has ended: what was new to it is kept, or not.
    pub(crate) fn decide(&self, key: &[u8], is_kept: bool) {
        let mut inner = self.inner.lock();
        let n_decided =
            inner.stores.iter_mut().filter_map(|(_, store)| store.decide(key, is_kept).then_some(())).count();
        self.n_undecided.fetch_sub(n_decided, Ordering::Relaxed);
    }

    /// Nothing runs, and calls that were cut off say no more how they ended.
    pub(crate) fn forget_undecided(&self) {
        let mut inner = self.inner.lock();
        inner.stores.iter_mut().for_each(|(_, store)| store.forget_undecided());
        self.n_undecided.store(0, Ordering::Relaxed);
    }

    /// Whether any has not left yet.
    pub(crate) fn is_unflushed(&self) -> bool {
        let inner = self.inner.lock();
        inner.is_flushing || inner.n_states() > 0
    }

    /// Has all of them leave, unless they do already; `mailbox` is woken behind the last.
    pub(crate) fn flush(self: &Arc<Self>, runtime: &Handle, mailbox: &Arc<Mailbox>) {
        self.forget_undecided();
        let mut inner = self.inner.lock();
        if inner.is_flushing || inner.n_states() == 0 {
            return;
        }
        inner.is_flushing = true;
        let stores = mem::take(&mut inner.stores);
        drop(inner);
        let flushing = Flushing { states: Arc::clone(self), mailbox: Arc::clone(mailbox) };
        runtime.spawn(async move {
            for (_, store) in stores {
                store.flush(Arc::clone(&flushing.states)).await;
            }
            drop(flushing);
        });
    }

    /// Their partition is not ours any more: what has not left by now never does, since somebody else may have changed what
    /// it would write.
    pub(crate) fn give_up(&self) {
        self.forget_undecided();
        let mut inner = self.inner.lock();
        inner.is_given_up = true;
        let stores = mem::take(&mut inner.stores);
        drop(inner);
        stores.iter().for_each(|(_, store)| store.lose());
    }

    fn is_given_up(&self) -> bool {
        self.inner.lock().is_given_up
    }
}

impl Inner {
    fn n_states(&self) -> usize {
        self.stores.iter().map(|(_, store)| store.len()).sum()
    }

    fn find<S: KeyedState>(&mut self) -> Option<&mut Store<S>> {
        let (_, store) = self.stores.iter_mut().find(|(id, _)| *id == TypeId::of::<S>())?;
        (&mut **store as &mut dyn Any).downcast_mut()
    }

    fn store<S: KeyedState>(&mut self, origin: impl FnOnce() -> Origin) -> &mut Store<S> {
        if self.find::<S>().is_none() {
            let store = Store::<S> { by_key: HashMap::new(), origin: origin() };
            self.stores.push((TypeId::of::<S>(), Box::new(store)));
        }
        match self.find() {
            Some(store) => store,
            None => unreachable!("there is one for this type by now"),
        }
    }
}

impl Origin {
    fn say_lost(&self, n_lost: usize) {
        if n_lost > 0 {
            tracing::warn!(
                listener = self.listener_id,
                topic = &*self.topic,
                partition = self.partition,
                n_lost,
                "values of keys are dropped unflushed: their partition is not ours any more"
            );
        }
    }
}

impl<S: KeyedState> AnyStore for Store<S> {
    fn len(&self) -> usize {
        self.by_key.len()
    }

    fn decide(&mut self, key: &[u8], is_kept: bool) -> bool {
        let Some(place) = self.by_key.get_mut(key) else { return false };
        match mem::replace(place, Place::Taken) {
            Place::Undecided(state, _) => {
                if is_kept {
                    *place = Place::Kept(state);
                } else {
                    self.by_key.remove(key);
                }
                true
            }
            other => {
                *place = other;
                false
            }
        }
    }

    fn forget_undecided(&mut self) {
        self.by_key.retain(|_, place| !matches!(place, Place::Undecided(..)));
    }

    fn lose(&self) {
        self.origin.say_lost(self.by_key.len());
    }

    fn flush(self: Box<Self>, owner: Arc<KeyStates>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let Self { by_key, origin } = *self;
            let mut states = by_key.into_iter().filter_map(|(key, place)| match place {
                Place::Kept(state) => Some((key, state)),
                Place::Taken | Place::Undecided(..) => None,
            });
            while let Some((key, state)) = states.next() {
                if owner.is_given_up() {
                    return origin.say_lost(1 + states.count());
                }
                // Within the guard also what it does before its future is polled.
                let flush = pin!(async { state.flush(KeyScope { key: &key, origin: &origin }).await });
                let flushed = guarded(None, flush).await;
                let error = match flushed {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => error.to_string(),
                    Err(panicked) => panicked.error.to_string(),
                };
                tracing::error!(
                    listener = origin.listener_id,
                    topic = &*origin.topic,
                    partition = origin.partition,
                    error,
                    "the state of a key could not be flushed and is lost"
                );
            }
        })
    }
}

/// The states of a partition that is ours: when it is not any more, they are given up.
pub(crate) struct OwnedKeyStates(pub(crate) Arc<KeyStates>);

impl Drop for OwnedKeyStates {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

/// States on their way out; dropped when they have gone, or with the runtime.
struct Flushing {
    states: Arc<KeyStates>,
    mailbox: Arc<Mailbox>,
}

impl Drop for Flushing {
    fn drop(&mut self) {
        self.states.inner.lock().is_flushing = false;
        self.mailbox.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;

    use tokio::sync::Notify;

    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Total(i64);

    type Journal = StdMutex<Vec<String>>;

    impl KeyedState for Total {
        async fn flush(self, scope: KeyScope<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            assert_ne!(self.0, 13, "as told");
            if self.0 < 0 {
                return Err("as told".into());
            }
            if self.0 == 7 {
                scope.state::<Notify>().expect("given").notified().await;
            }
            let key = String::from_utf8_lossy(scope.key());
            let line = format!("{}-{} {key} {}", scope.topic(), scope.partition(), self.0);
            scope.state::<Journal>().expect("given").lock().unwrap().push(line);
            Ok(())
        }
    }

    fn origin(journal: &Arc<Journal>) -> Origin {
        let mut states = States::default();
        states.insert(Arc::clone(journal));
        states.insert(Arc::new(Notify::new()));
        Origin { listener_id: "l".to_owned(), topic: "t".into(), partition: 3, states }
    }

    fn put(states: &KeyStates, key: &[u8], total: i64, journal: &Arc<Journal>) {
        assert_eq!(take(states, key, journal), Ok(None));
        states.put_back(key, Left::Kept(Box::new(Total(total))));
    }

    fn take(states: &KeyStates, key: &[u8], journal: &Arc<Journal>) -> Result<Option<Box<Total>>, IsTaken> {
        states.take(key, 0, || origin(journal))
    }

    #[test]
    fn a_state_is_with_one_call_at_a_time_and_found_again() {
        let (states, journal) = (KeyStates::default(), Arc::default());
        put(&states, b"a", 1, &journal);
        assert_eq!(take(&states, b"a", &journal), Ok(Some(Box::new(Total(1)))));
        assert_eq!(take(&states, b"a", &journal), Err(IsTaken));
        states.put_back(b"a", Left::Kept(Box::new(Total(2))));
        assert_eq!(take(&states, b"a", &journal), Ok(Some(Box::new(Total(2)))));
        states.put_back(b"a", Left::<Total>::Nothing);
        assert_eq!(take(&states, b"a", &journal), Ok(None), "it was forgotten");
    }

    #[test]
    fn a_state_that_is_new_to_its_call_is_kept_when_that_has_succeeded() {
        let (states, journal) = (KeyStates::default(), Arc::default());
        for (is_kept, found) in [(false, None), (true, Some(Box::new(Total(1))))] {
            assert_eq!(take(&states, b"a", &journal), Ok(None));
            states.put_back(b"a", Left::New(Box::new(Total(1)), 0));
            assert!(states.is_any_undecided());
            states.decide(b"b", !is_kept);
            states.decide(b"a", is_kept);
            states.decide(b"a", !is_kept);
            assert!(!states.is_any_undecided(), "and it is decided once");
            assert_eq!(take(&states, b"a", &journal), Ok(found));
            states.put_back(b"a", Left::<Total>::Nothing);
        }
    }

    #[test]
    fn a_second_call_of_a_record_begins_anew_and_another_record_goes_on() {
        let (states, journal) = (KeyStates::default(), Arc::default());
        assert_eq!(take(&states, b"a", &journal), Ok(None));
        states.put_back(b"a", Left::New(Box::new(Total(1)), 0));
        assert_eq!(take(&states, b"a", &journal), Ok(None), "as by a layer that calls its handler again");
        states.put_back(b"a", Left::New(Box::new(Total(1)), 0));
        assert_eq!(states.take(b"a", 1, || origin(&journal)), Ok(Some(Box::new(Total(1)))), "as in a batch");
        states.put_back(b"a", Left::Kept(Box::new(Total(2))));
        assert!(!states.is_any_undecided());
    }

    #[test]
    fn what_comes_back_after_its_partition_went_is_dropped() {
        let (states, journal) = (KeyStates::default(), Arc::default());
        put(&states, b"a", 1, &journal);
        let state = take(&states, b"a", &journal).unwrap().unwrap();
        states.give_up();
        states.put_back(b"a", Left::Kept(state));
        assert!(!states.is_unflushed());
    }

    #[tokio::test]
    async fn what_has_not_left_when_its_partition_goes_is_not_written_over_what_others_write() {
        let (states, journal, mailbox) = (Arc::new(KeyStates::default()), Arc::<Journal>::default(), Arc::default());
        let goes_on = Arc::new(Notify::new());
        let origin = || {
            let mut origin = origin(&journal);
            origin.states.insert(Arc::clone(&goes_on));
            origin
        };
        for key in [b"a", b"b", b"c"] {
            assert_eq!(states.take::<Total>(key, 0, origin), Ok(None));
            states.put_back(key, Left::Kept(Box::new(Total(7))));
        }
        let owned = OwnedKeyStates(Arc::clone(&states));
        states.flush(&Handle::current(), &mailbox);
        tokio::task::yield_now().await;
        drop(owned);
        goes_on.notify_one();
        while states.is_unflushed() {
            tokio::task::yield_now().await;
        }
        assert_eq!(journal.lock().unwrap().len(), 1, "the one that was under way");
    }

    #[tokio::test]
    async fn every_state_leaves_though_one_fails_and_one_panics() {
        let (states, journal, mailbox) = (Arc::new(KeyStates::default()), Arc::default(), Arc::default());
        for (key, total) in [(b"a", 1), (b"b", -1), (b"c", 13), (b"d", 4)] {
            put(&states, key, total, &journal);
        }
        assert_eq!(take(&states, b"e", &journal), Ok(None));
        states.put_back(b"e", Left::New(Box::new(Total(5)), 0)); // Its call was cut off.
        assert!(states.is_unflushed());
        states.flush(&Handle::current(), &mailbox);
        states.flush(&Handle::current(), &mailbox); // They are on their way.
        while states.is_unflushed() {
            tokio::task::yield_now().await;
        }
        let mut journal = journal.lock().unwrap();
        journal.sort();
        assert_eq!(*journal, ["t-3 a 1", "t-3 d 4"]);
    }
}
