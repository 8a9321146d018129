//! Clients of a cluster of three whose leaders and coordinators go and come back: what is acknowledged is there, once and in
//! order, and nobody reads what may still be lost.
//!
//! The nodes are embedded ones, or with `KAFKA_APP_TEST_NODES` real ones (see [`TestCluster`]). What happens comes from
//! a seed, which is printed, and which `KAFKA_APP_TEST_SEED` sets (1 without it: a check is to see the same troubles
//! each time); `KAFKA_APP_TEST_DEATHS` is how many nodes die.

mod acknowledged;
mod deaths;
mod listener;
mod producer;
mod raised_epoch;
mod reader;
mod stale;
mod templates;
mod transactions;
mod unclean;
mod wire;

use anyhow::{Context, Result};
use kafka_app::KafkaApp;
use kafka_app_tests::{Death, TestCluster};

/// Partitions of every topic.
const PARTITIONS: i32 = 6;

/// A number that the environment says, or another.
fn said<T: std::str::FromStr>(variable: &str, otherwise: impl FnOnce() -> T) -> Result<T> {
    match std::env::var(variable) {
        Ok(said) => said.parse().ok().with_context(|| format!("{variable}={said} is no number that fits")),
        Err(_) => Ok(otherwise()),
    }
}

/// The source of all chance of a test, and its seed.
#[expect(clippy::print_stdout, reason = "what was drawn is told, so that it can be drawn again")]
fn chance(test: &str) -> Result<(fastrand::Rng, u64)> {
    let seed = said("KAFKA_APP_TEST_SEED", || 1)?;
    println!("{test}: KAFKA_APP_TEST_SEED={seed}");
    Ok((fastrand::Rng::with_seed(seed), seed))
}

/// How many nodes die: a real one takes some seconds to come back.
fn n_deaths(cluster: &TestCluster, n_embedded: usize) -> Result<usize> {
    said("KAFKA_APP_TEST_DEATHS", || if cluster.as_embedded().is_some() { n_embedded } else { 5 })
}

/// An application whose clients look again soon for what is gone.
fn app(cluster: &TestCluster) -> KafkaApp {
    KafkaApp::new(cluster.broker().bootstrap_servers())
        .set("kafka.properties.reconnect.backoff.ms", "10")
        .set("kafka.properties.reconnect.backoff.max.ms", "100")
        .set("kafka.properties.retry.backoff.ms", "10")
        .set("kafka.properties.retry.backoff.max.ms", "100")
        .set("kafka.properties.topic.metadata.refresh.fast.interval.ms", "20")
}

/// One of the two ways to go.
fn any_death(random: &mut fastrand::Rng) -> Death {
    if random.bool() { Death::Killed } else { Death::Stopped }
}
