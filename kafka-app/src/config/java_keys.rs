//! Properties of the Java client that librdkafka does not have, each with what to use instead.

/// What to use instead of a Java-only property.
pub(crate) fn instead_of(name: &str) -> Option<&'static str> {
    let by_prefix = [
        ("spring.", "leave Spring's own properties out: the types of handlers and templates decide about payloads"),
        ("schema.registry.", "use kafka.schema-registry.*, with the feature `avro`, `protobuf` or `json-schema`"),
        ("metrics.", "there is no JMX here, and no metrics are exported: see ListenerHandle::metrics"),
    ];
    INSTEAD
        .iter()
        .find(|(java, _)| *java == name)
        .or_else(|| by_prefix.iter().find(|(prefix, _)| name.starts_with(prefix)))
        .map(|(_, instead)| *instead)
}

const TYPES: &str = "the types of the handler and the template decide: Json<T>, String, Bytes, Key<T>, …";
const PEM: &str = "use \"ssl.ca.location\" (a PEM file) or \"ssl.ca.pem\"; librdkafka reads no JKS";

const INSTEAD: &[(&str, &str)] = &[
    ("key.serializer", TYPES),
    ("value.serializer", TYPES),
    ("key.deserializer", TYPES),
    ("value.deserializer", TYPES),
    ("max.poll.records", "for batch listeners use batch(max_records = …) or kafka.listener.batch.max-records"),
    ("buffer.memory", "use kafka.producer.buffer-memory, or \"queue.buffering.max.kbytes\" (in KiB)"),
    ("max.block.ms", "a send waits for room as long as its caller does: put a timeout around it, or use try_send"),
    ("max.request.size", "use \"message.max.bytes\""),
    ("fetch.max.wait.ms", "use kafka.consumer.fetch-max-wait, or \"fetch.wait.max.ms\""),
    ("send.buffer.bytes", "use \"socket.send.buffer.bytes\""),
    ("receive.buffer.bytes", "use \"socket.receive.buffer.bytes\""),
    ("default.api.timeout.ms", "use \"socket.timeout.ms\", and kafka.admin.operation-timeout"),
    ("metadata.max.idle.ms", "use \"metadata.max.age.ms\""),
    ("socket.connection.setup.timeout.max.ms", "use \"socket.connection.setup.timeout.ms\""),
    ("partitioner.class", "use \"partitioner\"; the default murmur2_random agrees with Java's"),
    ("partitioner.ignore.keys", "use \"partitioner\" = \"random\""),
    ("partitioner.adaptive.partitioning.enable", "use \"sticky.partitioning.linger.ms\""),
    ("compression.gzip.level", "use \"compression.level\""),
    ("compression.lz4.level", "use \"compression.level\""),
    ("compression.zstd.level", "use \"compression.level\""),
    (
        "interceptor.classes",
        "use KafkaApp::producer_interceptor for what is sent, and KafkaApp::layer for what is handled",
    ),
    ("metric.reporters", "there is no JMX here, and no metrics are exported: see ListenerHandle::metrics"),
    ("auto.include.jmx.reporter", "there is no JMX here, and no metrics are exported: see ListenerHandle::metrics"),
    ("exclude.internal.topics", "a topic pattern that does not match them leaves them out"),
    ("transaction.id", "use kafka.producer.transaction-id-prefix; the ids are made of it"),
    ("sasl.jaas.config", "use \"sasl.username\" and \"sasl.password\""),
    ("sasl.login.callback.handler.class", "use \"sasl.oauthbearer.method\" = \"oidc\""),
    ("sasl.client.callback.handler.class", "use \"sasl.mechanism\" with \"sasl.username\" and \"sasl.password\""),
    ("sasl.login.class", "use \"sasl.mechanism\" with \"sasl.username\" and \"sasl.password\""),
    ("sasl.kerberos.kinit.cmd.path", "use \"sasl.kerberos.kinit.cmd\""),
    ("ssl.truststore.location", PEM),
    ("ssl.truststore.certificates", PEM),
    ("ssl.truststore.password", "not needed: the certificates of \"ssl.ca.location\" are PEM"),
    ("ssl.truststore.type", "not needed: the certificates of \"ssl.ca.location\" are PEM"),
    ("ssl.keystore.type", "not needed: \"ssl.keystore.location\" is PKCS#12"),
    ("ssl.keystore.key", "use \"ssl.key.pem\""),
    ("ssl.keystore.certificate.chain", "use \"ssl.certificate.pem\""),
    ("ssl.protocol", "not needed: OpenSSL picks the version of TLS"),
    ("ssl.enabled.protocols", "not needed: OpenSSL picks the version of TLS"),
    ("ssl.provider", "use \"ssl.providers\""),
    ("ssl.keymanager.algorithm", "not needed: keys are PEM or PKCS#12"),
    ("ssl.trustmanager.algorithm", "not needed: certificates are PEM"),
    ("ssl.secure.random.implementation", "not needed: OpenSSL chooses"),
    ("ssl.engine.factory.class", "use \"ssl.engine.id\""),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::librdkafka_keys::Key;

    #[test]
    fn none_of_them_is_a_property_of_librdkafka() {
        for (name, _) in INSTEAD {
            assert_eq!(Key::find(name), None, "{name}");
        }
    }

    #[test]
    fn every_property_named_as_the_cure_exists() {
        for (name, cure) in INSTEAD {
            for quoted in cure.split('"').skip(1).step_by(2).filter(|word| word.contains('.')) {
                assert!(Key::find(quoted).is_some(), "{name}: {quoted}");
            }
        }
    }
}
