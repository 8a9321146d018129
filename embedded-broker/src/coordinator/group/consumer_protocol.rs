//! What is read and written of the bytes that consumers exchange: the topics they subscribe to, the partitions they have.
//!
//! No memory is taken for what the bytes claim, only for what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The newest version there is. Newer ones begin alike and are read as this one.
const NEWEST: i16 = 3;

/// A subscription of the consumer protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) topics: BTreeSet<Arc<str>>,
    /// What the member had when it subscribed (version 1).
    pub(crate) owned: Vec<(Arc<str>, i32)>,
    /// Version 3.
    pub(crate) rack: Option<Arc<str>>,
}

/// An assignment of the consumer protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) partitions: Vec<(Arc<str>, i32)>,
    /// The assignor has left something for itself in it.
    pub(crate) has_user_data: bool,
}

/// The subscription in a member's metadata; `None` when it cannot be read.
pub(crate) fn subscription(metadata: &Bytes) -> Option<Subscription> {
    let mut rest = metadata.clone();
    let version = version(&mut rest)?;
    let mut read = Subscription { topics: topics(&mut rest)?, ..Subscription::default() };
    nullable_bytes(&mut rest)?;
    if version >= 1 {
        read.owned = partitions(&mut rest)?;
    }
    if version >= 2 {
        let _generation = rest.try_get_i32().ok()?;
    }
    if version >= 3 {
        read.rack = nullable_text(&mut rest)?;
    }
    Some(read)
}

/// The topics a member's metadata names; `None` when it cannot be read. All versions begin alike, so that versions to come
/// can be read as well.
pub(crate) fn subscribed_topics(metadata: &Bytes) -> Option<BTreeSet<Arc<str>>> {
    let mut rest = metadata.clone();
    version(&mut rest)?;
    topics(&mut rest)
}

/// The assignment in these bytes; `None` when it cannot be read.
pub(crate) fn assignment(bytes: &Bytes) -> Option<Assignment> {
    let mut rest = bytes.clone();
    version(&mut rest)?;
    let partitions = partitions(&mut rest)?;
    let user_data = nullable_bytes(&mut rest)?;
    Some(Assignment { partitions, has_user_data: user_data.is_some_and(|data| !data.is_empty()) })
}

/// The partitions in an assignment; `None` when it cannot be read.
pub(crate) fn assigned_partitions(bytes: &Bytes) -> Option<Vec<(Arc<str>, i32)>> {
    let mut rest = bytes.clone();
    version(&mut rest)?;
    partitions(&mut rest)
}

/// The version a member's metadata is written in, as far as there are versions; `None` when it cannot be read.
pub(crate) fn version_of(metadata: &Bytes) -> Option<i16> {
    version(&mut metadata.clone())
}

/// An assignment in the version of the subscription it answers.
pub(crate) fn write_assignment(version: i16, partitions: &BTreeMap<Arc<str>, Vec<i32>>) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(version);
    bytes.put_i32(count(partitions.len()));
    for (topic, partitions) in partitions {
        bytes.put_i16(i16::try_from(topic.len()).unwrap_or(i16::MAX));
        bytes.put_slice(topic.as_bytes());
        bytes.put_i32(count(partitions.len()));
        partitions.iter().for_each(|&partition| bytes.put_i32(partition));
    }
    bytes.put_i32(-1);
    bytes.freeze()
}

fn count(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}

fn version(rest: &mut Bytes) -> Option<i16> {
    let version = rest.try_get_i16().ok()?;
    (version >= 0).then_some(version.min(NEWEST))
}

fn topics(rest: &mut Bytes) -> Option<BTreeSet<Arc<str>>> {
    let n_topics = rest.try_get_i32().ok()?;
    (0..n_topics.max(0)).map(|_| text(rest)).collect()
}

fn partitions(rest: &mut Bytes) -> Option<Vec<(Arc<str>, i32)>> {
    let mut partitions = Vec::new();
    for _ in 0..rest.try_get_i32().ok()?.max(0) {
        let topic = text(rest)?;
        for _ in 0..rest.try_get_i32().ok()?.max(0) {
            partitions.push((Arc::clone(&topic), rest.try_get_i32().ok()?));
        }
    }
    Some(partitions)
}

fn text(rest: &mut Bytes) -> Option<Arc<str>> {
    nullable_text(rest)?
}

fn nullable_text(rest: &mut Bytes) -> Option<Option<Arc<str>>> {
    let length = rest.try_get_i16().ok()?;
    let Ok(length) = usize::try_from(length) else { return Some(None) };
    let bytes = (rest.len() >= length).then(|| rest.split_to(length))?;
    Some(Some(std::str::from_utf8(&bytes).ok()?.into()))
}

fn nullable_bytes(rest: &mut Bytes) -> Option<Option<Bytes>> {
    let length = rest.try_get_i32().ok()?;
    let Ok(length) = usize::try_from(length) else { return Some(None) };
    (rest.len() >= length).then(|| Some(rest.split_to(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_names_its_partitions() {
        let bytes = Bytes::from_static(b"\0\x01\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x05\xff\xff\xff\xff");
        assert_eq!(assigned_partitions(&bytes), Some(vec![("t".into(), 0), ("t".into(), 5)]));
        assert_eq!(assigned_partitions(&bytes.slice(..15)), None);
        assert_eq!(assigned_partitions(&Bytes::new()), None);
        assert_eq!(write_assignment(1, &BTreeMap::from([("t".into(), vec![0, 5])])), bytes);
        assert_eq!(assignment(&bytes).map(|assignment| assignment.has_user_data), Some(false));
        let with_data = [&bytes[..bytes.len() - 4], b"\0\0\0\x01x"].concat();
        assert_eq!(assignment(&with_data.into()).map(|assignment| assignment.has_user_data), Some(true));
    }

    fn subscription_bytes(version: u8, topics: &[&str], rest: &[u8]) -> Bytes {
        let mut bytes = vec![0, version];
        bytes.extend(i32::try_from(topics.len()).unwrap().to_be_bytes());
        for topic in topics {
            bytes.extend(i16::try_from(topic.len()).unwrap().to_be_bytes());
            bytes.extend(topic.as_bytes());
        }
        bytes.extend([255, 255, 255, 255]);
        bytes.extend(rest);
        bytes.into()
    }

    #[test]
    fn each_version_adds_to_the_one_before() {
        let topics: BTreeSet<Arc<str>> = ["a".into(), "orders".into()].into();
        let owned = b"\0\0\0\x01\0\x01a\0\0\0\x01\0\0\0\x02".as_slice();
        let generation = [owned, &[0, 0, 0, 7]].concat();
        let rack = [&generation, b"\0\x01r".as_slice()].concat();
        let read = |version, rest: &[u8]| subscription(&subscription_bytes(version, &["a", "orders"], rest));
        let plain = Subscription { topics, ..Subscription::default() };
        assert_eq!(read(0, &[]), Some(plain.clone()));
        let with_owned = Subscription { owned: vec![("a".into(), 2)], ..plain };
        assert_eq!(read(1, owned), Some(with_owned.clone()));
        assert_eq!(read(2, &generation), Some(with_owned.clone()));
        assert_eq!(read(3, &rack), Some(Subscription { rack: Some("r".into()), ..with_owned }));
        assert_eq!(read(9, &rack).and_then(|read| read.rack), Some("r".into()), "a version to come begins alike");
        assert_eq!(read(1, &[]), None, "what a version has must be there");
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        let whole = subscription_bytes(1, &["orders"], &[]);
        assert_eq!(subscribed_topics(&whole), Some(["orders".into()].into()));
        assert_eq!(subscribed_topics(&Bytes::new()), None);
        assert_eq!(subscribed_topics(&whole.slice(..9)), None);
        let huge = Bytes::from_static(&[0, 0, 127, 255, 255, 255, 0, 1, b'a']);
        assert_eq!(subscribed_topics(&huge), None);
        assert_eq!(version_of(&Bytes::from_static(&[255, 255])), None);
    }
}
