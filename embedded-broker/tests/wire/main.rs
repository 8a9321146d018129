//! The broker on the wire: every test starts one of its own and speaks to it as a client would, version by version.

mod admin;
mod client;
mod each_broker;
mod groups;
