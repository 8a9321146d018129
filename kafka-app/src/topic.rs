//! [`Topic`]: a topic's name with the types of its keys and payloads.

use std::{fmt, marker::PhantomData};

/// A topic with the types of its keys and payloads, said once and used by listeners, templates and tests.
///
/// ```
/// use kafka_app::{Json, Topic};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Order {
///     id: u64,
/// }
///
/// const ORDERS: Topic<String, Json<Order>> = Topic::new("orders");
///
/// assert_eq!(ORDERS.name(), "orders");
/// ```
pub struct Topic<K: ?Sized, V: ?Sized> {
    name: &'static str,
    // Neither owns nor borrows a K or V: it is Send, Sync and Copy whatever they are.
    types: PhantomData<fn(&K, &V)>,
}

impl<K: ?Sized, V: ?Sized> Topic<K, V> {
    /// The topic of that name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, types: PhantomData }
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<K: ?Sized, V: ?Sized> Clone for Topic<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: ?Sized, V: ?Sized> Copy for Topic<K, V> {}

impl<K: ?Sized, V: ?Sized> AsRef<str> for Topic<K, V> {
    fn as_ref(&self) -> &str {
        self.name
    }
}

impl<K: ?Sized, V: ?Sized> From<Topic<K, V>> for std::sync::Arc<str> {
    fn from(topic: Topic<K, V>) -> Self {
        topic.name.into()
    }
}

impl<K: ?Sized, V: ?Sized> From<Topic<K, V>> for String {
    fn from(topic: Topic<K, V>) -> Self {
        topic.name.to_owned()
    }
}

impl<K: ?Sized, V: ?Sized> fmt::Display for Topic<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<K: ?Sized, V: ?Sized> fmt::Debug for Topic<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topic").field(&self.name).finish()
    }
}
