//! The least a server can do: read a frame, answer with as many bytes as it asks for. What brokers are measured against.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use anyhow::Result;

use crate::process::wait_for_parent;

/// Serves connections until the parent is gone.
pub(crate) fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            // The connection ends when its client goes.
            thread::spawn(move || answer(connection));
        }
    });
    wait_for_parent()
}

/// A frame is its length, the length of the answer, and what fills it up; an answer is its length and zeros.
fn answer(mut connection: TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let (mut frame, mut reply) = (Vec::new(), Vec::new());
    let mut head = [0; 4];
    loop {
        connection.read_exact(&mut head)?;
        frame.resize(length(head), 0);
        connection.read_exact(&mut frame)?;
        let mut wanted = [0; 4];
        wanted.copy_from_slice(&frame[..4]);
        reply.resize(4 + length(wanted), 0);
        reply[..4].copy_from_slice(&wanted);
        connection.write_all(&reply)?;
    }
}

fn length(bytes: [u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX)
}

/// A frame of `n_bytes` in all that asks for an answer of `n_reply` bytes.
pub(crate) fn frame(n_bytes: usize, n_reply: usize) -> Vec<u8> {
    let mut frame = vec![0; n_bytes.max(8)];
    let body = u32::try_from(frame.len() - 4).unwrap_or(u32::MAX);
    frame[..4].copy_from_slice(&body.to_be_bytes());
    frame[4..8].copy_from_slice(&u32::try_from(n_reply).unwrap_or(u32::MAX).to_be_bytes());
    frame
}
