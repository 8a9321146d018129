//! [`AdminClient`]: every call, what each says of the things it is about, and what it says where nobody answers.

mod configs;
mod connection;
mod groups;
mod rights;
mod topics;

use std::time::Instant;

use anyhow::{Context, Result};
use kafka_app::{
    TopicPartition,
    admin::{AdminClient, BrokerError, PerItem},
};
use kafka_app_tests::{PATIENCE, TestBroker};

struct Case {
    broker: TestBroker,
    admin: AdminClient,
}

impl Case {
    fn new() -> Result<Self> {
        Self::on(TestBroker::start()?)
    }

    fn on(broker: TestBroker) -> Result<Self> {
        let admin = AdminClient::connect(broker.bootstrap_servers())?;
        Ok(Self { broker, admin })
    }

    /// What is told once it is as wanted. The embedded broker knows at once what it has agreed to; a real one answers as soon
    /// as its controller has, and hears of the change a moment later.
    async fn once<T>(&self, ask: impl AsyncFn() -> Result<T>, is_wanted: impl Fn(&T) -> bool) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told = ask().await?;
            if self.broker.is_embedded() || is_wanted(&told) || Instant::now() >= deadline {
                return Ok(told);
            }
        }
    }
}

fn at(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

/// Kafka's name of what went wrong with one thing.
fn refused<K: Ord, T>(answers: &PerItem<K, T>, of: &K) -> Result<String> {
    let answer = answers.get(of).context("no answer")?;
    Ok(answer.as_ref().err().map_or("NONE", BrokerError::name).to_owned())
}

fn done<K: Ord, T: Clone>(answers: &PerItem<K, T>, of: &K) -> Result<T> {
    Ok(answers.get(of).context("no answer")?.clone()?)
}
