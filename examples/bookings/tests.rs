use embedded_broker::EmbeddedBroker;
use kafka_app_schema_tests::FakeRegistry;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn sales_and_refunds_become_changes_and_what_moves_no_money_a_dead_letter() -> anyhow::Result<()> {
    let broker = EmbeddedBroker::builder().topic("bookings", 1).topic("changes", 1).topic("bookings-dlt", 1).start()?;
    let registry = FakeRegistry::start().await?;
    let app = app(broker.bootstrap_servers(), &registry.url()).start().await?;
    let (sales, refunds) = (app.template::<String, Avro<Sale>>(), app.template::<String, Avro<Refund>>());
    sales.send("bookings", "ann", &Avro(Sale { id: 1, article: "hat".to_owned(), cents: 900 })).await?;
    refunds.send("bookings", "ann", &Avro(Refund { sale: 1, cents: 0 })).await?;
    refunds.send("bookings", "ann", &Avro(Refund { sale: 1, cents: 900 })).await?;

    let changes = broker.topic("changes").await_records(2).await?;
    let bodies: Vec<_> = changes.iter().filter_map(|record| Some(&record.value.as_deref()?[5..])).collect();
    assert_eq!(bodies, [&br#"{"cents":900,"why":"sale of hat"}"#[..], br#"{"cents":-900,"why":"refund of sale 1"}"#]);
    let letter = broker.topic("bookings-dlt").await_records(1).await?.remove(0);
    let reason = String::from_utf8_lossy(letter.header("kafka_dlt-exception-message").unwrap_or_default()).into_owned();
    assert!(reason.contains("not valid: a booking moves money"), "{reason}");
    assert_eq!(registry.versions("bookings-shop.Refund").len(), 1);
    app.stop().await.expect_clean();
    Ok(())
}
