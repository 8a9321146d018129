//! Generated code says every path from its root: nothing of the prelude is in scope here.
#![no_implicit_prelude]

#[allow(dead_code, reason = "they are there to be in the way")]
/// Names that generated code would meet if it were careless.
mod careless {
    #[derive(Debug)]
    pub(crate) struct Result;
    #[derive(Debug)]
    pub(crate) struct Option;
    #[derive(Debug)]
    pub(crate) struct Vec;
    #[derive(Debug)]
    pub(crate) struct HasClass;
}

#[expect(unused_imports, reason = "they are there to be in the way")]
use careless::{HasClass, Option, Result, Vec};

#[::kafka_app::kafka_listener(
    topics = ["orders", ORDERS],
    group = "billing",
    ack_time = "1s",
    retry(attempts = 2, backoff = "1s"),
    dead_letter = "dead",
    filter = keep,
    properties("client.id" = "a")
)]
async fn bill(text: ::kafka_app::Text, Own(argument): Own) -> ::core::result::Result<(), Refused> {
    let _ = (text, argument);
    ::core::result::Result::Err(Refused::Busy)
}

#[::kafka_app::kafka_listener(topic = "orders")]
#[expect(clippy::needless_pass_by_value, reason = "a batch is handed over")]
fn bill_all(batch: ::kafka_app::Batch<::kafka_app::Text>) -> ::std::vec::Vec<::core::result::Result<(), Refused>> {
    let _ = batch;
    ::std::vec::Vec::new()
}

const ORDERS: &str = "returns";

fn keep(record: &::kafka_app::RawRecord) -> bool {
    record.offset() > 0
}

struct Own(i64);

impl<'r> ::kafka_app::FromRecord<'r> for Own {
    fn from_record(
        cx: &::kafka_app::RecordContext<'r>,
    ) -> ::core::result::Result<Self, ::kafka_app::__private::Rejection> {
        ::core::result::Result::Ok(Self(cx.record().offset()))
    }
}

#[derive(Debug, ::kafka_app::KafkaError)]
enum Refused {
    Busy,
    #[skip]
    #[expect(dead_code, reason = "only its class is of interest")]
    Done {
        at: i64,
    },
}

impl ::core::fmt::Display for Refused {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.write_str("refused")
    }
}

impl ::std::error::Error for Refused {}

#[test]
fn listeners_are_declared_without_a_prelude() {
    let listeners = ::kafka_app::listeners![bill, bill_all];
    ::core::assert_eq!(listeners[0].id(), "bill");
    ::core::assert_eq!(listeners[1].id(), "bill_all");
    ::core::assert!(::kafka_app::listeners![].is_empty());
}
