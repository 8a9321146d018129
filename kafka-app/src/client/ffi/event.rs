//! [`Event`]: what a consumer's queue tells, as a value.

use std::ptr::NonNull;

use rdkafka::bindings::{self as sys, rd_kafka_resp_err_t as RespErr};

use super::{
    consumer::NativeConsumer,
    fault::{fault, other},
    partition_list::{Element, elements},
    text::c_text,
};
use crate::client::port::ConsumerEvent;

/// An event until it is read.
pub(super) struct Event(NonNull<sys::rd_kafka_event_t>);

impl Event {
    /// Takes over an event that was polled.
    pub(super) fn owning(event: NonNull<sys::rd_kafka_event_t>) -> Self {
        Self(event)
    }

    pub(super) fn read(&self, client: &NativeConsumer) -> Option<ConsumerEvent> {
        // SAFETY: a valid event.
        match unsafe { sys::rd_kafka_event_type(self.0.as_ptr()) } {
            sys::RD_KAFKA_EVENT_REBALANCE => Some(self.rebalance(client)),
            sys::RD_KAFKA_EVENT_OFFSET_COMMIT => Some(self.committed()),
            sys::RD_KAFKA_EVENT_ERROR => Some(self.error(client)),
            sys::RD_KAFKA_EVENT_FETCH => Some(ConsumerEvent::Fatal(other(
                "a record arrived outside its partition's queue; the consumer starts again from the committed offsets",
            ))),
            _ => None,
        }
    }

    fn code(&self) -> RespErr {
        // SAFETY: a valid event.
        unsafe { sys::rd_kafka_event_error(self.0.as_ptr()) }
    }

    fn text(&self) -> String {
        // SAFETY: a valid event.
        c_text(unsafe { sys::rd_kafka_event_error_string(self.0.as_ptr()) })
    }

    fn rebalance(&self, client: &NativeConsumer) -> ConsumerEvent {
        let partitions = self.partitions(|element| element.partition());
        match self.code() {
            RespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => ConsumerEvent::Assign(partitions),
            RespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                ConsumerEvent::Revoke { partitions, lost: client.is_assignment_lost() }
            }
            // Neither: librdkafka wants the whole assignment given back.
            code => {
                tracing::warn!("rebalance failed, all partitions are given back: {}", fault(code, &self.text()));
                ConsumerEvent::Revoke { partitions, lost: true }
            }
        }
    }

    fn committed(&self) -> ConsumerEvent {
        let code = self.code();
        let result = match code {
            RespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            code => Err(fault(code, "")),
        };
        // SAFETY: a valid event; the token that was given with the commit, or null for a commit of librdkafka's own.
        let opaque = unsafe { sys::rd_kafka_event_opaque(self.0.as_ptr()) };
        let token = (!opaque.is_null()).then(|| opaque.addr() as u64);
        ConsumerEvent::Committed { token, result, partitions: self.partitions(|e| (e.stored(), e.fault())) }
    }

    fn error(&self, client: &NativeConsumer) -> ConsumerEvent {
        // SAFETY: a valid event.
        if unsafe { sys::rd_kafka_event_error_is_fatal(self.0.as_ptr()) } != 0 {
            return ConsumerEvent::Fatal(client.fatal().unwrap_or_else(|| fault(self.code(), &self.text())));
        }
        ConsumerEvent::Fault(fault(self.code(), &self.text()))
    }

    /// The partitions of the event, copied: the list belongs to it.
    fn partitions<T>(&self, read: impl Fn(&Element<'_>) -> T) -> Vec<T> {
        // SAFETY: a valid event of a kind that has such a list; null when there is none.
        let list = unsafe { sys::rd_kafka_event_topic_partition_list(self.0.as_ptr()) };
        // SAFETY: the list lives as long as the event, which outlives this borrow.
        NonNull::new(list).map_or_else(Vec::new, |list| unsafe { elements(list) }.map(|e| read(&e)).collect())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: owned by us; everything read from it was copied.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}
