//! The order in which Kafka's maps name a few things, where clients can see it.

/// The slot of a name in a Java `HashMap` of at most twelve entries. Where Kafka leaves a choice among equals to such a map
/// (a protocol that as many members vote for, an assignor), the first slot wins there, so it wins here.
pub(crate) fn slot(name: &str) -> u32 {
    let hash = name.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
    (hash ^ (hash >> 16)) & 15
}

/// What has most votes; among equals, what comes first in Kafka's order.
pub(crate) fn most_voted<T: AsRef<str>>(votes: impl IntoIterator<Item = (T, usize)>) -> Option<T> {
    votes.into_iter().min_by_key(|(name, votes)| (std::cmp::Reverse(*votes), slot(name.as_ref()))).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_come_in_the_order_of_javas_hashes() {
        let slots = ["range", "uniform", "roundrobin", "sticky", "cooperative-sticky"].map(slot);
        assert_eq!(slots, [9, 1, 10, 8, 15], "as a JVM computes them");
        assert_eq!(most_voted([("b", 1), ("a", 1)]), Some("a"));
        assert_eq!(most_voted([("b", 2), ("a", 1)]), Some("b"));
        assert_eq!(most_voted::<&str>([]), None);
    }
}
