//! The measured clients of rust-rdkafka, as its documentation would have them, and topics for all.

use std::{collections::VecDeque, hint::black_box, time::Duration};

use anyhow::{Context, Result, anyhow};
use rdkafka::{
    ClientConfig, Message,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord, Producer},
};

use crate::{
    alike::{CONSUMER, PRODUCER, fresh_group},
    order::{Order, PAYLOAD, key},
    protocol::{Measured, RunArgs, Stopwatch},
};

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// `StreamConsumer::recv` in a loop.
pub(crate) fn stream(args: &RunArgs, is_json: bool) -> Result<Measured> {
    let mut config = ClientConfig::new();
    CONSUMER.iter().for_each(|(k, v)| {
        config.set(*k, *v);
    });
    config.set("bootstrap.servers", &args.bootstrap_server).set("group.id", fresh_group());
    runtime()?.block_on(async {
        let consumer: StreamConsumer = config.create()?;
        consumer.subscribe(&[&args.topic])?;
        handle(&consumer.recv().await?, is_json)?;
        let watch = Stopwatch::start();
        for _ in 1..args.records {
            handle(&consumer.recv().await?, is_json)?;
        }
        Ok(watch.stop(args.records))
    })
}

fn handle(message: &impl Message, is_json: bool) -> Result<()> {
    let payload = message.payload().unwrap_or_default();
    if is_json {
        black_box(serde_json::from_slice::<Order>(payload)?);
    } else {
        black_box(payload);
    }
    Ok(())
}

/// `FutureProducer` with many records under way.
pub(crate) fn future_producer(args: &RunArgs, n_in_flight: usize) -> Result<Measured> {
    let mut config = ClientConfig::new();
    PRODUCER.iter().for_each(|(k, v)| {
        config.set(*k, *v);
    });
    let producer: FutureProducer = config.set("bootstrap.servers", &args.bootstrap_server).create()?;
    runtime()?.block_on(async {
        let send = |i: u64| {
            let key = key(i);
            producer
                .send_result(FutureRecord::to(&args.topic).key(&key).payload(&PAYLOAD[..]))
                .map_err(|(error, _)| error)
        };
        send(0)?.await?.map_err(|(error, _)| error)?;
        let watch = Stopwatch::start();
        let mut pending = VecDeque::with_capacity(n_in_flight);
        for i in 0..args.records {
            if pending.len() == n_in_flight
                && let Some(oldest) = pending.pop_front()
            {
                acknowledged(oldest).await?;
            }
            pending.push_back(send(i)?);
        }
        for oldest in pending {
            acknowledged(oldest).await?;
        }
        let measured = watch.stop(args.records);
        producer.flush(Duration::from_secs(10))?;
        Ok(measured)
    })
}

async fn acknowledged(delivery: rdkafka::producer::DeliveryFuture) -> Result<()> {
    delivery.await?.map_err(|(error, _)| error)?;
    Ok(())
}

fn admin(servers: &str) -> Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", servers).create()?)
}

fn options() -> AdminOptions {
    let timeout = Some(Duration::from_secs(30));
    AdminOptions::new().request_timeout(timeout).operation_timeout(timeout)
}

pub(crate) fn create_topic(servers: &str, topic: &str, n_partitions: i32) -> Result<()> {
    create_replicated_topic(servers, topic, n_partitions, 1)
}

pub(crate) fn create_replicated_topic(servers: &str, topic: &str, n_partitions: i32, n_replicas: i32) -> Result<()> {
    let (admin, runtime) = (admin(servers)?, runtime()?);
    let new = NewTopic::new(topic, n_partitions, TopicReplication::Fixed(n_replicas));
    let results = runtime.block_on(admin.create_topics([&new], &options()))?;
    let result = results.into_iter().next().context("no answer")?;
    result.map(drop).map_err(|(topic, code)| anyhow!("cannot create topic {topic}: {code}"))
}

/// The address of the node that leads the first partition of a topic.
pub(crate) fn leader(servers: &str, topic: &str) -> Result<String> {
    let admin = admin(servers)?;
    let metadata = admin.inner().fetch_metadata(Some(topic), Duration::from_secs(30))?;
    let partition = metadata.topics().first().and_then(|topic| topic.partitions().first());
    let leader = partition.context("the topic has no partition")?.leader();
    let node = metadata.brokers().iter().find(|broker| broker.id() == leader);
    node.map(|node| format!("{}:{}", node.host(), node.port())).context("the topic has no leader")
}

pub(crate) fn delete_topic(servers: &str, topic: &str) -> Result<()> {
    let (admin, runtime) = (admin(servers)?, runtime()?);
    let results = runtime.block_on(admin.delete_topics(&[topic], &options()))?;
    let result = results.into_iter().next().context("no answer")?;
    result.map(drop).map_err(|(topic, code)| anyhow!("cannot delete topic {topic}: {code}"))
}
