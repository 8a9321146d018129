//! What the fuzz targets call, behind the feature `fuzzing`: each takes any bytes, and panics if something is wrong.
//!
//! They are plain functions, so that `fuzz/` (libFuzzer) and `tests/fuzz/` (a bounded run with the stable compiler) do the
//! same. None of them starts a thread or opens a socket: a world is driven by the thread that calls, and where a request
//! would block, time passes instead ([`Driver`](crate::clock::Driver)). So the same bytes do the same again, and what
//! waits for something that never comes runs into the caller's deadline.

mod batch;
mod frame;
mod input;
mod recovery;
mod request;
mod world;

pub use batch::batch;
pub use frame::frame;
pub use recovery::recovery;
pub use request::request;

/// A fuzz target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 4] = [("frame", frame), ("request", request), ("batch", batch), ("recovery", recovery)];

/// Key, lowest and highest version of every request that is served.
pub fn versions() -> impl Iterator<Item = (i16, i16, i16)> {
    crate::api::APIS.iter().map(|api| (api.key as i16, api.min_version, api.max_version))
}
