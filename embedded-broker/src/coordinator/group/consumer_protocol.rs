//! What is read of the bytes that consumers exchange: the topics they subscribe to, the partitions they get.

use bytes::{Buf, Bytes};

/// The partitions in an assignment of the consumer protocol; `None` when it cannot be read.
pub(crate) fn assigned_partitions(assignment: &Bytes) -> Option<Vec<(String, i32)>> {
    let mut rest = assignment.clone();
    let _version = rest.try_get_i16().ok()?;
    let mut assigned = Vec::new();
    for _ in 0..rest.try_get_i32().ok()?.max(0) {
        let topic = std::str::from_utf8(&text(&mut rest)?).ok()?.to_owned();
        for _ in 0..rest.try_get_i32().ok()?.max(0) {
            assigned.push((topic.clone(), rest.try_get_i32().ok()?));
        }
    }
    Some(assigned)
}

/// Whether a subscription of the consumer protocol names the topic; `None` when it cannot be read.
///
/// All versions begin alike: a version, then the names. Nothing after them is looked at, so versions to
/// come can be read as well. No memory is taken for what the bytes claim.
pub(crate) fn subscribes_to(metadata: &Bytes, topic: &str) -> Option<bool> {
    let mut rest = metadata.clone();
    let _version = rest.try_get_i16().ok()?;
    let n_topics = rest.try_get_i32().ok()?;
    for _ in 0..n_topics.max(0) {
        if text(&mut rest)? == topic.as_bytes() {
            return Some(true);
        }
    }
    Some(false)
}

fn text(rest: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(rest.try_get_i16().ok()?).ok()?;
    (rest.len() >= length).then(|| rest.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_names_its_partitions() {
        let assignment = Bytes::from_static(b"\0\x01\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x05\xff\xff\xff\xff");
        assert_eq!(assigned_partitions(&assignment), Some(vec![("t".to_owned(), 0), ("t".to_owned(), 5)]));
        assert_eq!(assigned_partitions(&assignment.slice(..15)), None);
        assert_eq!(assigned_partitions(&Bytes::new()), None);
    }

    fn subscription(topics: &[&str]) -> Bytes {
        let mut bytes = vec![0, 1];
        bytes.extend(i32::try_from(topics.len()).unwrap().to_be_bytes());
        for topic in topics {
            bytes.extend(i16::try_from(topic.len()).unwrap().to_be_bytes());
            bytes.extend(topic.as_bytes());
        }
        bytes.extend([255, 255, 255, 255]);
        bytes.into()
    }

    #[test]
    fn a_named_topic_is_found_and_another_is_not() {
        let metadata = subscription(&["a", "orders"]);
        assert_eq!(subscribes_to(&metadata, "orders"), Some(true));
        assert_eq!(subscribes_to(&metadata, "order"), Some(false));
        assert_eq!(subscribes_to(&subscription(&[]), "orders"), Some(false));
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        assert_eq!(subscribes_to(&Bytes::new(), "orders"), None);
        assert_eq!(subscribes_to(&subscription(&["orders"]).slice(..9), "orders"), None);
        let huge = Bytes::from_static(&[0, 0, 127, 255, 255, 255, 0, 1, b'a']);
        assert_eq!(subscribes_to(&huge, "orders"), None);
    }
}
