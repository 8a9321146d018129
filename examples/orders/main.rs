//! Typed topics, error classes, retries, a dead letter topic, a batch listener, and a configuration file with two profiles.
//!
//! `cargo run --bin orders` takes `config/kafka-app.toml` and the profile `dev` (the embedded broker);
//! `KAFKA_APP_PROFILE=prod cargo run --bin orders` a real cluster.
#![expect(clippy::print_stdout, reason = "its last line says what came of the day")]

mod shop;

use std::{path::Path, sync::Arc};

use kafka_app::{
    Batch, DeliveryAttempt, Json, KafkaApp, KafkaError, NewTopic, RecordMetadata, RunningApp, State,
    config::{KafkaProperties, KafkaPropertiesBuilder},
    kafka_listener, listeners,
};

use shop::{Invoice, Order, Stock};

/// What can go wrong with an order, and what is to be done about it.
#[derive(Debug, KafkaError)]
enum BillingError {
    /// The warehouse did not answer: deliver the order again, later.
    #[retry]
    WarehouseBusy,
    /// Nobody can bill this: to the dead letter topic, where a person looks at it.
    #[dead_letter]
    UnknownArticle(String),
    /// Sent twice by the shop: drop it.
    #[skip]
    AlreadyBilled(u64),
}

impl std::fmt::Display for BillingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WarehouseBusy => f.write_str("the warehouse is busy"),
            Self::UnknownArticle(article) => write!(f, "there is no article {article:?}"),
            Self::AlreadyBilled(order) => write!(f, "order {order} is billed already"),
        }
    }
}

impl std::error::Error for BillingError {}

/// Bills an order. The retry policy can be changed per environment under `kafka.listeners.bill.retry`.
#[kafka_listener(
    topic = shop::ORDERS,
    group = "billing",
    send_to = shop::INVOICES,
    retry(attempts = 5, backoff = "50ms", multiplier = 2.0, max_backoff = "1s"),
    dead_letter = "orders-dlt"
)]
async fn bill(
    Json(order): Json<Order>,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(stock): State<Stock>,
) -> Result<Json<Invoice>, BillingError> {
    let cents = stock.price(&order, attempt)?;
    Ok(Json(Invoice { order: order.id, cents: cents * u64::from(order.pieces) }))
}

/// Books invoices, up to 100 at a time: one write for many.
#[kafka_listener(topic = shop::INVOICES, group = "ledger", batch(max_records = 100, max_wait = "200ms"))]
async fn book(invoices: Batch<Json<Invoice>>, State(stock): State<Stock>) {
    stock.book(invoices.iter().map(|item| &item.payload.0));
}

/// What could not be billed.
#[kafka_listener(topic = "orders-dlt", group = "support")]
async fn look_at(Json(order): Json<Order>, metadata: RecordMetadata, State(stock): State<Stock>) {
    stock.complain(&order, metadata.offset);
}

#[tokio::main]
async fn main() -> kafka_app::Result<()> {
    tracing_subscriber::fmt().init();
    let profile = std::env::var("KAFKA_APP_PROFILE").unwrap_or_else(|_| "dev".to_owned());
    let stock = Arc::new(Stock::default());
    let app = app(configuration(&profile), &stock).start().await?;
    send_a_morning(&app).await?;
    stock.wait_for(shop::BILLABLE, shop::UNBILLABLE).await;
    println!("booked {} cents; {} orders need a person", stock.booked(), stock.complaints().len());
    app.stop().await.into_result()
}

/// The files beside this program, the profile, and the environment.
fn configuration(profile: &str) -> KafkaPropertiesBuilder {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    KafkaProperties::builder().directory(directory).profiles([profile]).environment(std::env::vars())
}

/// Sends every order of the morning, keyed by customer.
async fn send_a_morning(app: &RunningApp) -> kafka_app::Result<()> {
    let orders = shop::a_morning();
    let keyed = orders.iter().map(|(customer, order)| (*customer, order));
    app.template::<String, Json<Order>>().send_all(shop::ORDERS, keyed).await?;
    Ok(())
}

/// The application, for `main` and for the tests.
fn app(configuration: KafkaPropertiesBuilder, stock: &Arc<Stock>) -> KafkaApp {
    KafkaApp::with_configuration(configuration)
        .topics([
            NewTopic::new(shop::ORDERS.name()).partitions(3),
            NewTopic::new(shop::INVOICES.name()).partitions(1),
            NewTopic::new("orders-dlt").partitions(3),
        ])
        .shared_state(Arc::clone(stock))
        .listeners(listeners![bill, book, look_at])
}

#[cfg(test)]
mod tests;
