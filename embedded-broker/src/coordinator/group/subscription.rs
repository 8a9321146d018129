//! What the coordinator reads of a consumer's own metadata: the topics it subscribes to.

use bytes::{Buf, Bytes};

/// Whether a subscription of the consumer protocol names the topic; `None` when it cannot be read.
///
/// All versions begin alike: a version, then the names. Nothing after them is looked at, so versions to
/// come can be read as well. No memory is taken for what the bytes claim.
pub(crate) fn subscribes_to(metadata: &Bytes, topic: &str) -> Option<bool> {
    let mut rest = metadata.clone();
    let _version = rest.try_get_i16().ok()?;
    let n_topics = rest.try_get_i32().ok()?;
    for _ in 0..n_topics.max(0) {
        let length = usize::try_from(rest.try_get_i16().ok()?).ok()?;
        if rest.len() < length {
            return None;
        }
        if rest.split_to(length) == topic.as_bytes() {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

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
