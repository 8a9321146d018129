//! The bytes of a connection, from its first to its last.

use std::io::{self, Read, Write};
use std::sync::Arc;

use super::input::Input;
use super::world::World;
use crate::server::{Door, serve_bytes};

/// What a client sends, and what it is answered.
struct Stream<'a> {
    sent: &'a [u8],
    /// How many bytes come at once.
    at_once: usize,
    answered: Vec<u8>,
}

impl Read for Stream<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.at_once.min(out.len()).min(self.sent.len());
        let (now, later) = self.sent.split_at(len);
        out[..len].copy_from_slice(now);
        self.sent = later;
        Ok(len)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.answered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection to a small cluster: a byte that says by which listener it comes and how its bytes arrive, then those bytes.
///
/// # Panics
///
/// If anything panics, or what is answered is not a row of whole frames.
pub fn frame(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let Some(way) = input.u8() else { return };
    let world = World::new();
    let listener = world.listeners()[usize::from(way & 1)].clone();
    let at_once = if way & 2 == 0 { usize::MAX } else { usize::from(way >> 2) + 1 };
    let mut stream = Stream { sent: input.rest(), at_once, answered: Vec::new() };
    let door = Door { node_id: 1, listener, cluster: Arc::clone(&world.cluster) };
    // Whether it ends with an error or with its bytes is all the same.
    drop(serve_bytes(door, &mut stream));
    check_frames(&stream.answered);
}

fn check_frames(mut answered: &[u8]) {
    while !answered.is_empty() {
        let (len, rest) = answered.split_first_chunk().expect("an answer has a length");
        let len = usize::try_from(i32::from_be_bytes(*len)).expect("a length is not negative");
        answered = rest.get(len..).expect("an answer is as long as it says");
    }
}
