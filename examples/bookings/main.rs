//! Two types on one topic, in Avro with their schemas in a registry, and what is made of them in JSON with a JSON Schema.
//!
//! It wants a schema registry with Confluent's REST API; `tests/schemas/registry start` starts one and prints its URL:
//! `cargo run --bin bookings -- http://localhost:8081`, on the embedded broker, or on a real one with `host:port` behind it.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

mod booking;
#[cfg(test)]
mod tests;

use anyhow::Context;
use booking::{Booking, Refund, Sale};
use kafka_app::{Avro, JsonSchema, KafkaApp, Key, Valid, kafka_listener, listeners};
use serde::{Deserialize, Serialize};

/// What a booking does to an account.
#[derive(Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
struct Change {
    cents: i64,
    why: String,
}

/// A booking that does not pass its own check goes to the dead letters, as one does that cannot be decoded.
#[kafka_listener(topic = "bookings", group = "accounts", send_to = "changes", dead_letter = "bookings-dlt")]
async fn book(Valid(booking): Valid<Booking>) -> JsonSchema<Change> {
    JsonSchema(match booking {
        Booking::Sale(sale) => Change { cents: sale.cents, why: format!("sale of {}", sale.article) },
        Booking::Refund(refund) => Change { cents: -refund.cents, why: format!("refund of sale {}", refund.sale) },
    })
}

#[kafka_listener(topic = "changes", group = "accounts-print")]
async fn print(Key(account): Key<String>, JsonSchema(change): JsonSchema<Change>) {
    println!("{account}: {:+} cents, {}", change.cents, change.why);
}

fn app(bootstrap_servers: &str, registry: &str) -> KafkaApp {
    KafkaApp::new(bootstrap_servers)
        .set("kafka.schema-registry.url", registry)
        // Each type of a topic has a subject, and evolves, on its own.
        .set("kafka.schema-registry.value-subject-name-strategy", "topic-record-name")
        .listeners(listeners![book, print])
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let registry =
        arguments.next().context("the URL of a schema registry is wanted: bookings http://localhost:8081")?;
    let app = app(arguments.next().as_deref().unwrap_or("embedded"), &registry).start().await?;
    let sale = Avro(Sale { id: 1, article: "two shoes".to_owned(), cents: 4_200 });
    app.template::<String, Avro<Sale>>().send("bookings", "ann", &sale).await?;
    app.template::<String, Avro<Refund>>().send("bookings", "ann", &Avro(Refund { sale: 1, cents: 4_200 })).await?;
    Ok(app.wait().await?) // until Ctrl-C or SIGTERM: drain, commit, leave the group
}
