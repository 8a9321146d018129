//! The table: each property of Java's clients that has a counterpart, and how its value changes.

/// What becomes of a property of Java's clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// The same under this name.
    Named(&'static str),
    /// A number of bytes becomes one of KiB.
    KiB(&'static str),
    /// -1, which leaves it to the system, becomes 0.
    SocketBuffer(&'static str),
    /// A name in lower case.
    LowerCase(&'static str),
    /// Classes that share out partitions become their names.
    Assignors,
    /// How a class or `org.apache.…` is called that chooses partitions.
    Partitioner,
    /// The level of one kind of compression.
    CompressionLevel(&'static str),
    /// An empty text means none.
    NoneIfEmpty(&'static str),
    /// What is to be done without a position; `none` is an error.
    OffsetReset,
    /// A login, with its name and password.
    Jaas,
    /// Of a store of keys or certificates, which is read as a whole.
    Store,
    /// It is read by the tools themselves.
    Own,
    /// It has no meaning here, and leaving it out changes nothing that could be noticed.
    Nothing,
}

use Becomes::{
    Assignors, CompressionLevel, Jaas, KiB, LowerCase, Named, NoneIfEmpty, Nothing, OffsetReset, Own, Partitioner,
    SocketBuffer, Store,
};

/// What becomes of a property; `None`: it is not known, or has the same name and values.
pub(super) fn becomes(name: &str) -> Option<Becomes> {
    TABLE.iter().find(|(java, _)| *java == name).map(|(_, becomes)| *becomes)
}

/// What a consumer's `request.timeout.ms` and the like are called, where librdkafka has the name for producers only.
pub(super) fn of_consumer(name: &str) -> Option<Becomes> {
    match name {
        "request.timeout.ms" => Some(Named("socket.timeout.ms")),
        _ => None,
    }
}

const TABLE: &[(&str, Becomes)] = &[
    // Who and where.
    ("bootstrap.servers", Own),
    ("client.id", Own),
    ("group.id", Own),
    ("enable.auto.commit", Own),
    ("auto.commit.interval.ms", Own),
    ("max.poll.records", Own),
    ("max.block.ms", Own),
    ("transactional.id", Own),
    ("key.serializer", Nothing),
    ("value.serializer", Nothing),
    ("key.deserializer", Nothing),
    ("value.deserializer", Nothing),
    // Connections.
    ("send.buffer.bytes", SocketBuffer("socket.send.buffer.bytes")),
    ("receive.buffer.bytes", SocketBuffer("socket.receive.buffer.bytes")),
    ("default.api.timeout.ms", Nothing),
    ("metadata.max.idle.ms", Nothing),
    ("metadata.recovery.strategy", Nothing),
    ("metadata.recovery.rebootstrap.trigger.ms", Named("metadata.recovery.rebootstrap.trigger.ms")),
    ("socket.connection.setup.timeout.max.ms", Nothing),
    ("auto.include.jmx.reporter", Nothing),
    ("metric.reporters", Nothing),
    ("metrics.num.samples", Nothing),
    ("metrics.recording.level", Nothing),
    ("metrics.sample.window.ms", Nothing),
    ("enable.metrics.push", Named("enable.metrics.push")),
    // Producers.
    ("buffer.memory", KiB("queue.buffering.max.kbytes")),
    ("max.request.size", Named("message.max.bytes")),
    ("compression.gzip.level", CompressionLevel("gzip")),
    ("compression.lz4.level", CompressionLevel("lz4")),
    ("compression.zstd.level", CompressionLevel("zstd")),
    ("partitioner.class", Partitioner),
    ("partitioner.adaptive.partitioning.enable", Nothing),
    ("partitioner.availability.timeout.ms", Nothing),
    // Consumers.
    ("auto.offset.reset", OffsetReset),
    ("fetch.max.wait.ms", Named("fetch.wait.max.ms")),
    ("max.partition.fetch.bytes", Named("max.partition.fetch.bytes")),
    ("partition.assignment.strategy", Assignors),
    ("exclude.internal.topics", Nothing),
    ("group.protocol", LowerCase("group.protocol")),
    ("internal.leave.group.on.close", Nothing),
    // Security.
    ("security.protocol", LowerCase("security.protocol")),
    ("sasl.jaas.config", Jaas),
    ("ssl.endpoint.identification.algorithm", NoneIfEmpty("ssl.endpoint.identification.algorithm")),
    ("ssl.key.password", Store),
    ("ssl.truststore.type", Store),
    ("ssl.truststore.location", Store),
    ("ssl.truststore.password", Store),
    ("ssl.truststore.certificates", Store),
    ("ssl.keystore.type", Store),
    ("ssl.keystore.location", Store),
    ("ssl.keystore.password", Store),
    ("ssl.keystore.key", Store),
    ("ssl.keystore.certificate.chain", Store),
    ("ssl.protocol", Nothing),
    ("ssl.enabled.protocols", Nothing),
    ("ssl.keymanager.algorithm", Nothing),
    ("ssl.trustmanager.algorithm", Nothing),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_property_stands_in_the_table_twice() {
        for (at, (name, _)) in TABLE.iter().enumerate() {
            assert!(TABLE[at + 1..].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}
