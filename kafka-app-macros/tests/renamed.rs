//! The runtime under another name: `crate = path` says which.

/// Shadows the name that generated code says by itself.
mod kafka_app {}

extern crate kafka_app as other;

mod reexported {
    pub(crate) use other as runtime;
}

#[other::kafka_listener(topic = "orders", crate = other)]
async fn bill() -> Result<(), Refused> {
    Err(Refused)
}

#[other::kafka_listener(crate = crate::reexported::runtime, topic = "orders", retry(attempts = 2), ack = "record")]
async fn ship(orders: other::Batch<other::Text>) {
    drop(orders);
}

#[derive(Debug, other::KafkaError)]
#[kafka_error(crate = other)]
#[stop]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

#[test]
fn listeners_find_the_runtime_under_its_other_name() {
    let listeners = other::listeners![bill, ship];
    assert_eq!(listeners.iter().map(other::Listener::id).collect::<Vec<_>>(), ["bill", "ship"]);
    assert_eq!(other::KafkaError::class(&Refused), other::ErrorClass::Stop);
}
