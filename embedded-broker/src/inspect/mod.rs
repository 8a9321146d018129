//! What a test may look at without being a client.

pub(crate) mod group;
