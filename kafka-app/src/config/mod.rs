//! Configuration: the typed tree under `kafka.*`, its layers and its mistakes.

mod admin;
mod client;
mod client_map;
mod client_rules;
mod consumer;
mod env_layer;
mod from_text;
mod java_keys;
mod kafka_properties;
mod layer;
mod librdkafka_keys;
mod listener;
mod mistake;
mod placeholder;
mod producer;
mod properties;
mod property_rules;
mod resolve;
mod resolved;
mod section;
mod source;
mod toml_layer;

#[cfg(test)]
mod tests;

pub use admin::{AdminProperties, TemplateProperties};
pub use client::{ClientProperties, Secret, SslProperties};
pub(crate) use client_map::{admin_properties, consumer_properties, producer_properties};
pub use consumer::ConsumerProperties;
pub use from_text::{AutoOffsetReset, IsolationLevel};
pub use kafka_properties::{KafkaProperties, KafkaPropertiesBuilder, ListenerDefaults};
pub use listener::{AckMode, DeadLetter, Delivery, ListenerSettings, OnRevoke, Ordering, RetrySettings};
pub use producer::ProducerProperties;
pub use properties::Properties;
pub(crate) use resolve::Declared;
pub(crate) use resolved::{BatchLimits, ResolvedListener, Retry, Subscription};
