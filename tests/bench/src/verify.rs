//! Whether a client did what it was measured for: asked of the broker after its run.

use std::time::Duration;

use anyhow::{Result, ensure};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};

use crate::order::N_PARTITIONS;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The topic holds the measured records, and the one that was sent before the time began.
pub(crate) fn sent(servers: &str, topic: &str, n_records: u64) -> Result<()> {
    let consumer = consumer(servers, "bench-verify")?;
    let mut n_found = 0;
    for partition in 0..N_PARTITIONS {
        let (low, high) = consumer.fetch_watermarks(topic, partition, TIMEOUT)?;
        n_found += u64::try_from(high - low)?;
    }
    ensure!(n_found == n_records + 1, "{topic} holds {n_found} records, of {n_records} and the first");
    Ok(())
}

/// The group has committed at least the measured records: a client may have read the topic's last one, too.
pub(crate) fn committed(servers: &str, topic: &str, group: &str, n_records: u64) -> Result<()> {
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_range(topic, 0, N_PARTITIONS - 1);
    let offsets = consumer(servers, group)?.committed_offsets(partitions, TIMEOUT)?;
    let n_committed: i64 = offsets.elements().iter().filter_map(|of| at(of.offset())).sum();
    ensure!(u64::try_from(n_committed)? >= n_records, "{group} has committed {n_committed} of {n_records} records");
    Ok(())
}

/// Topics of benchmarks begin at 0, so an offset is a number of records; a partition that had none has no offset.
fn at(offset: Offset) -> Option<i64> {
    match offset {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

fn consumer(servers: &str, group: &str) -> Result<BaseConsumer> {
    Ok(ClientConfig::new().set("bootstrap.servers", servers).set("group.id", group).create()?)
}
