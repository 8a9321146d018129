//! The tools of Kafka's own system tests: each thing that happens is a line of JSON.

pub(crate) mod consumer;
pub(crate) mod producer;

use std::io::{self, Write};

use serde::Serialize;

use crate::clock::wall_clock;

/// A line: when, what, and more of it.
#[derive(Serialize)]
struct Event<D> {
    timestamp: i64,
    name: &'static str,
    #[serde(flatten)]
    data: D,
}

/// Of what there is no more to say.
#[derive(Serialize)]
struct Nothing {}

/// Prints a line at once.
fn tell(out: &mut impl Write, name: &'static str, data: impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Event { timestamp: wall_clock(), name, data })?;
    out.write_all(b"\n")
}

/// Bytes as the text they are for Java.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
