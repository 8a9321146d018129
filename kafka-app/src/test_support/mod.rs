//! Doubles for tests: records without a broker, a lane that notes progress, a producer that does as it is told.

mod acks;
mod bench;
mod errors;
mod events;
mod progress;
mod record;
#[cfg(feature = "schema-registry")]
mod schemas;
mod sink;

pub(crate) use acks::{AckEvent, Acks, acks};
pub(crate) use bench::{Bench, FakeTransactions};
pub(crate) use errors::Refused;
pub(crate) use events::{Events, keep_all_places};
pub(crate) use progress::FakeProgress;
pub(crate) use record::TestRecord;
#[cfg(feature = "schema-registry")]
pub(crate) use schemas::FakeSchemas;
pub(crate) use sink::{FakeSink, Sent};
