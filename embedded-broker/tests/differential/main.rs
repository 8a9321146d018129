//! The same requests to two brokers, and the same answers: seeded random sequences, compared field by field.
//!
//! Always: two embedded brokers, which must agree with each other. When `KAFKA_APP_TEST_BOOTSTRAP` names a real Kafka
//! (`tests/apache-kafka/kafka start` runs one): an embedded broker and that.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `KAFKA_APP_DIFFERENTIAL_SEQUENCES` | how many sequences of each scenario | 24 |
//! | `KAFKA_APP_DIFFERENTIAL_SEED` | the seed of the first; the others follow it | 1 |
//! | `KAFKA_APP_DIFFERENTIAL_THREADS` | sequences at a time | 4 |
//!
//! A scenario is a generator of steps and a world in which a step is done, which turns answers into text: whatever two
//! brokers may name differently is replaced by what it stands for (`names.rs`), whatever they may order differently is
//! sorted. The driver (`compare.rs`) knows neither groups nor anything else of Kafka.

#[path = "../wire/client.rs"]
#[allow(dead_code, reason = "the client of the wire tests, of which only a part is used here")]
mod client;
mod compare;
mod groups;
mod names;
mod random;
mod target;

use compare::{Plan, compare};
use groups::Groups;

#[test]
fn groups_answer_as_they_did_before() {
    compare::<Groups>(&Plan::from_environment(), None);
}

#[test]
fn groups_answer_as_a_real_kafka() {
    if let Some(address) = target::real() {
        compare::<Groups>(&Plan::from_environment(), Some(&address));
    }
}
