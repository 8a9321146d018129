//! Configuration: the typed tree under `kafka.*`, its layers and its mistakes.
//!
//! # Layers
//!
//! Later ones win, key by key:
//!
//! 1. defaults
//! 2. `kafka-app.toml`
//! 3. `kafka-app-<profile>.toml` for each profile of `KAFKA_APP_PROFILE` (a list with commas)
//! 4. `kafka-app.local.toml`, for what is not committed
//! 5. environment: `KAFKA_APP__KAFKA__CONSUMER__GROUP_ID` is `kafka.consumer.group-id`;
//!    `KAFKA_APP__KAFKA__PROPERTIES__LINGER_MS` is the property `linger.ms`; with `_FILE` behind its name a variable
//!    names a file that holds the value, as secrets are mounted
//! 6. code: [`KafkaPropertiesBuilder::set`]
//!
//! Files are searched in the working directory, then in its subfolder `config`; `KAFKA_APP_CONFIG` names another folder.
//! Keys may be written with underscores in place of dashes. Tables beside `kafka` are yours, for placeholders.
//!
//! # Values
//!
//! Any text may hold `${key:default}` (a key of any layer) and `${env:VAR:default}`; `\${` stands for `${`.
//! Durations have a unit (`"500ms"`, `"5s"`), sizes may have one (`4096`, `"64KiB"`, `"1MiB"`; as in Spring, `KB` is
//! 1024 bytes), lists may be text with commas.
//!
//! # Keys
//!
//! Names are Spring Boot's without their root. For all clients, as `kafka.*`, and for one kind of client, as
//! `kafka.consumer.*`, `kafka.producer.*` and `kafka.admin.*`:
//!
//! | key | default | librdkafka |
//! |---|---|---|
//! | `bootstrap-servers` | `localhost:9092`; `embedded` with the feature of that name | `bootstrap.servers` |
//! | `client-id` | `kafka-app`; each client appends its own part | `client.id` |
//! | `security.protocol` | `plaintext` | `security.protocol` |
//! | `ssl.key-password` | none | `ssl.key.password` |
//! | `ssl.key-store-certificate-chain` | none | `ssl.certificate.pem` |
//! | `ssl.key-store-key` | none | `ssl.key.pem` |
//! | `ssl.key-store-location` | none | `ssl.keystore.location` (PKCS#12) |
//! | `ssl.key-store-password` | none | `ssl.keystore.password` |
//! | `ssl.trust-store-certificates` | the system's | `ssl.ca.pem` |
//! | `ssl.trust-store-location` | the system's | `ssl.ca.location` (PEM) |
//! | `properties.*` | see below | any, with its dots, quoted or not |
//!
//! The most specific of the `properties` wins: `kafka.properties` ← `kafka.consumer.properties` ←
//! `kafka.listener.properties` ← the declaration ← `kafka.listeners.<id>.properties`; and each wins over the other keys of
//! its own table. SASL is set there: `sasl.mechanism`, `sasl.username`, `sasl.password`.
//!
//! Further clusters are `kafka.clusters.<name>.*`: what stands in the tables above and below for `kafka.*`,
//! `kafka.consumer.*`, `kafka.producer.*`, `kafka.admin.*` and `kafka.template.*` may be said of each, and what is not
//! is as `kafka.*` says; only `bootstrap-servers` each has to say. All that is said of a cluster wins over all that is
//! said of every cluster. Listeners, their defaults and the registry of schemas are not a cluster's: a listener chooses
//! its own by `cluster`, and what it returns, its retry topics and its dead letters go there too. `default` is the name
//! of the cluster of `kafka.*` itself. Names are compared without regard to case and dashes:
//! `KAFKA_APP__KAFKA__CLUSTERS__AUDIT__BOOTSTRAP_SERVERS`.
//!
//! | key | default | librdkafka |
//! |---|---|---|
//! | `kafka.consumer.group-id` | none | `group.id` of listeners without a group |
//! | `kafka.consumer.auto-offset-reset` | `earliest` | `auto.offset.reset` |
//! | `kafka.consumer.auto-commit-interval` | `1s` | `auto.commit.interval.ms` of listeners without an `ack-time` |
//! | `kafka.consumer.fetch-max-wait` | `100ms` | `fetch.wait.max.ms` |
//! | `kafka.consumer.fetch-min-size` | 1 | `fetch.min.bytes` |
//! | `kafka.consumer.heartbeat-interval` | `3s` | `heartbeat.interval.ms` |
//! | `kafka.consumer.isolation-level` | `read-committed` | `isolation.level` |
//! | `kafka.consumer.max-poll-interval` | `5m` | `max.poll.interval.ms` |
//! | `kafka.producer.acks` | `all` | `acks`; fewer turn idempotence off |
//! | `kafka.producer.batch-size` | 1000000 | `batch.size` |
//! | `kafka.producer.buffer-memory` | `1GiB` | `queue.buffering.max.kbytes` |
//! | `kafka.producer.compression-type` | `none` | `compression.type` |
//! | `kafka.producer.retries` | no limit | `retries` |
//! | `kafka.producer.properties.max.in.flight.requests.per.connection` | 5 | the same; while leaders move records may be repeated or change places, idempotence or not, and with 1 less often (librdkafka's issue 4953) |
//! | `kafka.producer.transaction-id-prefix` | none | what each `transactional.id` begins with; give each process its own |
//! | `kafka.producer.transactional-id` | none | the whole `transactional.id` of templates' transactions, which then take turns on one producer; the prefix is for listeners alone then |
//! | `kafka.admin.auto-create` | true | declared topics are created at start |
//! | `kafka.admin.fail-fast` | false | a start fails if that fails |
//! | `kafka.admin.operation-timeout` | `30s` | longest time for one call of an admin client |
//! | `kafka.admin.modify-topic-configs` | false | configurations of existing topics are changed |
//! | `kafka.template.default-topic` | none | |
//! | `kafka.template.close-timeout` | `5s` | |
//! | `kafka.template.reply-topic` | none | where replies to requests of templates arrive |
//! | `kafka.template.reply-partition` | all | the one partition of it that this application reads |
//! | `kafka.template.reply-group-id` | `<client-id>-replies-<random>` | `group.id` of the client that reads it; it joins no group and commits nothing |
//! | `kafka.listener.missing-topics-fatal` | false | a topic that is read and does not exist fails the start, and so does one that is sent to (`send-to`, dead letters) where brokers say that they make none (`auto.create.topics.enable`) |
//! | `kafka.listener.mixed-payloads-fatal` | true | listeners that read or send records of one topic as different payload types fail the start |
//! | `kafka.listener.shutdown-timeout` | `30s` | how long a stop and a revoke wait for handlers |
//!
//! The registry that schemas of `Avro`, `Protobuf` and `JsonSchema` payloads are in (features of those names); names
//! are Confluent's, with dashes:
//!
//! | key | default | |
//! |---|---|---|
//! | `kafka.schema-registry.url` | none | one URL or several, of which one is enough; Confluent's `schema.registry.url` |
//! | `kafka.schema-registry.basic-auth.user-info` | none | `user:password` |
//! | `kafka.schema-registry.bearer-auth.token` | none | |
//! | `kafka.schema-registry.ssl.trust-store-location` | the system's | PEM file of authorities to trust beside the system's |
//! | `kafka.schema-registry.auto-register-schemas` | true | a schema that is not there yet is registered by the first send; false: it has to be there |
//! | `kafka.schema-registry.use-latest-version` | false | values are written by the latest schema of their subject; without `auto-register-schemas` |
//! | `kafka.schema-registry.normalize-schemas` | false | the registry compares schemas without what means nothing |
//! | `kafka.schema-registry.key-subject-name-strategy` | `topic-name` | or `record-name`, `topic-record-name` |
//! | `kafka.schema-registry.value-subject-name-strategy` | `topic-name` | |
//! | `kafka.schema-registry.http-connect-timeout` | `5s` | |
//! | `kafka.schema-registry.http-read-timeout` | `10s` | for a whole answer |
//! | `kafka.schema-registry.max-retries` | 3 | further rounds over all URLs before it counts as not answering; listeners go on asking |
//! | `kafka.schema-registry.retries-wait` | `1s` | before the second round; doubles |
//! | `kafka.schema-registry.retries-max-wait` | `20s` | |
//!
//! For all listeners, as `kafka.listener.*`, and for one, as `kafka.listeners.<id>.*`; the declaration stands between:
//!
//! | key | default | |
//! |---|---|---|
//! | `topics` | none | one listener only |
//! | `topic-pattern` | none | one listener only; matches whole names |
//! | `partitions` | shared in the group | `all`, or numbers and ranges as `0-5, 7`: it takes these of its topics by itself; committed is only under a `group-id` of its own; one listener only |
//! | `from` | `committed` | where it begins then, at each start: `earliest`, `latest`, `earliest+10`, `latest-10`, an offset, `timestamp:<ms>`; one listener only |
//! | `group-id` | `kafka.consumer.group-id` | one listener only |
//! | `cluster` | that of `kafka.*` itself | name of a cluster, or `default`; one listener only |
//! | `send-to` | none | one listener only |
//! | `reply` | false | what is returned answers the request that was handled; one listener only |
//! | `delivery` | `at-least-once` | or `at-most-once`, `exactly-once` |
//! | `ack-mode` | `time` | `record`, `batch`, `time`, `count`, `count-time`, `manual`, `manual-immediate` |
//! | `ack-time` | `1s` | |
//! | `ack-count` | 1 | |
//! | `concurrency` | 1 | consumers in this process |
//! | `ordering` | `partition` | or `key`, `none` |
//! | `workers` | 16 | lanes per consumer, by key or none |
//! | `batch.max-records` | 500 | batch listeners only: most records that are gathered of a partition; with `ordering` `key` or `none` they are dealt out to the lanes, and each batch is the part of one lane |
//! | `batch.max-wait` | `0s` | how long they are gathered |
//! | `batch.max-bytes` | no limit | most bytes that are gathered; of a partition 16 MiB are in memory at most, which make a batch too |
//! | `transaction.max-records` | 1000 | exactly once only |
//! | `transaction.max-wait` | `100ms` | how long a transaction takes records |
//! | `retry.attempts` | 10 | deliveries in all |
//! | `retry.backoff` | `0s` | |
//! | `retry.multiplier` | 1 | |
//! | `retry.max-backoff` | no limit | |
//! | `retry.jitter` | 0 | share of the delay that is random, 0 to 1 |
//! | `retry-topics.enabled` | false; true where the declaration says `retry_topics(..)` | records that failed are handled again from topics of their own |
//! | `retry-topics.attempts` | 3 | times a record is handled over all topics; `retry.attempts` is 1 then, unless said |
//! | `retry-topics.backoff` | `1s` | |
//! | `retry-topics.multiplier` | 1 | |
//! | `retry-topics.max-backoff` | no limit | |
//! | `retry-topics.jitter` | 0 | share of the delay that is random, 0 to 1 |
//! | `retry-topics.topics` | `per-delay` | or `per-attempt`, `single` |
//! | `retry-topics.suffix` | `-retry` | |
//! | `retry-topics.dlt-suffix` | `-dlt` | |
//! | `retry-topics.auto-create` | true | with the partitions of the topic they are of |
//! | `retry-topics.replication-factor` | the broker's | |
//! | `retry-topics.concurrency` | the listener's | consumers of each retry topic |
//! | `circuit-breaker.enabled` | true where anything is said of it | while what the handler needs is down, no record is handled and none is given up |
//! | `circuit-breaker.failures` | 5, or as many as there are deliveries | in a row |
//! | `circuit-breaker.pause` | `10s` | then one record tries; doubles each time it fails |
//! | `circuit-breaker.max-pause` | `5m` | |
//! | `circuit-breaker.probes` | no limit | how often one record may try before its failures count again |
//! | `dead-letter` | `stop`; `*-dlt` with retry topics | a topic, `*-dlt` (the record's topic with `-dlt`), `off` or `stop` |
//! | `dead-letter-brake.enabled` | true where anything is said of it | a listener whose share of dead letters passes a limit stops |
//! | `dead-letter-brake.share` | `50%` | or 0.5 |
//! | `dead-letter-brake.within` | `1m` | |
//! | `dead-letter-brake.at-least` | 20 | records within that time, or no share is told |
//! | `on-failure` | `retry` | or `skip`, `stop`; handlers of dead letters only |
//! | `timeout` | none | one call of the handler |
//! | `rate-limit` | none | records handed over in a time, as in `100/s`, over all consumers of this process |
//! | `auto-startup` | true | |
//! | `start-after` | none | id of the listener that it starts after: when that has finished, or else runs; one listener only |
//! | `until-end` | false | it finishes when its group has read what there was when it started |
//! | `on-revoke` | `drain` | or `cancel` |
//! | `group-instance-id` | none | a name that the consumer keeps over restarts: one that is back within `session.timeout.ms` has its partitions again, and nobody else's change; `-n` behind it with `concurrency` |
//! | `restart.attempts` | 0 | starts in a row after a listener failed |
//! | `restart.backoff` | `1s` | before the first of them |
//! | `restart.multiplier` | 2 | |
//! | `restart.max-backoff` | `1m` | |
//! | `restart.reset-after` | `1m` | who ran for this long has failed for the first time |
//! | `idle-event-interval` | none | after how long without a record a consumer tells that it is idle |
//! | `idle-partition-event-interval` | none | the same of a partition |
//!
//! `kafka.retry.topic.*` is Spring Boot's spelling of `kafka.listener.retry-topics.*`: `enabled`, `attempts`,
//! `backoff.delay`, `backoff.multiplier`, `backoff.max-delay`, `backoff.jitter` (a duration).
//!
//! # Mistakes
//!
//! Unknown keys, wrong values, properties librdkafka does not have or of another kind of client, properties of the Java
//! client, properties the framework owns, contradictions: all are reported in one error before anything connects, each
//! with its file and line, its variable, or `code`, and the nearest right name. Secrets are in no message and no `Debug`.

mod admin;
mod circuit_breaker;
mod client;
mod client_map;
mod client_rules;
mod clusters;
mod consumer;
mod dead_letter_brake;
mod env_layer;
mod from_text;
mod java_keys;
mod kafka_properties;
mod layer;
pub(crate) mod librdkafka_keys;
mod listener;
mod mistake;
mod partitions;
mod placeholder;
mod producer;
mod properties;
mod property_rules;
mod rate_limit;
mod replies;
mod resolve;
mod resolved;
mod restart;
mod retry_stages;
mod retry_topics;
mod schema_registry;
mod section;
mod source;
mod toml_layer;
mod transactional;

#[cfg(test)]
mod tests;

pub use admin::{AdminProperties, TemplateProperties};
pub(crate) use circuit_breaker::CircuitBreaker;
pub use circuit_breaker::CircuitBreakerSettings;
pub use client::{ClientProperties, Secret, SslProperties};
pub(crate) use client_map::{
    admin_properties, consumer_properties, hand_held_properties, producer_properties, replay_properties,
    reply_properties, set_instance_id, tell_ends,
};
pub(crate) use clusters::DEFAULT_CLUSTER;
pub use consumer::ConsumerProperties;
pub(crate) use dead_letter_brake::DeadLetterBrake;
pub use dead_letter_brake::DeadLetterBrakeSettings;
pub use from_text::{AutoOffsetReset, IsolationLevel};
pub use kafka_properties::{KafkaProperties, KafkaPropertiesBuilder, ListenerDefaults};
pub(crate) use layer::listener_key;
pub use listener::{AckMode, DeadLetter, Delivery, ListenerSettings, OnDltFailure, OnRevoke, Ordering, RetrySettings};
pub(crate) use mistake::Mistake;
pub(crate) use partitions::ByHand;
pub use partitions::{Partitions, StartFrom};
pub use producer::ProducerProperties;
pub use properties::Properties;
pub use rate_limit::RateLimit;
pub(crate) use resolve::{Declared, check_topic};
pub(crate) use resolved::{BatchLimits, ResolvedListener, Retry, Subscription, TransactionLimits};
pub(crate) use restart::Restart;
pub use restart::RestartSettings;
pub(crate) use retry_stages::{RetryTopics, Stage};
pub use retry_topics::{RetryTopicNames, RetryTopicSettings};
pub use schema_registry::{SchemaRegistryProperties, SubjectNameStrategy};
pub(crate) use transactional::{TransactionalIds, transactional_properties};
