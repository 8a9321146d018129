//! The admin's part of the FFI. [`NativeAdmin`] is the client; each request is a plain value with a file for its area, which
//! sends it and reads its answer into plain values; nothing of librdkafka's leaves this folder.
//!
//! Answers arrive on librdkafka's background queue, whose thread reads each and passes it on: nobody polls.

mod acls;
mod call;
mod cluster;
mod configs;
mod elections;
mod group_offsets;
mod groups;
mod numbers;
mod offsets;
mod owned;
mod scram;
mod topics;
mod waiting;

pub(crate) use acls::{CreateAcls, DeleteAcls, DescribeAcls};
pub(crate) use call::Request;
pub(crate) use cluster::DescribeCluster;
pub(crate) use configs::{AlterConfigs, DescribeConfigs};
pub(crate) use elections::ElectLeaders;
pub(crate) use group_offsets::{AlterGroupOffsets, DeleteGroupOffsets, ListGroupOffsets};
pub(crate) use groups::{DeleteGroups, DescribeGroups, ListGroups};
pub(crate) use offsets::ListOffsets;
pub(crate) use scram::{AlterScramCredentials, DescribeScramCredentials};
pub(crate) use topics::{CreatePartitions, CreateTopics, DeleteRecords, DeleteTopics, DescribeTopics};
pub(crate) use waiting::Outcome;

use std::{
    collections::BTreeMap,
    ptr::NonNull,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::bindings::{self as sys};
use tokio::sync::oneshot;

use self::{call::Call, waiting::Waiting};
use super::{conf::Conf, first_brokers::keep_brokers};
use crate::{
    client::{brokers::Connections, client_log::ClientLog},
    error::{Error, ErrorKind, Result},
};

/// A client that only administers, by events. Dropping it never blocks: a thread of its own destroys it.
pub(crate) struct NativeAdmin {
    rk: NonNull<sys::rd_kafka_t>,
    replies: NonNull<sys::rd_kafka_queue_t>,
    /// The client calls it until it is destroyed.
    waiting: Arc<Waiting>,
    /// Told by the client until it is destroyed.
    connections: Arc<Connections>,
}

// SAFETY: librdkafka's API is thread-safe.
unsafe impl Send for NativeAdmin {}
// SAFETY: as above.
unsafe impl Sync for NativeAdmin {}

impl NativeAdmin {
    /// Makes a client; nothing is connected yet.
    pub(crate) fn new(properties: &BTreeMap<String, String>, log: ClientLog) -> Result<Self> {
        let mut conf = Conf::new("admin client");
        for (key, value) in properties {
            conf.set(key, value)?;
        }
        let (waiting, connections) = (Arc::new(Waiting::new(log)), Arc::<Connections>::default());
        // SAFETY: the client keeps what it calls with until it is destroyed.
        let rk = unsafe { conf.into_admin(waiting::serve, Arc::as_ptr(&waiting).cast_mut().cast(), &connections)? };
        // SAFETY: a valid client; it has a background queue since it has a callback for it, whose reference is given back
        // before the client goes. What the client says of itself arrives on the main queue, and goes the same way.
        let replies = unsafe {
            let replies = sys::rd_kafka_queue_get_background(rk.as_ptr());
            let main = sys::rd_kafka_queue_get_main(rk.as_ptr());
            sys::rd_kafka_queue_forward(main, replies);
            sys::rd_kafka_queue_destroy(main);
            replies
        };
        match NonNull::new(replies) {
            Some(replies) => Ok(Self { rk, replies, waiting, connections }),
            None => {
                // SAFETY: a client of ours that nobody else has seen.
                unsafe { sys::rd_kafka_destroy(rk.as_ptr()) };
                Err(Error::new(ErrorKind::Unavailable, "librdkafka has no thread for the admin client's answers"))
            }
        }
    }

    /// Sends a request; librdkafka answers within the timeout, if only that there was no answer.
    pub(crate) fn ask<R: Request>(&self, request: &R, timeout: Duration) -> Result<Asked<'_, R::Answer>> {
        let (token, answer) = self.waiting.begin::<R>();
        let asked = Asked { answer, token, waiting: &self.waiting };
        let call = Call::new(&self.rk, &self.replies, R::OP, timeout, token)?;
        request.send(&call)?;
        Ok(asked)
    }

    /// See [`keep_brokers`].
    pub(crate) fn keep_brokers(&self, now: Instant) {
        // SAFETY: a valid client.
        unsafe { keep_brokers(self.rk.as_ptr(), &self.connections, now) };
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_t {
        self.rk.as_ptr()
    }
}

/// A call that has begun.
pub(crate) struct Asked<'c, T> {
    answer: oneshot::Receiver<Outcome<T>>,
    token: usize,
    waiting: &'c Waiting,
}

impl<T> Asked<'_, T> {
    /// The answer.
    ///
    /// # Errors
    /// It could not be read.
    pub(crate) async fn answer(mut self) -> Result<Outcome<T>> {
        let lost = |_| Error::new(ErrorKind::Unavailable, "an answer of the cluster could not be read");
        (&mut self.answer).await.map_err(lost)
    }
}

impl<T> Drop for Asked<'_, T> {
    fn drop(&mut self) {
        self.waiting.forget(self.token);
    }
}

impl Drop for NativeAdmin {
    /// Destroying waits for librdkafka's threads, so it has a thread of its own.
    fn drop(&mut self) {
        struct Destroy(NonNull<sys::rd_kafka_t>, Arc<Waiting>, Arc<Connections>);
        // SAFETY: librdkafka's API is thread-safe, and nobody else holds the client any more.
        unsafe impl Send for Destroy {}
        impl Destroy {
            fn run(self) {
                // SAFETY: the only place that destroys a client that was handed out.
                unsafe { sys::rd_kafka_destroy(self.0.as_ptr()) }
                drop((self.1, self.2));
            }
        }
        // SAFETY: the reference that `new` got, which goes before the client.
        unsafe { sys::rd_kafka_queue_destroy(self.replies.as_ptr()) };
        let destroy = Destroy(self.rk, Arc::clone(&self.waiting), Arc::clone(&self.connections));
        if let Err(error) =
            std::thread::Builder::new().name("kafka-admin-close".to_owned()).spawn(move || destroy.run())
        {
            // Out of threads: the client's memory stays, which is better than a drop that may hang, and what it calls
            // with it.
            let _kept = std::mem::ManuallyDrop::new((Arc::clone(&self.waiting), Arc::clone(&self.connections)));
            tracing::warn!(%error, "a closed admin client could not be freed");
        }
    }
}
