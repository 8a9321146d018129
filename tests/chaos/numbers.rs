//! [`Number`]: what a record carries: its key and its place among the records of that key.

use std::{fmt, str::FromStr};

use anyhow::Context;

/// How many keys there are; each keeps its order.
pub(crate) const N_KEYS: u64 = 64;

/// One record of the input, as `key:place`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number {
    pub(crate) key: u64,
    pub(crate) place: u64,
}

impl Number {
    /// The n-th record of all; keys take turns.
    pub(crate) fn nth(n: u64) -> Self {
        Self { key: n % N_KEYS, place: n / N_KEYS }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.key, self.place)
    }
}

impl FromStr for Number {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, place) = text.split_once(':').with_context(|| format!("`{text}` is no record of this program"))?;
        Ok(Self { key: key.parse()?, place: place.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_back_as_it_was_written() {
        let number = Number::nth(12_345);
        assert_eq!(number.to_string().parse::<Number>().unwrap(), number);
        assert!("12".parse::<Number>().is_err());
    }
}
