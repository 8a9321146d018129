//! The assignment of a member of a classic group, which the group's leader wrote and brokers carry unread.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};

use crate::wire::TopicPartition;

/// Reads what is assigned: a version, then topics with their partitions, then what is the assignor's own affair.
///
/// The codec crate would read it too, but takes memory as it is told to, and here any client may be who tells. A newer
/// version has more behind what this one knows. `None` if it is something else.
pub(super) fn decode(bytes: &Bytes) -> Option<BTreeSet<TopicPartition>> {
    let mut bytes = bytes.clone();
    let _version = bytes.try_get_i16().ok()?;
    let mut assigned = BTreeSet::new();
    for _ in 0..bytes.try_get_i32().ok()? {
        let topic = string(&mut bytes)?;
        for _ in 0..bytes.try_get_i32().ok()? {
            assigned.insert((topic.clone(), bytes.try_get_i32().ok()?));
        }
    }
    Some(assigned)
}

fn string(bytes: &mut Bytes) -> Option<String> {
    let length = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
    if bytes.remaining() < length {
        return None;
    }
    let text = bytes.split_to(length);
    String::from_utf8(text.into()).ok()
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::{
        messages::{ConsumerProtocolAssignment, TopicName, consumer_protocol_assignment as assignment},
        protocol::{Encodable, StrBytes},
    };
    use proptest::prelude::*;

    use super::*;

    fn encoded(topics: &[(&'static str, &[i32])], version: i16) -> Bytes {
        let topic = |&(topic, partitions): &(&'static str, &[i32])| {
            assignment::TopicPartition::default()
                .with_topic(TopicName(StrBytes::from_static_str(topic)))
                .with_partitions(partitions.to_vec())
        };
        let assignment =
            ConsumerProtocolAssignment::default().with_assigned_partitions(topics.iter().map(topic).collect());
        let mut bytes = BytesMut::from(&version.to_be_bytes()[..]);
        assignment.encode(&mut bytes, version).unwrap();
        bytes.freeze()
    }

    #[test]
    fn every_version_says_topics_and_partitions() {
        for version in 0..=3 {
            let assigned = decode(&encoded(&[("shop", &[1, 0]), ("demo", &[])], version)).unwrap();
            assert_eq!(assigned, BTreeSet::from([("shop".to_owned(), 0), ("shop".to_owned(), 1)]));
        }
    }

    #[test]
    fn what_follows_is_not_looked_at() {
        let mut bytes = BytesMut::from(&encoded(&[("shop", &[0])], 3)[..]);
        bytes.extend_from_slice(b"of a version to come");
        assert_eq!(decode(&bytes.freeze()).map(|assigned| assigned.len()), Some(1));
    }

    #[test]
    fn a_count_that_is_not_met_takes_no_memory() {
        assert_eq!(decode(&Bytes::from_static(&[0, 0, 0x7f, 0xff, 0xff, 0xff])), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_assignment_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&bytes.into());
        }
    }
}
