use std::time::Duration;

use embedded_broker::EmbeddedBroker;

use super::*;

#[tokio::test]
async fn an_unknown_article_cannot_be_billed() {
    let order = Order { id: 1, article: "unicorn".to_owned(), pieces: 1 };
    let billed = bill(Json(order), DeliveryAttempt(1), State(Arc::new(Stock::default()))).await;
    assert!(matches!(billed, Err(BillingError::UnknownArticle(article)) if article == "unicorn"));
}

#[test]
fn each_profile_names_its_cluster() -> kafka_app::Result<()> {
    assert!(configuration("dev").load()?.is_embedded());
    let servers = configuration("prod").load()?.client.bootstrap_servers.unwrap_or_default();
    assert_eq!(servers, ["kafka-1:9092", "kafka-2:9092", "kafka-3:9092"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_morning_of_orders_is_billed_booked_and_complained_about() -> anyhow::Result<()> {
    let broker = EmbeddedBroker::builder().start()?;
    let configuration = configuration("dev").set("kafka.bootstrap-servers", broker.bootstrap_servers());
    let stock = Arc::new(Stock::default());
    let app = app(configuration, &stock).start().await?;
    send_a_morning(&app).await?;
    tokio::time::timeout(Duration::from_secs(30), stock.wait_for(shop::BILLABLE, shop::UNBILLABLE)).await?;
    app.stop().await.expect_clean();
    assert_eq!(stock.booked(), 2 * 450 + 390 + 9_900);
    assert_eq!(stock.complaints().iter().map(|(order, _)| order.id).collect::<Vec<_>>(), [4]);
    Ok(())
}
