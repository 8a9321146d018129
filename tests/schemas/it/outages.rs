//! A registry that fails: records wait for it, none is given up, and others go on.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use kafka_app::{
    Avro, DeliveryAttempt, ErrorKind, RecordMetadata, RunningApp, State, Template, Text, kafka_listener, listeners,
};
use kafka_app_schema_tests::{FakeRegistry, Fault};
use kafka_app_tests::{Journal, PATIENCE, record};
use tokio::sync::Notify;

use crate::types::{Refund, Sale, Setup, sale};

#[kafka_listener(
    id = "sell",
    topic = "${in}",
    group = "${group}",
    retry(attempts = 1),
    dead_letter = "${dlt}",
    send_to = "${out}"
)]
async fn sell(
    Avro(sale): Avro<Sale>,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    journal: State<Journal>,
) -> Avro<Refund> {
    journal.note("sell", &metadata, sale.id.to_string(), attempt);
    Avro(Refund { sale: sale.id })
}

#[kafka_listener(id = "chat", topic = "${chat}", group = "${group}-chat")]
async fn chat(Text(text): Text, metadata: RecordMetadata, journal: State<Journal>) {
    journal.note("chat", &metadata, text, 1);
}

#[kafka_listener(id = "resell", topic = "${in}", group = "${group}", retry(attempts = 1), dead_letter = "${dlt}")]
async fn resell(
    id: String,
    Template(sales): Template<(), Avro<Sale>>,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    journal: State<Journal>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Its text alone goes on, as with many ways to report errors.
    let sent = sales.send_default(&(), &Avro(sale(id.parse()?))).await;
    sent.map_err(|failed| failed.to_string())?;
    journal.note("resell", &metadata, id, attempt);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_whose_template_gets_no_answer_of_the_registry_is_called_again_and_nothing_is_given_up() -> Result<()>
{
    let setup = Setup::new().await?;
    let broker = &setup.broker;
    let (ids, sales, dlt) =
        (broker.topic("ids", 1).await?, broker.topic("sales", 1).await?, broker.topic("dlt", 1).await?);
    setup.registry.fault(Some(Fault::Down));
    let journal = Journal::default();
    let app = setup
        .app()
        .set("in", &ids)
        .set("dlt", &dlt)
        .set("group", broker.name("resell"))
        .set("kafka.template.default-topic", &sales)
        .state(journal.clone())
        .listeners(listeners![resell])
        .start()
        .await?;
    broker.produce(&ids, (0..3).map(|id| record("", id.to_string())).collect::<Vec<_>>()).await?;
    let asked_twice = async {
        while setup.registry.requests().len() < 2 {
            setup.registry.next_request().await;
        }
    };
    ensure!(tokio::time::timeout(PATIENCE, asked_twice).await.is_ok(), "it is not asked again");
    setup.registry.fault(None);
    let entries = journal.wait_for(3).await?;
    let handled: Vec<_> = entries.iter().map(|entry| (&*entry.payload, entry.attempt)).collect();
    assert_eq!(handled, [("0", 1), ("1", 1), ("2", 1)]);
    assert_eq!(broker.records(&sales, 3).await?.len(), 3);
    app.stop().await.expect_clean();
    assert_eq!(broker.end_offsets(&dlt)?.values().sum::<i64>(), 0, "nothing is dead-lettered");
    Ok(())
}

#[kafka_listener(
    id = "grumble",
    topic = "${chat}",
    group = "${group}-chat",
    retry(attempts = 1),
    dead_letter = "${dlt}"
)]
async fn grumble(Text(text): Text, registry: State<FakeRegistry>) -> Result<(), String> {
    // So long that a question of others is given up meanwhile.
    for _ in 0..3 {
        registry.next_request().await;
    }
    Err(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_asks_nothing_of_the_registry_fails_by_itself_while_it_is_down() -> Result<()> {
    let setup = Setup::new().await?;
    let broker = &setup.broker;
    let (ids, chat, dlt) =
        (broker.topic("ids", 1).await?, broker.topic("chat", 1).await?, broker.topic("dlt", 1).await?);
    setup.registry.fault(Some(Fault::Down));
    let app = setup
        .app()
        .set("in", &ids)
        .set("chat", &chat)
        .set("dlt", &dlt)
        .set("group", broker.name("grumblers"))
        .set("kafka.template.default-topic", broker.name("sales"))
        .shared_state(Arc::clone(&setup.registry))
        .state(Journal::default())
        .listeners(listeners![resell, grumble])
        .start()
        .await?;
    broker.produce(&ids, [record("", "0")]).await?;
    broker.produce(&chat, [record("", "hello")]).await?;
    let letters = broker.records(&dlt, 1).await?;
    assert_eq!(letters[0].payload.as_deref(), Some(&b"hello"[..]));
    assert_eq!(app.listener("grumble")?.metrics().counts().postponed, 0);
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_a_replica_does_not_know_is_not_unknown_while_its_leader_is_silent() -> Result<()> {
    let replica = FakeRegistry::start().await?;
    let shop = Shop::open_with(Fault::Down, "at-least-once", |leader| format!("{},{leader}", replica.url())).await?;
    shop.asked(3).await?;
    assert!(replica.requests().iter().any(|request| request.starts_with("GET /schemas/ids/")), "it says 404");
    shop.recovers().await
}

/// A topic with sales in it, and an application that has not seen their schema.
struct Shop {
    setup: Setup,
    journal: Journal,
    app: RunningApp,
    refunds: String,
    dlt: String,
    chat: String,
}

impl Shop {
    async fn open(fault: Fault, delivery: &str) -> Result<Self> {
        Self::open_with(fault, delivery, |url| url).await
    }

    /// With these URLs, of its own one.
    async fn open_with(fault: Fault, delivery: &str, urls: impl FnOnce(String) -> String) -> Result<Self> {
        let setup = Setup::new().await?;
        let broker = &setup.broker;
        let (sales, refunds) = (broker.topic("sales", 1).await?, broker.topic("refunds", 1).await?);
        let (dlt, chat) = (broker.topic("dlt", 1).await?, broker.topic("chat", 1).await?);
        let seller = setup.app().start().await?;
        seller.template::<(), Avro<Sale>>().send_all(&sales, (0..5).map(|id| (&(), Avro(sale(id))))).await?;
        seller.stop().await.expect_clean();
        setup.registry.fault(Some(fault));
        let journal = Journal::default();
        let app = setup
            .app()
            .set("in", &sales)
            .set("out", &refunds)
            .set("dlt", &dlt)
            .set("chat", &chat)
            .set("group", broker.name("shop"))
            .set("kafka.listeners.sell.delivery", delivery)
            .set("kafka.schema-registry.url", urls(setup.registry.url()))
            .state(journal.clone())
            .listeners(listeners![sell, chat])
            .start()
            .await?;
        Ok(Self { setup, journal, app, refunds, dlt, chat })
    }

    /// Waits until the registry has been asked so often more.
    async fn asked(&self, more: usize) -> Result<()> {
        let enough = self.setup.registry.requests().len() + more;
        let asked = async {
            while self.setup.registry.requests().len() < enough {
                self.setup.registry.next_request().await;
            }
        };
        ensure!(tokio::time::timeout(PATIENCE, asked).await.is_ok(), "it is not asked again");
        Ok(())
    }

    /// The registry is back: all is handled, once, and nothing was given up.
    async fn recovers(self) -> Result<()> {
        self.setup.registry.fault(None);
        let entries =
            self.journal.wait_until(|entries| entries.iter().filter(|e| e.who == "sell").count() >= 5).await?;
        let sold: Vec<_> =
            entries.iter().filter(|entry| entry.who == "sell").map(|e| (&*e.payload, e.attempt)).collect();
        assert_eq!(sold, [("0", 1), ("1", 1), ("2", 1), ("3", 1), ("4", 1)]);
        assert_eq!(self.setup.broker.records(&self.refunds, 5).await?.len(), 5);
        assert_eq!(self.setup.broker.end_offsets(&self.dlt)?.values().sum::<i64>(), 0, "nothing is dead-lettered");
        let counts = self.app.listener("sell")?.metrics().counts();
        assert_eq!((counts.failed, counts.rejected, counts.retried), (0, 0, 0));
        self.app.stop().await.expect_clean();
        Ok(())
    }
}

async fn waits_out(fault: Fault) -> Result<()> {
    let shop = Shop::open(fault, "at-least-once").await?;
    shop.asked(3).await?;
    shop.setup.broker.produce(&shop.chat, [record("", "hello")]).await?;
    shop.journal.wait_until(|entries| entries.iter().any(|entry| entry.who == "chat")).await?;
    shop.recovers().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_down_is_waited_for() -> Result<()> {
    waits_out(Fault::Down).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_broken_is_waited_for() -> Result<()> {
    waits_out(Fault::Broken).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_find_the_registry_is_no_word_of_it() -> Result<()> {
    waits_out(Fault::NotThere).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_is_waited_out() -> Result<()> {
    waits_out(Fault::Babble).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_answer_in_time_is_asked_again() -> Result<()> {
    let go_on = Arc::new(Notify::new());
    let shop = Shop::open(Fault::Held(go_on), "at-least-once").await?;
    shop.asked(2).await?;
    shop.recovers().await
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_once_its_records_come_again_and_each_output_is_there_once() -> Result<()> {
    let shop = Shop::open(Fault::Down, "exactly-once").await?;
    shop.asked(3).await?;
    shop.recovers().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_listener_returns_waits_for_the_id_of_its_schema() -> Result<()> {
    let shop = Shop::open(Fault::ReadOnly, "at-least-once").await?;
    shop.asked(3).await?;
    shop.recovers().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_waits_stops_at_once() -> Result<()> {
    let shop = Shop::open(Fault::Down, "at-least-once").await?;
    shop.asked(2).await?;
    let stopped = tokio::time::timeout(Duration::from_secs(20), shop.app.stop()).await?;
    stopped.expect_clean();
    assert!(shop.journal.entries().is_empty());
    assert_eq!(shop.setup.broker.end_offsets(&shop.dlt)?.values().sum::<i64>(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_the_registry_does_not_answer_fails_and_says_so() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("sales", 1).await?;
    setup.registry.fault(Some(Fault::Down));
    let app = setup.app().start().await?;
    let template = app.template::<(), Avro<Sale>>();
    let error = template.send(&topic, &(), &Avro(sale(1))).await.expect_err("the registry is down");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("the schema registry does not answer (127.0.0.1:"), "{error}");
    let error = template.send_all(&topic, (0..3).map(|id| (&(), Avro(sale(id))))).await.expect_err("none is sent");
    assert_eq!((error.n_sent(), error.failures().len()), (0, 3));
    assert_eq!(setup.n_requests("POST"), 2, "many records ask once");
    setup.registry.fault(None);
    template.send(&topic, &(), &Avro(sale(1))).await?;
    app.stop().await.expect_clean();
    Ok(())
}
