//! What a producer borrows from its client and gives back before it goes: queue and topics.

use std::hash::Hasher;

use rdkafka::bindings as rdsys;

/// FNV-1a: topic names are short and the application's own, so nothing is won by a hash that resists attacks.
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A reference to the queue that a producer's events arrive on.
pub(super) struct MainQueue(pub(super) *mut rdsys::rd_kafka_queue_t);

// SAFETY: librdkafka's queues are locked inside.
unsafe impl Send for MainQueue {}
// SAFETY: as above.
unsafe impl Sync for MainQueue {}

impl Drop for MainQueue {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and given back once.
        unsafe { rdsys::rd_kafka_queue_destroy(self.0) };
    }
}

/// The handle of a topic.
pub(super) struct NativeTopic(pub(super) *mut rdsys::rd_kafka_topic_t);

// SAFETY: topic handles are counted references to objects that are locked inside.
unsafe impl Send for NativeTopic {}
// SAFETY: as above.
unsafe impl Sync for NativeTopic {}

impl Drop for NativeTopic {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and given back once, before the client goes (field order of NativeProducer).
        unsafe { rdsys::rd_kafka_topic_destroy(self.0) };
    }
}
