//! [`Request`]: a call of librdkafka's admin interface; [`Answer`]: what it brings.

use std::{ffi::c_int, ptr, ptr::NonNull, time::Duration};

use rdkafka::bindings::{self as sys, rd_kafka_admin_op_t as Op};

use super::{
    numbers::{error_of, error_of_event},
    owned::Owned,
};
use crate::{
    admin::BrokerError,
    error::{Error, ErrorKind, Result},
};

/// librdkafka's longest timeout.
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

/// A question or an order to the cluster, as plain values.
pub(crate) trait Request: Send + Sync {
    /// What is read out of the answer.
    type Answer: Send + 'static;
    /// For which call the options are.
    const OP: Op;

    /// Sends it. librdkafka copies what it is given.
    fn send(&self, call: &Call<'_>) -> Result<()>;

    /// Reads the answer, which is no error as a whole. Called on librdkafka's thread.
    fn read(answer: &Answer) -> Self::Answer;
}

/// Where a request is sent and its answer goes.
pub(crate) struct Call<'c> {
    client: &'c NonNull<sys::rd_kafka_t>,
    queue: &'c NonNull<sys::rd_kafka_queue_t>,
    options: Owned<sys::rd_kafka_AdminOptions_t>,
}

impl<'c> Call<'c> {
    pub(super) fn new(
        client: &'c NonNull<sys::rd_kafka_t>,
        queue: &'c NonNull<sys::rd_kafka_queue_t>,
        op: Op,
        timeout: Duration,
        token: usize,
    ) -> Result<Self> {
        let timeout_ms = c_int::try_from(timeout.min(MAX_TIMEOUT).as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: a valid client; the options are ours. The timeout is in librdkafka's range; the token is a number that
        // comes back with the answer and is never used as a pointer.
        let options = unsafe {
            let options = sys::rd_kafka_AdminOptions_new(client.as_ptr(), op);
            let options = Owned::new(options, sys::rd_kafka_AdminOptions_destroy, "options")?;
            sys::rd_kafka_AdminOptions_set_request_timeout(options.as_ptr(), timeout_ms, ptr::null_mut(), 0);
            if waits_on_the_broker(op) {
                sys::rd_kafka_AdminOptions_set_operation_timeout(options.as_ptr(), timeout_ms, ptr::null_mut(), 0);
            }
            sys::rd_kafka_AdminOptions_set_opaque(options.as_ptr(), ptr::without_provenance_mut(token));
            options
        };
        Ok(Self { client, queue, options })
    }

    pub(super) fn client(&self) -> *mut sys::rd_kafka_t {
        self.client.as_ptr()
    }

    pub(super) fn queue(&self) -> *mut sys::rd_kafka_queue_t {
        self.queue.as_ptr()
    }

    pub(super) fn options(&self) -> *mut sys::rd_kafka_AdminOptions_t {
        self.options.as_ptr()
    }
}

/// Those whose request has a timeout for the broker, which answers when it is done.
fn waits_on_the_broker(op: Op) -> bool {
    matches!(
        op,
        Op::RD_KAFKA_ADMIN_OP_CREATETOPICS
            | Op::RD_KAFKA_ADMIN_OP_DELETETOPICS
            | Op::RD_KAFKA_ADMIN_OP_CREATEPARTITIONS
            | Op::RD_KAFKA_ADMIN_OP_DELETERECORDS
            | Op::RD_KAFKA_ADMIN_OP_ELECTLEADERS
    )
}

/// An option that librdkafka may refuse.
///
/// # Safety
/// The error is null or ours.
pub(super) unsafe fn taken(error: *mut sys::rd_kafka_error_t) -> Result<()> {
    // SAFETY: the caller's promise; it is copied before it is given back, once.
    let refused = unsafe {
        let refused = error_of(error);
        if !error.is_null() {
            sys::rd_kafka_error_destroy(error);
        }
        refused
    };
    match refused {
        None => Ok(()),
        Some(error) => Err(Error::new(ErrorKind::Config, "an option of the call is wrong").with_source(error)),
    }
}

/// An event until it is served; what is read from it is copied, since it all belongs to the event.
pub(crate) struct Answer(NonNull<sys::rd_kafka_event_t>);

impl Answer {
    /// # Safety
    /// The event is ours.
    pub(super) unsafe fn owning(event: NonNull<sys::rd_kafka_event_t>) -> Self {
        Self(event)
    }

    pub(super) fn event(&self) -> *mut sys::rd_kafka_event_t {
        self.0.as_ptr()
    }

    pub(super) fn kind(&self) -> sys::rd_kafka_event_type_t {
        // SAFETY: the event is alive.
        unsafe { sys::rd_kafka_event_type(self.event()) }
    }

    /// Which call this is the answer to.
    pub(super) fn token(&self) -> usize {
        // SAFETY: the event is alive; the number is never used as a pointer.
        unsafe { sys::rd_kafka_event_opaque(self.event()) }.addr()
    }

    /// What went wrong with the call as a whole.
    pub(super) fn error(&self) -> Option<BrokerError> {
        // SAFETY: the event is alive.
        unsafe { error_of_event(self.event()) }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: the event is ours and goes once.
        unsafe { sys::rd_kafka_event_destroy(self.event()) }
    }
}
