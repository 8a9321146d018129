//! A value for each key: kept while its partition is, and written before somebody else gets it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use anyhow::Result;
use kafka_app::{
    KafkaApp, Key, KeyScope, KeyState, KeyedState, Listener, Ordering, RecordMetadata, RunningApp, State,
    kafka_listener, listeners,
};
use kafka_app_tests::{Journal, TestBroker, record};

/// What both consumers share: totals by key.
#[derive(Default)]
struct Ledger(Mutex<HashMap<String, i64>>);

impl Ledger {
    fn totals(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.0.lock().expect("nobody panics with it")
    }
}

/// The total of an account, as its consumer knows it.
#[derive(Default)]
struct Total(i64);

impl KeyedState for Total {
    async fn flush(self, scope: KeyScope<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let ledger = scope.state::<Ledger>().ok_or("no ledger")?;
        // Whoever reads it now sees it too early or not at all.
        tokio::task::yield_now().await;
        let account = String::from_utf8(scope.key().to_vec())?;
        ledger.totals().insert(account, self.0);
        Ok(())
    }
}

#[kafka_listener(id = "totals", topic = "${in}", group = "${group}", ordering = "key", workers = 8)]
async fn totals(
    Key(account): Key<String>,
    amount: String,
    metadata: RecordMetadata,
    mut total: KeyState<'_, Total>,
    State(ledger): State<Ledger>,
    State(journal): State<Journal>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if total.is_new() {
        total.0 = ledger.totals().get(&account).copied().unwrap_or_default();
    }
    // The others of this key come later, whatever happens in between.
    tokio::task::yield_now().await;
    total.0 += amount.parse::<i64>()?;
    journal.note("totals", &metadata, amount, 1);
    Ok(())
}

const N_ACCOUNTS: usize = 20;

async fn started(
    broker: &TestBroker,
    topic: &str,
    group: &str,
    ledger: &Arc<Ledger>,
    journal: &Journal,
) -> Result<RunningApp> {
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", topic)
        .set("group", group)
        .shared_state(Arc::clone(ledger))
        .state(journal.clone())
        .listeners(listeners![totals]);
    Ok(app.start().await?)
}

async fn pay_in(broker: &TestBroker, topic: &str, n_each: usize) -> Result<()> {
    let payments = (0..n_each * N_ACCOUNTS).map(|n| record(format!("account-{}", n % N_ACCOUNTS), "1"));
    broker.produce(topic, payments.collect::<Vec<_>>()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_keys_are_written_before_their_partitions_go_to_another_and_when_the_listener_stops() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("payments", 4).await?;
    let (group, ledger, journal) = (broker.name("totals"), Arc::new(Ledger::default()), Journal::default());
    let first = started(&broker, &topic, &group, &ledger, &journal).await?;
    pay_in(&broker, &topic, 10).await?;
    journal.wait_for(10 * N_ACCOUNTS).await?;
    assert!(ledger.totals().is_empty(), "nothing has been given back yet");

    let second = started(&broker, &topic, &group, &ledger, &journal).await?;
    second.ready().await?;
    pay_in(&broker, &topic, 10).await?;
    journal.wait_for(20 * N_ACCOUNTS).await?;
    first.stop().await.expect_clean();
    pay_in(&broker, &topic, 10).await?;
    journal.wait_for(30 * N_ACCOUNTS).await?;
    second.stop().await.expect_clean();

    let totals = ledger.totals();
    assert_eq!(totals.len(), N_ACCOUNTS);
    assert!(totals.values().all(|total| *total == 30), "{totals:?}");
    Ok(())
}

#[test]
fn values_of_keys_are_refused_where_they_would_not_be_what_they_seem() {
    let listener = || totals_listener().topics(["in"]).group("g");
    for (listener, why) in [
        (listener().ordering(Ordering::None), "with ordering \"none\" two records of a key are handled at once"),
        (listener().delivery(kafka_app::Delivery::ExactlyOnce), "what a transaction that is given up had changed"),
        (
            listener().retry_topics(kafka_app::RetryTopicSettings::default()),
            "a record of a retry topic is in another partition",
        ),
    ] {
        let app = KafkaApp::new("127.0.0.1:1").state(Ledger::default()).state(Journal::default()).listeners([listener]);
        let error = app.topology().expect_err("it cannot work").to_string();
        assert!(error.contains("takes `KeyState<") && error.contains(why), "{error}");
    }
}

fn totals_listener() -> Listener {
    listeners![totals].into_iter().next().expect("one")
}
