//! [`AdminClient`]: every call, what each says of the things it is about, and what it says where nobody answers.

mod configs;
mod connection;
mod groups;
mod rights;
mod topics;

use anyhow::{Context, Result};
use kafka_app::{
    TopicPartition,
    admin::{AdminClient, BrokerError, PerItem},
};
use kafka_app_tests::TestBroker;

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
