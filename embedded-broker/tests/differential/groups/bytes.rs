//! The bytes that consumers exchange in the classic protocol.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};

/// Partitions by the names of their topics.
pub(super) type Partitions = BTreeMap<String, Vec<i32>>;

pub(super) fn subscription(version: i16, topics: &[String], owned: &Partitions) -> Bytes {
    let mut bytes = version.to_be_bytes().to_vec();
    put_len(&mut bytes, topics.len());
    topics.iter().for_each(|topic| put_text(&mut bytes, topic));
    bytes.extend((-1_i32).to_be_bytes());
    if version >= 1 {
        put_partitions(&mut bytes, owned);
    }
    if version >= 2 {
        bytes.extend(1_i32.to_be_bytes());
    }
    if version >= 3 {
        put_text(&mut bytes, "rack");
    }
    bytes.into()
}

pub(super) fn assignment(partitions: &Partitions, user_data: bool) -> Bytes {
    let mut bytes = vec![0, 1];
    put_partitions(&mut bytes, partitions);
    bytes.extend(if user_data { &[0, 0, 0, 1, b'u'][..] } else { &[0xff; 4][..] });
    bytes.into()
}

/// The partitions in an assignment, and what follows them; `None` if it is none.
pub(super) fn read_assignment(bytes: &Bytes) -> Option<(Partitions, Bytes)> {
    let mut rest = bytes.clone();
    let _version = rest.try_get_i16().ok()?;
    let mut partitions = Partitions::new();
    for _ in 0..rest.try_get_i32().ok()?.max(0) {
        let len = usize::try_from(rest.try_get_i16().ok()?).ok()?;
        let topic = (rest.len() >= len).then(|| rest.split_to(len))?;
        let topic = partitions.entry(String::from_utf8(topic.to_vec()).ok()?).or_default();
        for _ in 0..rest.try_get_i32().ok()?.max(0) {
            topic.push(rest.try_get_i32().ok()?);
        }
    }
    Some((partitions, rest))
}

fn put_partitions(bytes: &mut Vec<u8>, partitions: &Partitions) {
    put_len(bytes, partitions.len());
    for (topic, partitions) in partitions {
        put_text(bytes, topic);
        put_len(bytes, partitions.len());
        partitions.iter().for_each(|partition| bytes.extend(partition.to_be_bytes()));
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(i16::try_from(text.len()).expect("a short name").to_be_bytes());
    bytes.extend(text.as_bytes());
}

fn put_len(bytes: &mut Vec<u8>, len: usize) {
    bytes.extend(i32::try_from(len).expect("a short list").to_be_bytes());
}
