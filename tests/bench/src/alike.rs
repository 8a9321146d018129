//! What clients of all kinds are told alike. Shared by path with `tests/bench-ruststream`.

/// Properties of consumers.
pub(crate) const CONSUMER: [(&str, &str); 6] = [
    ("auto.offset.reset", "earliest"),
    ("fetch.queue.backoff.ms", "10"),
    ("fetch.wait.max.ms", "100"),
    ("queued.min.messages", "20000"),
    ("queued.max.messages.kbytes", "16384"),
    ("auto.commit.interval.ms", "1000"),
];

/// Properties of producers.
pub(crate) const PRODUCER: [(&str, &str); 5] = [
    ("acks", "all"),
    ("enable.idempotence", "true"),
    ("linger.ms", "5"),
    ("partitioner", "murmur2_random"),
    ("queue.buffering.max.messages", "100000"),
];

/// Records that wait for their acknowledgment: where a client sends many at once, and where each is awaited.
pub(crate) const MANY_IN_FLIGHT: usize = 10_000;
pub(crate) const IN_FLIGHT: usize = 1_000;

/// A group nobody has used: this process's.
pub(crate) fn fresh_group() -> String {
    group_of(std::process::id())
}

/// The group of the client that runs as a process.
pub(crate) fn group_of(pid: u32) -> String {
    format!("bench-{pid}")
}
