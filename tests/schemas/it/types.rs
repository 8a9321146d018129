//! What the tests send and receive.

use std::sync::Arc;

use anyhow::Result;
use apache_avro::AvroSchema;
use kafka_app::{KafkaApp, ProtobufSchema, Validate};
use kafka_app_schema_tests::FakeRegistry;
use kafka_app_tests::TestBroker;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema, schemars::JsonSchema)]
#[avro(namespace = "shop")]
pub(crate) struct Sale {
    pub(crate) id: i64,
    pub(crate) article: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "shop")]
pub(crate) struct Refund {
    pub(crate) sale: i64,
}

pub(crate) fn sale(id: i64) -> Sale {
    Sale { id, article: "hat".to_owned() }
}

impl Validate for Sale {
    type Error = &'static str;

    fn validate(&self) -> Result<(), Self::Error> {
        if self.id >= 0 { Ok(()) } else { Err("a sale has a number") }
    }
}

/// A later version of [`Sale`].
pub(crate) mod later {
    use apache_avro::AvroSchema;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "shop")]
    pub(crate) struct Sale {
        pub(crate) id: i64,
        #[avro(default = r#""EUR""#)]
        pub(crate) currency: String,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Receipt {
    #[prost(int64, tag = "1")]
    pub(crate) id: i64,
    #[prost(string, tag = "2")]
    pub(crate) text: String,
}

impl prost::Name for Receipt {
    const NAME: &'static str = "Receipt";
    const PACKAGE: &'static str = "shop";
}

impl ProtobufSchema for Receipt {
    const PROTO: &'static str = r#"
        syntax = "proto3";
        package shop;
        message Ticket { string text = 2; }
        message Receipt { int64 id = 1; string text = 2; }
    "#;
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Ticket {
    #[prost(string, tag = "2")]
    pub(crate) text: String,
}

impl prost::Name for Ticket {
    const NAME: &'static str = "Ticket";
    const PACKAGE: &'static str = "shop";
}

impl ProtobufSchema for Ticket {
    const PROTO: &'static str = Receipt::PROTO;
}

/// A broker and a registry.
pub(crate) struct Setup {
    pub(crate) broker: TestBroker,
    pub(crate) registry: Arc<FakeRegistry>,
}

impl Setup {
    pub(crate) async fn new() -> Result<Self> {
        Ok(Self { broker: TestBroker::start()?, registry: Arc::new(FakeRegistry::start().await?) })
    }

    /// An application with both, whose client gives up soon.
    pub(crate) fn app(&self) -> KafkaApp {
        KafkaApp::new(self.broker.bootstrap_servers())
            .set("kafka.schema-registry.url", self.registry.url())
            .set("kafka.schema-registry.max-retries", "0")
            .set("kafka.schema-registry.http-read-timeout", "2s")
    }

    /// How often it was asked so.
    pub(crate) fn n_requests(&self, method: &str) -> usize {
        self.registry.requests().iter().filter(|request| request.starts_with(method)).count()
    }
}

/// What a record in Confluent's wire format begins with.
pub(crate) fn header(id: u32) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes()].concat()
}
