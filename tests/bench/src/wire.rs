//! Kafka's frames by hand, as few as are needed: no client of any kind between the clock and the broker.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use anyhow::{Context, Result, bail};

/// A connection that sends frames and reads answers.
pub(crate) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Result<Self> {
        let first = address.split(',').next().unwrap_or_default();
        let stream = TcpStream::connect(first).with_context(|| format!("connecting to {first}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::new() })
    }

    pub(crate) fn send(&mut self, frame: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(frame)?)
    }

    /// The next answer, without its length.
    pub(crate) fn receive(&mut self) -> Result<&[u8]> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head)?;
        self.answer.resize(usize::try_from(u32::from_be_bytes(head))?, 0);
        self.stream.read_exact(&mut self.answer)?;
        Ok(&self.answer)
    }
}

/// A record batch of records with 100 bytes of payload and no key, about `n_bytes` long; and how many there are in it.
pub(crate) fn batch(n_bytes: usize) -> Result<(Vec<u8>, u32)> {
    let mut records = Vec::with_capacity(n_bytes);
    let mut n_records = 0_u32;
    while n_records == 0 || records.len() + RECORD_BYTES < n_bytes {
        record(&mut records, n_records);
        n_records += 1;
    }
    let mut rest = Vec::with_capacity(records.len() + 40);
    rest.extend(0_i16.to_be_bytes()); // attributes
    rest.extend((n_records - 1).to_be_bytes()); // last offset delta
    rest.extend(NOW.to_be_bytes()); // first timestamp
    rest.extend(NOW.to_be_bytes()); // last timestamp
    rest.extend((-1_i64).to_be_bytes()); // producer id
    rest.extend((-1_i16).to_be_bytes()); // producer epoch
    rest.extend((-1_i32).to_be_bytes()); // base sequence
    rest.extend(n_records.to_be_bytes());
    rest.extend(&records);
    let mut batch = Vec::with_capacity(rest.len() + 21);
    batch.extend(0_i64.to_be_bytes()); // base offset
    batch.extend(u32::try_from(rest.len() + 9)?.to_be_bytes());
    batch.extend((-1_i32).to_be_bytes()); // partition leader epoch
    batch.push(2); // magic
    batch.extend(crc32c::crc32c(&rest).to_be_bytes());
    batch.extend(&rest);
    Ok((batch, n_records))
}

/// The most a record of a batch takes, with its varints.
const RECORD_BYTES: usize = 112;
/// A time of 2026; the bench does not need the right one.
const NOW: i64 = 1_767_225_600_000;

fn record(out: &mut Vec<u8>, offset_delta: u32) {
    let mut body = vec![0]; // attributes
    varint(&mut body, 0); // timestamp delta
    varint(&mut body, i64::from(offset_delta));
    varint(&mut body, -1); // null key
    varint(&mut body, 100);
    body.extend([b'x'; 100]);
    varint(&mut body, 0); // headers
    varint(out, i64::try_from(body.len()).unwrap_or(0));
    out.extend(body);
}

/// Kafka's signed varint: zigzag, seven bits a byte.
fn varint(out: &mut Vec<u8>, value: i64) {
    let mut bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let byte = u8::try_from(bits & 0x7f).unwrap_or(0);
        bits >>= 7;
        if bits == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// A Produce request (v7, acks=all) of one batch for partition 0.
pub(crate) fn produce(topic: &str, batch: &[u8]) -> Result<Vec<u8>> {
    request(0, 7, |body| {
        body.extend((-1_i16).to_be_bytes()); // transactional id
        body.extend((-1_i16).to_be_bytes()); // acks
        body.extend(30_000_i32.to_be_bytes());
        body.extend(1_i32.to_be_bytes());
        string(body, topic)?;
        body.extend(1_i32.to_be_bytes());
        body.extend(0_i32.to_be_bytes());
        body.extend(u32::try_from(batch.len())?.to_be_bytes());
        body.extend(batch);
        Ok(())
    })
}

/// A Fetch request (v4) of partition 0 from an offset on.
pub(crate) fn fetch(topic: &str, offset: u64, max_bytes: u32) -> Result<Vec<u8>> {
    request(1, 4, |body| {
        body.extend((-1_i32).to_be_bytes()); // replica
        body.extend(1_000_i32.to_be_bytes()); // longest wait
        body.extend(1_i32.to_be_bytes()); // fewest bytes
        body.extend(max_bytes.to_be_bytes());
        body.push(0); // isolation level
        body.extend(1_i32.to_be_bytes());
        string(body, topic)?;
        body.extend(1_i32.to_be_bytes());
        body.extend(0_i32.to_be_bytes());
        body.extend(offset.to_be_bytes());
        body.extend(max_bytes.to_be_bytes());
        Ok(())
    })
}

fn request(api_key: i16, version: i16, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    frame.extend(api_key.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(1_i32.to_be_bytes()); // correlation id
    string(&mut frame, "bench")?;
    write(&mut frame)?;
    let length = u32::try_from(frame.len() - 4)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

fn string(out: &mut Vec<u8>, text: &str) -> Result<()> {
    out.extend(i16::try_from(text.len())?.to_be_bytes());
    out.extend(text.as_bytes());
    Ok(())
}

/// Fails unless the answer to [`produce`] says that the batch was appended.
pub(crate) fn check_produced(topic: &str, answer: &[u8]) -> Result<()> {
    // correlation id, one topic and its name, one partition and its number
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    expect_no_error(answer, at, "produce")
}

/// The bytes of records in the answer to [`fetch`].
pub(crate) fn fetched(topic: &str, answer: &[u8]) -> Result<usize> {
    // correlation id, throttle time, one topic and its name, one partition and its number
    let at = 4 + 4 + 4 + 2 + topic.len() + 4 + 4;
    expect_no_error(answer, at, "fetch")?;
    // error, high watermark, last stable offset, then the list of aborted transactions: none, or null
    let at = at + 2 + 8 + 8 + 4;
    let length = answer.get(at..at + 4).context("the answer ends early")?;
    let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
    Ok(usize::try_from(length).unwrap_or(0))
}

fn expect_no_error(answer: &[u8], at: usize, what: &str) -> Result<()> {
    match answer.get(at..at + 2) {
        Some([0, 0]) => Ok(()),
        Some(code) => bail!("{what} was refused with error code {}", i16::from_be_bytes([code[0], code[1]])),
        None => bail!("the answer to {what} ends early: {} bytes", answer.len()),
    }
}
