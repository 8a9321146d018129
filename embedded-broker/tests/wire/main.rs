//! The broker on the wire: every test starts one of its own and speaks to it as a client would, version by version.

mod client;
mod groups;
