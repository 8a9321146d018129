//! `listeners![..]`: declarations by name.

/// The listeners of functions under `#[kafka_listener]`, by their paths, as a `Vec<Listener>`.
///
/// ```ignore
/// let listeners = listeners![bill, ship::dispatch];
/// ```
#[macro_export]
macro_rules! listeners {
    ($($listener:path),* $(,)?) => {
        <::std::vec::Vec<$crate::Listener> as ::core::convert::From<_>>::from([
            $(<$listener>::__kafka_listener()),*
        ])
    };
}
