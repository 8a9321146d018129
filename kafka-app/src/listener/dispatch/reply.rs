//! Where replies go: the headers of a request, and what a handler returned for it.
//!
//! As Spring's `@SendTo` without a value: a reply goes to the topic and partition that the request names, with its
//! correlation id and key. What names a topic of its own goes there, with the correlation id all the same.

use bytes::Bytes;

use super::{
    run::{Fault, Run},
    schemas::apart,
};
use crate::{
    config::check_topic,
    error::{Error, ErrorKind},
    handler::Outputs,
    listener::metrics::count,
    observe,
    producer::{CORRELATION_ID, REPLY_PARTITION, REPLY_TOPIC},
    record::{ProducerRecord, RawRecord},
};

/// What the headers of a request say of its reply.
#[derive(Debug, Default, PartialEq, Eq)]
struct ReplyTo<'r> {
    topic: Option<&'r str>,
    partition: Option<i32>,
    correlation_id: Option<&'r [u8]>,
}

impl<'r> ReplyTo<'r> {
    /// Of several headers of a name the last counts; one that cannot be read counts as missing.
    fn of(request: &'r RawRecord) -> Self {
        let mut reply_to = Self::default();
        request.for_each_header(|name, value| match name {
            REPLY_TOPIC => {
                let topic = value.and_then(|topic| std::str::from_utf8(topic).ok());
                reply_to.topic = topic.filter(|topic| check_topic(topic).is_ok());
            }
            REPLY_PARTITION => {
                let number = value.and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes);
                reply_to.partition = number.filter(|partition| *partition >= 0);
            }
            CORRELATION_ID => reply_to.correlation_id = value,
            _ => {}
        });
        reply_to
    }

    /// Completes a reply; `None` if neither it nor the request says where it goes.
    fn complete(&self, mut reply: ProducerRecord) -> Option<ProducerRecord> {
        if reply.topic.is_none() {
            reply.topic = Some(self.topic?.into());
            // A partition of that topic means nothing to another.
            reply.partition = reply.partition.or(self.partition);
        }
        if let (Some(id), None) = (self.correlation_id, reply.headers.last(CORRELATION_ID)) {
            reply.headers.push(CORRELATION_ID, Some(Bytes::copy_from_slice(id)));
        }
        Some(reply)
    }
}

impl Run<'_> {
    /// What the handler returned for one record, ready to be sent.
    pub(super) async fn answer(
        &self,
        index: usize,
        attempt: u32,
        outputs: Outputs,
    ) -> Result<Vec<ProducerRecord>, Fault> {
        let request = self.record(index);
        if !self.listener().reply {
            return self.resolve(index, attempt, outputs, request.key()).await;
        }
        let reply_to = ReplyTo::of(request);
        let place = self.place(index, attempt);
        let mut replies = Vec::new();
        for output in outputs.into_vec() {
            let (reply, unstamped) = apart(output, request.key());
            let is_asked_for = reply.topic.is_none();
            let Some(reply) = reply_to.complete(reply) else {
                observe::nobody_asked(place);
                continue;
            };
            match if is_asked_for { self.refusal(&reply).await } else { None } {
                Some(error) => {
                    count(&self.shared.policy.metrics.failed);
                    observe::reply_refused(place, &error.to_string(), reply.topic.as_deref().unwrap_or_default());
                }
                None => replies.push(self.stamped(index, attempt, reply, unstamped).await?),
            }
        }
        Ok(replies)
    }

    /// Why a reply cannot go where the request wants it, if the cluster knows already. Whoever asks may write anything into
    /// its headers: a topic that does not exist would hold up those behind it until the client gave up, and a transaction
    /// would fail with it again and again.
    async fn refusal(&self, reply: &ProducerRecord) -> Option<Error> {
        match self.sink()?.n_partitions(reply.topic.as_deref()?).await {
            Ok(n_partitions) => reply.partition.filter(|partition| *partition >= n_partitions).map(|partition| {
                Error::new(ErrorKind::Refused, format!("the topic has {n_partitions} partitions, and no {partition}"))
            }),
            Err(error) => Some(error).filter(|error| error.kind() == ErrorKind::Refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Headers, OwnedRecord};

    fn request(headers: &[(&str, Option<&'static [u8]>)]) -> RawRecord {
        let mut all = Headers::new();
        headers.iter().for_each(|(name, value)| all.push(*name, value.map(Bytes::from_static)));
        OwnedRecord { headers: all, ..OwnedRecord::default() }.into()
    }

    fn id_of(reply: &ProducerRecord) -> Option<&[u8]> {
        reply.headers.last(CORRELATION_ID).flatten()
    }

    #[test]
    fn a_reply_goes_where_the_request_says_with_its_id() {
        let request = request(&[
            ("kafka_replyTopic", Some(b"replies")),
            ("kafka_replyPartition", Some(&[0, 0, 0, 2])),
            ("kafka_correlationId", Some(b"0123456789abcdef")),
        ]);
        let reply = ReplyTo::of(&request).complete(ProducerRecord::default()).unwrap();
        assert_eq!((reply.topic.as_deref(), reply.partition), (Some("replies"), Some(2)));
        assert_eq!(id_of(&reply), Some(&b"0123456789abcdef"[..]));
    }

    #[test]
    fn a_reply_may_choose_for_itself_but_keeps_the_id() {
        let request = request(&[
            ("kafka_replyTopic", Some(b"replies")),
            ("kafka_replyPartition", Some(&[0, 0, 0, 2])),
            ("kafka_correlationId", Some(b"id")),
        ]);
        let reply_to = ReplyTo::of(&request);
        let elsewhere = reply_to.complete(ProducerRecord::to("audit")).unwrap();
        assert_eq!(
            (elsewhere.topic.as_deref(), elsewhere.partition, id_of(&elsewhere)),
            (Some("audit"), None, Some(&b"id"[..]))
        );
        let own = ProducerRecord { partition: Some(0), ..ProducerRecord::default() };
        assert_eq!(reply_to.complete(own).unwrap().partition, Some(0));
        let own_id = ProducerRecord::default().header(CORRELATION_ID, "own");
        assert_eq!(reply_to.complete(own_id).unwrap().headers.len(), 1);
    }

    #[test]
    fn a_record_that_asks_for_nothing_gets_nothing() {
        let record = request(&[("kafka_correlationId", Some(b"id"))]);
        assert_eq!(ReplyTo::of(&record).complete(ProducerRecord::default()), None);
        assert!(ReplyTo::of(&record).complete(ProducerRecord::to("audit")).is_some());
    }

    #[test]
    fn headers_that_cannot_be_read_count_as_missing() {
        for partition in [&[0, 0, 2][..], &[255, 255, 255, 255], &[]] {
            let mut headers = Headers::new();
            headers.push(REPLY_TOPIC, Some(Bytes::from_static(b"replies")));
            headers.push(REPLY_PARTITION, Some(Bytes::copy_from_slice(partition)));
            let record = OwnedRecord { headers, ..OwnedRecord::default() }.into();
            assert_eq!(ReplyTo::of(&record), ReplyTo { topic: Some("replies"), ..ReplyTo::default() });
        }
        for topic in [None, Some(&b""[..]), Some(&[0xff]), Some(b"no topic")] {
            assert_eq!(ReplyTo::of(&request(&[("kafka_replyTopic", topic)])), ReplyTo::default());
        }
    }

    #[test]
    fn the_last_header_of_a_name_counts() {
        let record = request(&[("kafka_replyTopic", Some(b"old")), ("kafka_replyTopic", Some(b"new"))]);
        assert_eq!(ReplyTo::of(&record).topic, Some("new"));
    }
}
