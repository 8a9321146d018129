//! [`Owned`]: what librdkafka made for us, given back once; and what it lends, such as the results of an answer.

use std::ptr::{self, NonNull};

use rdkafka::bindings as sys;

use super::{Outcome, call::Answer};
use crate::{
    admin::PerItem,
    error::{Error, ErrorKind, Result},
};

type Destroy<T> = unsafe extern "C" fn(*mut T);

/// An object of librdkafka's that is ours.
pub(super) struct Owned<T> {
    object: NonNull<T>,
    destroy: Destroy<T>,
}

impl<T> Owned<T> {
    /// Takes over an object; null is an error that names what could not be made.
    ///
    /// # Safety
    /// The object is ours unless null, and `destroy` is how it is given back.
    pub(super) unsafe fn new(object: *mut T, destroy: Destroy<T>, what: &str) -> Result<Self> {
        match NonNull::new(object) {
            Some(object) => Ok(Self { object, destroy }),
            None => Err(Error::new(ErrorKind::Config, format!("librdkafka takes no such {what}"))),
        }
    }

    pub(super) fn as_ptr(&self) -> *mut T {
        self.object.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: by the promise to `new` it is ours and this is how it goes; calls have copied it.
        unsafe { (self.destroy)(self.object.as_ptr()) }
    }
}

/// As the calls take many of them.
pub(super) fn pointers<T>(objects: &[Owned<T>]) -> Vec<*mut T> {
    objects.iter().map(Owned::as_ptr).collect()
}

/// The entries of an array that an object lends; a place that was left empty is left out.
///
/// # Safety
/// `array` is a function of librdkafka that lends an array of the object, which is alive and outlives the entries.
pub(super) unsafe fn lent<O, T>(
    object: *const O,
    array: unsafe extern "C" fn(*const O, *mut usize) -> *mut *const T,
) -> Vec<*const T> {
    if object.is_null() {
        return Vec::new();
    }
    let mut n_entries = 0;
    // SAFETY: the caller's promise.
    let first = unsafe { array(object, &raw mut n_entries) };
    if first.is_null() {
        return Vec::new();
    }
    // SAFETY: the array has that many entries.
    (0..n_entries).map(|i| unsafe { ptr::read(first.add(i)) }).filter(|entry| !entry.is_null()).collect()
}

/// The entries of an array that an answer lends.
///
/// # Safety
/// `result` and `array` are functions of librdkafka that read an event of one kind, and give null of any other.
pub(super) unsafe fn lent_by<O, T>(
    answer: &Answer,
    result: unsafe extern "C" fn(*mut sys::rd_kafka_event_t) -> *const O,
    array: unsafe extern "C" fn(*const O, *mut usize) -> *mut *const T,
) -> Vec<*const T> {
    // SAFETY: the event is alive as long as the answer; the caller's promise.
    unsafe { lent(result(answer.event()), array) }
}

/// What an answer says of each item of a list, as `read` finds it in an entry, which is alive.
///
/// # Safety
/// As of [`lent_by`].
pub(super) unsafe fn results<O, T, K: Ord, V>(
    answer: &Answer,
    result: unsafe extern "C" fn(*mut sys::rd_kafka_event_t) -> *const O,
    array: unsafe extern "C" fn(*const O, *mut usize) -> *mut *const T,
    read: impl Fn(*const T) -> Option<(K, Outcome<V>)>,
) -> PerItem<K, V> {
    // SAFETY: the caller's promise.
    unsafe { lent_by(answer, result, array) }.into_iter().filter_map(read).collect()
}
