//! The order in which Java's hash maps give what was put into them: that of several lists in the scripts' output.

use std::collections::BTreeSet;

/// Sorts as a `java.util.HashMap` with `String` keys gives its entries, that was made for `capacity` entries and got these
/// one after the other.
///
/// It is by the lowest bits of a hash of the key, as many as the table has, and by age among equals.
pub(crate) fn by_hash<T>(entries: &mut [T], capacity: usize, key: impl Fn(&T) -> &str) {
    by_hash_code(entries, capacity, |entry| string_hash(key(entry)));
}

/// Numbers as a `java.util.HashSet` of which nothing is said gives them, that got them in their order.
pub(crate) fn numbers(numbers: &BTreeSet<i32>) -> Vec<i32> {
    let mut numbers: Vec<i32> = numbers.iter().copied().collect();
    by_hash_code(&mut numbers, DEFAULT_CAPACITY, |number| number.cast_unsigned());
    numbers
}

fn by_hash_code<T>(entries: &mut [T], capacity: usize, hash: impl Fn(&T) -> u32) {
    let mut table = capacity.max(1).next_power_of_two();
    while entries.len() * 4 > table * 3 {
        table *= 2;
    }
    let mask = u32::try_from(table - 1).unwrap_or(u32::MAX);
    entries.sort_by_key(|entry| {
        let hash = hash(entry);
        (hash ^ hash >> 16) & mask
    });
}

/// The capacity of a map of which nothing is said.
pub(crate) const DEFAULT_CAPACITY: usize = 16;

/// `String.hashCode`.
fn string_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_javas() {
        assert_eq!(string_hash("Hello"), 69_609_650);
        assert_eq!(string_hash("producer_byte_rate"), string_hash("producer_byte_rate"));
        assert_eq!(string_hash(""), 0);
    }

    #[test]
    fn numbers_come_by_their_last_digits() {
        assert_eq!(numbers(&BTreeSet::from([1, 2, 3])), [1, 2, 3]);
        assert_eq!(numbers(&BTreeSet::from([3, 17, 32])), [32, 17, 3]);
    }

    #[test]
    fn entries_come_by_their_place_in_the_table() {
        // `a` is 97, 1 of 16 or of 2; `p` is 112, 0 of both; `b` is 98, 2 of 16 and 0 of 2.
        let mut entries = vec!["a", "b", "p"];
        by_hash(&mut entries, DEFAULT_CAPACITY, |entry| entry);
        assert_eq!(entries, ["p", "a", "b"]);
        let mut entries = vec!["b", "p"];
        by_hash(&mut entries, 4, |entry| entry);
        assert_eq!(entries, ["p", "b"]);
    }
}
