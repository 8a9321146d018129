//! What the records hold.

use serde::{Deserialize, Serialize};

/// The payload of the JSON benchmarks, about 100 bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) cents: u64,
    pub(crate) customer: String,
    pub(crate) article: String,
}

/// Partitions of every topic that is measured.
pub(crate) const N_PARTITIONS: i32 = 12;

/// A payload of 100 bytes.
pub(crate) const PAYLOAD: [u8; 100] = [b'x'; 100];

/// A key of eight bytes, spread over the partitions.
pub(crate) fn key(i: u64) -> [u8; 8] {
    i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
}

/// A JSON payload of about 100 bytes.
pub(crate) fn json(i: u64) -> String {
    format!(
        r#"{{"id":{i},"cents":{},"customer":"customer-{:06}","article":"article-{:06}-of-the-catalogue"}}"#,
        i % 100_000,
        i % 1_000_000,
        i % 9_973
    )
}
