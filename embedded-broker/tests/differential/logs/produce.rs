//! Produce, and the batches it carries.

use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{MetadataRequest, ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::StrBytes;

use super::step::{Batch, By, Flaw, Keys, Produce, Sequence};
use super::world::{Sent, World};
use crate::pack::pack;
use crate::raw::{Raw, record};
use crate::records::without_times;
use crate::shown;
use crate::topics::text;

/// Producer ids that no broker has given out.
const FIRST_PRODUCER: i64 = 9_000_000_000;
/// What is remembered of what was sent: more than brokers do.
const REMEMBERED: usize = 7;

impl World {
    pub(super) fn produce(&mut self, produce: &Produce) -> String {
        let batches: Vec<_> =
            produce.batches.iter().map(|(partition, batch)| self.raw(produce.topic, *partition, batch)).collect();
        let data = produce.batches.iter().zip(&batches).map(|((partition, batch), raw)| {
            PartitionProduceData::default().with_index(*partition).with_records(Some(bytes(batch, raw)))
        });
        let topic = TopicProduceData::default().with_partition_data(data.collect());
        let topic = match produce.version {
            ..=12 => topic.with_name(self.topic_name(produce.topic)),
            13.. => topic.with_topic_id(self.topic_id(produce.topic)),
        };
        let request =
            ProduceRequest::default().with_acks(produce.acks).with_timeout_ms(30_000).with_topic_data(vec![topic]);
        let Some(answer) = self.send(produce, &request) else { return "closed".to_owned() };
        self.remember(produce, &batches, &answer);
        self.show(answer)
    }

    /// With `acks=0` only the answer to a request behind it shows whether it was taken.
    fn send(&mut self, produce: &Produce, request: &ProduceRequest) -> Option<ProduceResponse> {
        if produce.acks != 0 {
            return self.client.call_or_reconnect(produce.version, request);
        }
        self.client.send(produce.version, request);
        self.client.expect_no_answer();
        let probe = MetadataRequest::default().with_topics(Some(Vec::new()));
        self.client.call_or_reconnect(12, &probe).map(|_| ProduceResponse::default())
    }

    fn raw(&self, topic: usize, partition: i32, batch: &Batch) -> Raw {
        let mut raw = Raw::of(batch.records);
        if let Some(by) = batch.by {
            let sent = self.sent.get(&(topic, partition, by.producer));
            let (sequence, records) = place(by, batch.records, sent);
            raw = Raw::of(records).from(producer_id(by.producer), by.epoch, sequence);
        }
        let key = |index: i32| match batch.keys {
            Keys::None => false,
            Keys::All => true,
            Keys::AllButSecond => index != 1,
        };
        let records = raw.count;
        let value = vec![b'v'; batch.value_len];
        raw.body = (0..records)
            .flat_map(|index| {
                let key = key(index).then_some(&b"key"[..]);
                record(batch.pace * i64::from(index), index.into(), key, &value)
            })
            .collect();
        raw.base_timestamp = shown::present() + batch.time;
        raw.max_timestamp = raw.base_timestamp + (batch.pace * i64::from(records - 1)).max(0);
        raw
    }

    fn show(&self, mut answer: ProduceResponse) -> String {
        let plain = |message: StrBytes| text(&without_times(&self.names.replace(&message)));
        let mut times = Vec::new();
        for topic in &mut answer.responses {
            topic.partition_responses.sort_by_key(|one| one.index);
            for one in &mut topic.partition_responses {
                times.push(shown::time(std::mem::take(&mut one.log_append_time_ms)));
                one.error_message = one.error_message.take().map(plain);
                for record in &mut one.record_errors {
                    record.batch_index_error_message = record.batch_index_error_message.take().map(plain);
                }
            }
        }
        format!("{times:?} {answer:?}")
    }

    fn remember(&mut self, produce: &Produce, batches: &[Raw], answer: &ProduceResponse) {
        let answered = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
        let is_refused = |partition| answered.clone().any(|one| one.index == partition && one.error_code != 0);
        for ((partition, batch), raw) in produce.batches.iter().zip(batches) {
            let Some(by) = batch.by.filter(|_| !is_refused(*partition)) else { continue };
            let sent = self.sent.entry((produce.topic, *partition, by.producer)).or_default();
            if sent.epoch != by.epoch {
                *sent = Sent { epoch: by.epoch, batches: Vec::new() };
            }
            if !sent.batches.contains(&(raw.producer.2, raw.count)) {
                sent.batches.push((raw.producer.2, raw.count));
                sent.batches.drain(..sent.batches.len().saturating_sub(REMEMBERED));
            }
        }
    }
}

fn producer_id(producer: usize) -> i64 {
    FIRST_PRODUCER + i64::try_from(producer).expect("small")
}

/// The sequence of a batch, and how many records it has: a repetition has as many as it had.
fn place(by: By, records: i32, sent: Option<&Sent>) -> (i32, i32) {
    let batches = sent.filter(|sent| sent.epoch == by.epoch).map_or(&[][..], |sent| &sent.batches);
    let next = batches.last().map_or(0, |(first, records)| after(*first, *records));
    match by.sequence {
        Sequence::Next => (next, records),
        Sequence::Again(back) => batches.iter().rev().nth(back).copied().unwrap_or((next, records)),
        Sequence::Gap(distance) => (next.wrapping_add(distance), records),
        Sequence::Exactly(sequence) => (sequence, records),
    }
}

/// Sequences begin at 0 again behind the highest.
fn after(first: i32, records: i32) -> i32 {
    let next = i64::from(first) + i64::from(records);
    i32::try_from(next % (i64::from(i32::MAX) + 1)).expect("less than the divisor")
}

fn bytes(batch: &Batch, raw: &Raw) -> Bytes {
    let mut raw = raw.clone();
    raw.attributes |= batch.codec;
    raw.body = pack(batch.codec, &raw.body);
    let whole = raw.bytes();
    match batch.flaw {
        Flaw::None => {}
        Flaw::Crc => raw.crc_is_wrong = true,
        Flaw::Magic(magic) => raw.magic = magic,
        Flaw::BaseOffset => raw.base_offset = 7,
        Flaw::Span(span) => raw.last_offset_delta = span,
        Flaw::Count(count) => raw.count = count,
        Flaw::Attributes(attributes) => raw.attributes |= attributes,
        Flaw::MaxTimestamp => raw.max_timestamp += 1_000,
        Flaw::Length(length) => raw.length = Some(length),
        Flaw::LeaderEpoch => raw.leader_epoch = 9,
        Flaw::Twice => return [&whole[..], &whole[..]].concat().into(),
        Flaw::CutOff(len) => return whole.slice(..len),
    }
    raw.bytes()
}
