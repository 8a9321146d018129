//! [`Answers`]: where the answers of a Kafka begin and end in the bytes that it sends: pure.

/// How many bytes of an answer say how long the rest is.
const N_LENGTH_BYTES: usize = 4;

/// One connection's answers: each is its length in four bytes, and so many more.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    length: [u8; N_LENGTH_BYTES],
    n_length_bytes: usize,
    /// What is to come of the answer that has begun.
    n_left: usize,
    /// After so many more bytes of it the connection is to end.
    cut_after: Option<usize>,
}

impl Answers {
    /// Takes what comes next. `draw` is asked once for each answer, with its length: after how many bytes of it the
    /// connection ends, fewer than it has. Returns how many of these bytes go on before that.
    pub(crate) fn cut(&mut self, bytes: &[u8], mut draw: impl FnMut(usize) -> Option<usize>) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.n_left == 0 {
                self.length[self.n_length_bytes] = bytes[at];
                (at, self.n_length_bytes) = (at + 1, self.n_length_bytes + 1);
                if self.n_length_bytes == N_LENGTH_BYTES {
                    self.n_length_bytes = 0;
                    self.n_left = usize::try_from(u32::from_be_bytes(self.length)).unwrap_or(usize::MAX);
                    self.cut_after = draw(self.n_left).filter(|after| *after < self.n_left);
                }
                if self.cut_after == Some(0) {
                    return Some(at);
                }
                continue;
            }
            let n = self.n_left.min(bytes.len() - at);
            if let Some(after) = &mut self.cut_after {
                if *after <= n {
                    return Some(at + *after);
                }
                *after -= n;
            }
            (at, self.n_left) = (at + n, self.n_left - n);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of these lengths, one after the other.
    fn sent(lengths: &[u32]) -> Vec<u8> {
        lengths.iter().flat_map(|n| n.to_be_bytes().into_iter().chain((0..*n).map(|_| 7))).collect()
    }

    /// What goes on when the answer of `length` is cut after `after`, in pieces of this size.
    fn goes_on(bytes: &[u8], piece: usize, length: usize, after: usize) -> Option<usize> {
        let (mut answers, mut before) = (Answers::default(), 0);
        for piece in bytes.chunks(piece) {
            if let Some(n) = answers.cut(piece, |n| (n == length).then_some(after)) {
                return Some(before + n);
            }
            before += piece.len();
        }
        None
    }

    #[test]
    fn an_answer_is_cut_at_its_byte_however_it_comes() {
        let bytes = sent(&[5, 0, 9, 3]);
        for piece in 1..=bytes.len() {
            assert_eq!(goes_on(&bytes, piece, 9, 0), Some(4 + 5 + 4 + 4), "pieces of {piece}");
            assert_eq!(goes_on(&bytes, piece, 9, 6), Some(4 + 5 + 4 + 4 + 6), "pieces of {piece}");
            assert_eq!(goes_on(&bytes, piece, 3, 2), Some(bytes.len() - 1), "pieces of {piece}");
        }
    }

    #[test]
    fn what_is_not_drawn_goes_on_whole() {
        let bytes = sent(&[5, 0, 9, 3]);
        for piece in 1..=bytes.len() {
            assert_eq!(goes_on(&bytes, piece, 4, 1), None, "pieces of {piece}");
        }
    }

    #[test]
    fn an_answer_that_went_on_whole_is_not_cut() {
        assert_eq!(goes_on(&sent(&[5, 5]), 3, 5, 5), None);
    }
}
