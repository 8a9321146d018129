//! A publisher with many records under way, each acknowledged.

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use ruststream::{Broker, ConnectedBroker, HeaderMap, OutgoingMessage, Publisher, Str};
use ruststream_rdkafka::{KafkaBroker, KafkaError, KafkaPublish, KafkaPublisher, PARTITION_KEY_HEADER};

use crate::{
    alike::PRODUCER,
    order::{PAYLOAD, key},
    protocol::{Measured, RunArgs, Stopwatch},
};

#[tokio::main(worker_threads = 2)]
pub(crate) async fn send(args: &RunArgs, n_in_flight: usize) -> Result<Measured> {
    let broker = KafkaBroker::new([args.bootstrap_server.as_str()]);
    let broker = PRODUCER.iter().fold(broker, |broker, (key, value)| broker.producer_config(*key, *value));
    let connected = broker.connect().await?;
    let publisher = connected.publisher(KafkaPublish::default());
    publish(&publisher, &args.topic, 0).await?;
    let watch = Stopwatch::start();
    // A publish does nothing before it is polled, and what is polled first is sent first.
    stream::iter(0..args.records)
        .map(|i| publish(&publisher, &args.topic, i))
        .buffer_unordered(n_in_flight)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await?;
    let measured = watch.stop(args.records);
    connected.shutdown().await?;
    Ok(measured)
}

/// The record's key travels as a header, which the publisher makes a key of.
async fn publish(publisher: &KafkaPublisher, topic: &str, i: u64) -> Result<(), KafkaError> {
    let mut headers = HeaderMap::new();
    headers.insert(Str::from_static(PARTITION_KEY_HEADER), key(i).to_vec());
    publisher.publish(OutgoingMessage::new(topic, &PAYLOAD[..]).with_headers(headers), None).await
}
