//! Clients that were told of no broker, as by a node whose session with the controller is over: librdkafka forgets the last
//! one then, and would never connect again.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use embedded_broker::{Api, Fault};
use kafka_app::{KafkaApp, RecordMetadata, State, kafka_listener, listeners};
use kafka_app_tests::{Journal, PATIENCE, TestBroker};
use kafka_protocol::{
    messages::MetadataResponse,
    protocol::{Decodable, Encodable},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

#[kafka_listener(id = "forward", topic = "${in}", group = "${group}", send_to = "${out}")]
async fn forward(text: String) -> String {
    text
}

#[kafka_listener(id = "collect", topic = "${out}", group = "${group}-out")]
async fn collect(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("collect", &metadata, text, 1);
}

/// Answers with metadata that names no broker; tells whom.
fn no_brokers(broker: &TestBroker) -> Result<(Fault, UnboundedReceiver<String>)> {
    let (asked, who) = unbounded_channel();
    let broker = broker.as_embedded().context("it is one")?;
    let fault = broker.fault().on(Api::Metadata).rewrite(move |request, answer| {
        let mut metadata =
            MetadataResponse::decode(&mut bytes::Bytes::from(answer), request.version).expect("it is metadata");
        metadata.brokers.clear();
        metadata.controller_id = (-1).into();
        for partition in metadata.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            (partition.leader_id, partition.error_code) = ((-1).into(), 5);
        }
        let mut answer = Vec::new();
        metadata.encode(&mut answer, request.version).expect("it is metadata");
        let _ = asked.send(request.client_id.to_owned());
        answer
    });
    Ok((fault, who))
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_and_templates_that_were_told_of_no_broker_go_on() -> Result<()> {
    let broker = TestBroker::embedded(&[])?;
    let (source, out) = (broker.topic("in", 1).await?, broker.topic("out", 1).await?);
    let journal = Journal::default();
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &source)
        .set("out", &out)
        .set("group", broker.name("adrift"))
        .set("kafka.properties.topic.metadata.refresh.interval.ms", "200")
        .state(journal.clone())
        .listeners(listeners![forward, collect])
        .start()
        .await?;
    let template = app.template::<[u8], str>();
    template.send(&source, b"k", "1").await?;
    journal.wait_for(1).await?;
    // Of its threads one sometimes comes before the other: then librdkafka does connect again by itself.
    for n in 2..5 {
        let (fault, mut who) = no_brokers(&broker)?;
        let mut told = BTreeSet::new();
        while told.len() < 3 {
            told.insert(tokio::time::timeout(PATIENCE, who.recv()).await?.context("all clients ask")?);
        }
        drop(fault);
        template.send(&source, b"k", &n.to_string()).await?;
        journal.wait_for(n).await?;
    }
    assert_eq!(journal.payloads(), ["1", "2", "3", "4"]);
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_client_that_was_told_of_no_broker_goes_on() -> Result<()> {
    let broker = TestBroker::embedded(&[])?;
    let topic = broker.topic("known", 1).await?;
    let admin = kafka_app::admin::AdminClient::connect(broker.bootstrap_servers())?;
    let (fault, mut who) = no_brokers(&broker)?;
    let _whatever_that_says = admin.list_topics().await;
    tokio::time::timeout(PATIENCE, who.recv()).await?.context("it asks")?;
    drop(fault);
    let topics = tokio::time::timeout(PATIENCE, admin.list_topics()).await??;
    assert!(topics.iter().any(|listing| listing.name == topic), "{topics:?}");
    Ok(())
}
