//! The mock cluster of librdkafka as a broker: no checksums, no walk over records, 5 MiB of a partition kept.

use std::time::{Duration, Instant};

use anyhow::Result;
use rdkafka::mocking::MockCluster;

use crate::{
    process::wait_for_parent,
    wire::{self, Connection},
};

/// Serves a topic of one partition until the parent is gone.
pub(crate) fn serve(topic: &str) -> Result<()> {
    let cluster = MockCluster::new(1)?;
    cluster.create_topic(topic, 1, 1)?;
    println!("{}", cluster.bootstrap_servers());
    wait_for_parent()
}

/// From nothing to the answer to the first request.
pub(crate) fn first_answer(topic: &str, produce: &[u8]) -> Result<Duration> {
    let began = Instant::now();
    let cluster = MockCluster::new(1)?;
    cluster.create_topic(topic, 1, 1)?;
    let mut connection = Connection::open(&cluster.bootstrap_servers())?;
    connection.send(produce)?;
    wire::check_produced(topic, connection.receive()?)?;
    Ok(began.elapsed())
}
