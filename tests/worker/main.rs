//! The process that `it/survival.rs` kills: it writes the payload of each record it handles as a line; exactly once, it
//! also sends it to a topic, in transactions. With `retried-` before the
//! delivery it handles each record the second time only, from a retry topic.
//!
//! `worker BOOTSTRAP TOPIC GROUP DELIVERY SESSION_TIMEOUT_MS [OUT]`

use std::{io::Write, sync::Mutex};

use anyhow::{Context, Result};
use kafka_app::{Delivery, DeliveryAttempt, KafkaApp, State, kafka_listener, listeners};

/// Where lines go; a whole line in one call, so that a kill leaves no half line.
struct Out(Mutex<std::io::Stdout>);

#[kafka_listener(id = "worker", topic = "${in}", group = "${group}")]
async fn handle(payload: &str, State(out): State<Out>) -> Result<(), std::io::Error> {
    let mut out = out.0.lock().map_err(|_| std::io::Error::other("another handler panicked"))?;
    out.write_all(format!("{payload}\n").as_bytes())?;
    out.flush()
}

#[kafka_listener(id = "worker", topic = "${in}", group = "${group}", send_to = "${out}", delivery = "exactly-once")]
async fn copy(payload: String, State(out): State<Out>) -> Result<String, std::io::Error> {
    handle(&payload, State(out)).await?;
    Ok(payload)
}

/// Handles each record the second time only, from a retry topic.
#[kafka_listener(
    id = "worker",
    topic = "${in}",
    group = "${group}",
    send_to = "${out}",
    retry_topics(attempts = 3, backoff = "100ms")
)]
async fn reluctant(
    payload: String,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(out): State<Out>,
) -> Result<String, std::io::Error> {
    if attempt == 1 {
        return Err(std::io::Error::other("not yet"));
    }
    handle(&payload, State(out)).await?;
    Ok(payload)
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = std::env::args().collect::<Vec<_>>();
    let [_, bootstrap, topic, group, delivery, session, out @ ..] = args.as_slice() else {
        anyhow::bail!("usage: worker BOOTSTRAP TOPIC GROUP DELIVERY SESSION_TIMEOUT_MS [OUT]");
    };
    let listeners = match delivery.as_str() {
        "at-least-once" => listeners![handle],
        "at-most-once" => listeners![handle].into_iter().map(|l| l.delivery(Delivery::AtMostOnce)).collect(),
        "exactly-once" => listeners![copy],
        "retried-at-least-once" => listeners![reluctant],
        "retried-exactly-once" => {
            listeners![reluctant].into_iter().map(|l| l.delivery(Delivery::ExactlyOnce)).collect()
        }
        other => anyhow::bail!("unknown delivery {other}"),
    };
    let app = KafkaApp::new(bootstrap)
        .set("in", topic)
        .set("group", group)
        .set("out", out.first().map_or("", String::as_str))
        .set("kafka.producer.transaction-id-prefix", "worker-")
        .set("kafka.consumer.properties.session.timeout.ms", session)
        .set("kafka.consumer.properties.heartbeat.interval.ms", "300")
        .state(Out(Mutex::new(std::io::stdout())))
        .listeners(listeners);
    app.run().await.context("the worker")
}
