//! Bytes of a socket to frames: a length of four bytes, and as many bytes.

use std::io::{self, Read};

use super::connection::Header;

/// What a connection's buffer starts with, and goes back to after large frames.
const SMALL: usize = 16 << 10;

/// Reads frames into one buffer that is used again and again: nothing is allocated for a frame that fits.
#[derive(Debug)]
pub(super) struct FrameReader {
    buffer: Vec<u8>,
    /// Where the bytes that are not consumed begin and end.
    start: usize,
    end: usize,
    min_len: usize,
    max_len: usize,
    /// Frames since the last one that needed more than the small buffer.
    small_frames: u32,
}

/// A frame shorter than a request header, or longer than is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadLength(pub(super) i32);

impl FrameReader {
    pub(super) fn new(max_len: usize) -> Self {
        Self { buffer: vec![0; SMALL], start: 0, end: 0, min_len: Header::LEN, max_len, small_frames: 0 }
    }

    /// Takes frames of these lengths from now on, the least and the most.
    pub(super) fn set_limits(&mut self, (min_len, max_len): (usize, usize)) {
        (self.min_len, self.max_len) = (min_len, max_len);
    }

    /// The next frame without its length; `None` when the peer has closed the connection between two frames.
    pub(super) fn next(&mut self, socket: &mut impl Read) -> io::Result<Option<&[u8]>> {
        if !self.fill(socket, 4)? {
            return Ok(None);
        }
        let len = self.announced_len().map_err(|BadLength(len)| {
            io::Error::new(io::ErrorKind::InvalidData, format!("a frame cannot be {len} bytes long"))
        })?;
        if !self.fill_frame(socket, 4 + len)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let frame = self.start + 4..self.start + 4 + len;
        self.start = frame.end;
        Ok(Some(&self.buffer[frame]))
    }

    fn announced_len(&self) -> Result<usize, BadLength> {
        let mut len = [0; 4];
        len.copy_from_slice(&self.buffer[self.start..self.start + 4]);
        let len = i32::from_be_bytes(len);
        match usize::try_from(len) {
            Ok(valid) if valid >= self.min_len && valid <= self.max_len => Ok(valid),
            _ => Err(BadLength(len)),
        }
    }

    /// Reads until `wanted` bytes are there; `false` if the peer closed the connection before the first of them.
    fn fill(&mut self, socket: &mut impl Read, wanted: usize) -> io::Result<bool> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        if self.start + wanted > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start < wanted {
            // The rest of a large frame is read to its end and no further, so that the next one begins at the front
            // and never has to be moved.
            let limit = if wanted > SMALL { self.start + wanted } else { self.buffer.len() };
            match socket.read(&mut self.buffer[self.end..limit]) {
                Ok(0) if self.end == self.start => return Ok(false),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.end += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads a frame of which the length is known. The buffer grows with what arrives and not with what is announced: four
    /// bytes must not make the broker reserve a hundred megabytes.
    fn fill_frame(&mut self, socket: &mut impl Read, wanted: usize) -> io::Result<bool> {
        self.note_size(wanted);
        while self.buffer.len() < wanted {
            let there = self.buffer.len();
            if !self.fill(socket, there)? {
                return Ok(false);
            }
            self.buffer.resize(wanted.min(there * 2), 0);
        }
        self.fill(socket, wanted)
    }

    /// Gives the room for large frames back once they have stopped coming.
    fn note_size(&mut self, wanted: usize) {
        self.small_frames = if wanted > SMALL { 0 } else { self.small_frames.saturating_add(1) };
        if self.small_frames == 64 && self.buffer.len() > SMALL && self.end <= SMALL {
            self.buffer.truncate(SMALL);
            self.buffer.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut bytes = i32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(body);
        bytes
    }

    /// Gives its bytes out in pieces of a given size.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(out.len()).min(self.0.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[test]
    fn frames_are_the_same_however_the_bytes_arrive() {
        let bodies = [vec![1; 8], vec![2; 40_000], vec![3; 9], vec![4; 20_000], vec![5; 100]];
        let bytes: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
        for piece in [1, 7, 1000, 16_384, 1 << 20] {
            let mut socket = Dribble(&bytes, piece);
            let mut reader = FrameReader::new(1 << 20);
            for body in &bodies {
                assert_eq!(reader.next(&mut socket).unwrap().unwrap(), body, "in pieces of {piece}");
            }
            assert!(reader.next(&mut socket).unwrap().is_none());
        }
    }

    #[test]
    fn a_buffer_shrinks_when_large_frames_have_stopped() {
        let mut bytes = frame(&vec![1; 500_000]);
        for _ in 0..100 {
            bytes.extend(frame(&[2; 50]));
        }
        let mut reader = FrameReader::new(1 << 20);
        let mut socket = bytes.as_slice();
        while reader.next(&mut socket).unwrap().is_some() {}
        assert_eq!(reader.buffer.capacity(), SMALL);
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_before_anything_is_reserved() {
        for len in [-1, 0, 7, 1 << 21, i32::MAX] {
            let mut reader = FrameReader::new(1 << 20);
            let refused = reader.next(&mut i32::to_be_bytes(len).as_slice()).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{len}");
            assert_eq!(reader.buffer.len(), SMALL);
        }
    }

    #[test]
    fn a_buffer_grows_with_what_has_arrived() {
        let mut reader = FrameReader::new(100 << 20);
        let mut bytes = (100_i32 << 20).to_be_bytes().to_vec();
        bytes.extend([0; 20_000]);
        assert!(reader.next(&mut bytes.as_slice()).is_err());
        assert!(reader.buffer.len() <= 64 << 10, "{}", reader.buffer.len());
    }

    #[test]
    fn a_connection_that_ends_inside_a_frame_is_an_error() {
        let bytes = frame(&[1; 8]);
        let refused = FrameReader::new(100).next(&mut &bytes[..9]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::UnexpectedEof);
    }
}
