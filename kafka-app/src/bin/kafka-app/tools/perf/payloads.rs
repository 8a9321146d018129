//! [`Payloads`]: what the records hold that are sent to measure.

use std::{fs, io::Write as _, path::Path};

/// Where payloads come from.
#[derive(Debug)]
pub(super) enum Payloads {
    /// Letters by chance, so many.
    Random { size: usize, chance: Chance },
    /// One of these, by chance.
    Of { all: Vec<Vec<u8>>, chance: Chance },
    /// 0, 1, 2, …
    Counting(u64),
}

impl Payloads {
    pub(super) fn random(size: usize) -> Self {
        Self::Random { size, chance: Chance(SEED) }
    }

    /// The parts of a file between delimiters.
    ///
    /// # Errors
    /// It cannot be read, or is empty.
    pub(super) fn of_file(path: &Path, delimiter: &str) -> Result<Self, String> {
        let empty = || "File does not exist or empty file provided.".to_owned();
        let text = fs::read(path).map_err(|_| empty())?;
        if text.is_empty() {
            return Err(empty());
        }
        Ok(Self::Of { all: split(&text, delimiter.as_bytes()), chance: Chance(SEED) })
    }

    /// How many there are in the file.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Of { all, .. } => all.len(),
            Self::Random { .. } | Self::Counting(_) => 0,
        }
    }

    /// Appends the next.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) {
        match self {
            Self::Random { size, chance } => chance.letters(*size, buffer),
            Self::Of { all, chance } => {
                let at = usize::try_from(chance.next() >> 33).unwrap_or(0) % all.len().max(1);
                buffer.extend_from_slice(all.get(at).map_or(&[], Vec::as_slice));
            }
            Self::Counting(next) => {
                // A vector takes all.
                let _ = write!(buffer, "{next}");
                *next += 1;
            }
        }
    }
}

/// As Java's scanner takes a text apart: nothing comes behind a delimiter at its end.
fn split(text: &[u8], delimiter: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) =
        rest.windows(delimiter.len().max(1)).position(|window| window == delimiter).filter(|_| !delimiter.is_empty())
    {
        parts.push(rest[..at].to_vec());
        rest = &rest[at + delimiter.len()..];
    }
    if !rest.is_empty() {
        parts.push(rest.to_vec());
    }
    parts
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers that look like chance and are the same in each run, as those of Apache's tool.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// See Vigna, "xorshift64*".
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn letters(&mut self, size: usize, buffer: &mut Vec<u8>) {
        let end = buffer.len() + size;
        while buffer.len() < end {
            let bytes = self.next().to_le_bytes();
            let n_left = end - buffer.len();
            let letter = |byte: &u8| b'A' + u8::try_from((u16::from(*byte) * 26) >> 8).unwrap_or(0);
            buffer.extend(bytes.iter().take(n_left).map(letter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(payloads: &mut Payloads) -> String {
        let mut buffer = Vec::new();
        payloads.next(&mut buffer);
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn payloads_are_letters_of_the_size_that_was_asked_for() {
        let mut payloads = Payloads::random(101);
        let (one, other) = (next(&mut payloads), next(&mut payloads));
        assert_eq!(one.len(), 101);
        assert_ne!(one, other);
        assert!(one.bytes().all(|byte| byte.is_ascii_uppercase()), "{one}");
    }

    #[test]
    fn payloads_count() {
        let mut payloads = Payloads::Counting(9);
        assert_eq!([next(&mut payloads), next(&mut payloads)], ["9", "10"]);
    }

    #[test]
    fn a_file_is_taken_apart_at_delimiters() {
        assert_eq!(split(b"a\n\nb\n", b"\n"), [&b"a"[..], b"", b"b"]);
        assert_eq!(split(b"a||b", b"||"), [b"a", b"b"]);
        assert!(Payloads::of_file(Path::new("/no/such/file"), "\n").is_err());
    }
}
