//! Where a partition begins and ends, and what lies at a time, asked of the broker.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use crate::{
    error::{Error, ErrorKind, Result},
    listener::later,
    offset_spec::OffsetSpec,
    record::TopicPartition,
};

/// One question is given up after this long and asked again, as long as there is time.
const ATTEMPT: Duration = Duration::from_secs(5);

/// The offset that each of these names now: what is sent from now on lies behind the latest. Blocks for up to `timeout` in
/// all; `properties` name the cluster, and which records count.
pub(crate) fn offsets(
    properties: &BTreeMap<String, String>,
    asked: &[(TopicPartition, OffsetSpec)],
    timeout: Duration,
) -> Result<Vec<(TopicPartition, i64)>> {
    let asking = Asking { consumer: client(properties)?, deadline: later(Instant::now(), timeout) };
    asked.iter().map(|(at, spec)| Ok((at.clone(), asking.offset(at, *spec)?))).collect()
}

/// A client that only asks.
pub(super) fn client(properties: &BTreeMap<String, String>) -> Result<BaseConsumer> {
    let config = properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<ClientConfig>();
    config.create().map_err(|e| refused("a client", &e))
}

/// What went wrong with a question.
pub(super) fn refused(what: &str, error: &KafkaError) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot ask the broker for {what}")).with_source(error.to_string())
}

struct Asking {
    consumer: BaseConsumer,
    deadline: Instant,
}

impl Asking {
    fn offset(&self, at: &TopicPartition, spec: OffsetSpec) -> Result<i64> {
        if let OffsetSpec::Offset(offset) = spec {
            return Ok(offset);
        }
        if let OffsetSpec::Timestamp(ms) = spec
            && let Some(offset) = self.at_time(at, ms)?
        {
            return Ok(offset);
        }
        let ask = |within| self.consumer.fetch_watermarks(&at.topic, at.partition, within);
        let (first, end) = self.answer(at, "first and end offset", ask)?;
        Ok(spec.between(first, end).unwrap_or(end))
    }

    /// `None`: no record is as late as that.
    fn at_time(&self, at: &TopicPartition, ms: i64) -> Result<Option<i64>> {
        let mut asked = TopicPartitionList::new();
        asked
            .add_partition_offset(&at.topic, at.partition, Offset::Offset(ms))
            .map_err(|e| Error::new(ErrorKind::Refused, format!("{ms} is no time in milliseconds")).with_source(e))?;
        self.answer(at, "offset of a time", |within| {
            let found = self.consumer.offsets_for_times(asked.clone(), within)?;
            let Some(element) = found.find_partition(&at.topic, at.partition) else { return Ok(None) };
            element.error()?;
            Ok(match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            })
        })
    }

    /// Asks again while the partition moves or its topic is so new that not every broker knows it.
    fn answer<T>(
        &self,
        at: &TopicPartition,
        what: &str,
        ask: impl Fn(Duration) -> std::result::Result<T, KafkaError>,
    ) -> Result<T> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let error = match ask(left.min(ATTEMPT)) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // Who leads it is asked anew; that is also what keeps this from turning without a pause.
            let goes_on = !left.is_zero()
                && is_passing(&error)
                && self.consumer.fetch_metadata(Some(&at.topic), left.min(ATTEMPT)).is_ok();
            if !goes_on {
                return Err(refused(&format!("{what} of {at}"), &error));
            }
        }
    }
}

fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        LeaderNotAvailable, NotLeaderForPartition, OperationTimedOut, UnknownPartition, UnknownTopicOrPartition,
    };
    let passing =
        [LeaderNotAvailable, NotLeaderForPartition, OperationTimedOut, UnknownPartition, UnknownTopicOrPartition];
    error.rdkafka_error_code().is_some_and(|code| passing.contains(&code))
}
