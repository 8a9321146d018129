import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * What Kafka's own Java clients do with a broker, a case a method. Prints "ok NAME" or "FAIL NAME: why" for each.
 *
 * <p>Arguments: the bootstrap servers, a file of properties that all clients have, and a part of the cases' names.
 */
public final class Clients {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final long CASE_SECONDS = 60;

    /** Where the broker is and how clients log in there. */
    private static final Map<String, Object> connection = new HashMap<>();
    private static Admin admin;

    interface Case {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        try (InputStream file = Files.newInputStream(Path.of(arguments[1]))) {
            Properties said = new Properties();
            said.load(file);
            said.forEach((key, value) -> connection.put((String) key, value));
        }
        connection.put("bootstrap.servers", arguments[0]);
        String filter = arguments.length > 2 ? arguments[2] : "";
        Map<String, Object> configs = new HashMap<>(connection);
        configs.putAll(Map.of("request.timeout.ms", "15000", "default.api.timeout.ms", "20000"));
        admin = Admin.create(configs);
        Map<String, Case> cases = new TreeMap<>();
        for (String protocol : List.of("classic", "consumer")) {
            cases.put("produce and consume, " + protocol, () -> produceAndConsume(protocol));
            cases.put("a group shares partitions and takes over, " + protocol, () -> share(protocol));
            cases.put("a static member comes back to its partitions, " + protocol, () -> staticMember(protocol));
            cases.put("a subscription by pattern finds new topics, " + protocol, () -> pattern(protocol));
        }
        cases.put("a group moves from classic to consumer and back", Clients::migrate);
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            cases.put("compression " + codec, () -> compression(codec));
        }
        cases.put("positions and offsets by time", Clients::offsets);
        cases.put("a transaction commits and another aborts", Clients::transactions);
        cases.put("offsets are committed in a transaction", Clients::offsetsInTransaction);
        cases.put("a second producer of the same transactional id fences the first", Clients::fencing);
        cases.put("admin: transactions are listed, described and aborted", Clients::adminTransactions);
        cases.put("admin: topics", Clients::adminTopics);
        cases.put("admin: configs", Clients::adminConfigs);
        cases.put("admin: groups and offsets", Clients::adminGroups);
        cases.put("admin: records and offsets", Clients::adminRecords);
        cases.put("admin: cluster, features, log directories, quorum", Clients::adminCluster);
        cases.put("admin: quotas", Clients::adminQuotas);
        cases.put("admin: elections and reassignments", Clients::adminReassignments);
        cases.put("admin: producers", Clients::adminProducers);
        cases.put("admin: what does not exist is refused in Kafka's words", Clients::adminErrors);
        int failed = 0;
        ExecutorService runner = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        });
        for (Map.Entry<String, Case> one : cases.entrySet()) {
            if (one.getKey().contains(filter) && !passes(runner, one.getKey(), one.getValue())) {
                failed++;
            }
        }
        admin.close(Duration.ofSeconds(5));
        System.exit(failed == 0 ? 0 : 1);
    }

    private static boolean passes(ExecutorService runner, String name, Case what) throws InterruptedException {
        Future<?> running = runner.submit(() -> {
            what.run();
            return null;
        });
        try {
            running.get(CASE_SECONDS, TimeUnit.SECONDS);
            System.out.println("ok " + name);
            return true;
        } catch (ExecutionException error) {
            Throwable cause = error.getCause();
            while (cause instanceof ExecutionException) {
                cause = cause.getCause();
            }
            StackTraceElement where = null;
            for (StackTraceElement element : error.getCause().getStackTrace()) {
                if (where == null && element.getClassName().startsWith("Clients")) {
                    where = element;
                }
            }
            System.out.println("FAIL " + name + ": " + cause + " (" + where + ")");
        } catch (java.util.concurrent.TimeoutException error) {
            running.cancel(true);
            System.out.println("FAIL " + name + ": not done within " + CASE_SECONDS + " s");
        }
        return false;
    }

    // ---- both group protocols

    private static void produceAndConsume(String protocol) throws Exception {
        String topic = newTopic(3);
        try (Producer<String, String> producer = producer(Map.of())) {
            for (int i = 0; i < 300; i++) {
                ProducerRecord<String, String> record = new ProducerRecord<>(topic, null, 1000L + i, "k" + i, "v" + i);
                record.headers().add(new RecordHeader("n", new byte[] {(byte) i})).add(new RecordHeader("null", null));
                producer.send(record);
            }
            producer.flush();
            equal(3, producer.partitionsFor(topic).size());
        }
        String group = newGroup();
        try (Consumer<String, String> consumer = consumer(protocol, group, Map.of())) {
            consumer.subscribe(List.of(topic));
            List<ConsumerRecord<String, String>> records = take(consumer, 300);
            equal(300, values(records).size());
            for (ConsumerRecord<String, String> record : records) {
                int i = Integer.parseInt(record.value().substring(1));
                equal("k" + i, record.key());
                equal(1000L + i, record.timestamp());
                equal((byte) i, record.headers().lastHeader("n").value()[0]);
                check(record.headers().lastHeader("null").value() == null, "a null header is kept");
            }
            consumer.commitSync();
            Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(partitions(topic, 3));
            equal(300L, committed.values().stream().mapToLong(OffsetAndMetadata::offset).sum());
            equal(0L, consumer.assignment().stream().mapToLong(tp -> consumer.currentLag(tp).orElse(-1)).sum());
        }
        try (Consumer<String, String> consumer = consumer(protocol, group, Map.of())) {
            consumer.subscribe(List.of(topic));
            await(() -> consumer.poll(POLL).isEmpty() && consumer.assignment().size() == 3);
            equal(0, consumer.poll(POLL).count());
        }
    }

    private static void share(String protocol) throws Exception {
        String topic = newTopic(4);
        String group = newGroup();
        try (Consumer<String, String> first = consumer(protocol, group, Map.of())) {
            first.subscribe(List.of(topic));
            await(() -> assigned(first) == 4);
            try (Consumer<String, String> second = consumer(protocol, group, Map.of())) {
                second.subscribe(List.of(topic));
                await(() -> assigned(first) == 2 & assigned(second) == 2);
                Set<TopicPartition> both = new HashSet<>(first.assignment());
                both.addAll(second.assignment());
                equal(4, both.size());
                ConsumerGroupDescription description = describe(group);
                equal(GroupState.STABLE, description.groupState());
                equal(2, description.members().size());
                equal(protocol.equals("classic") ? GroupType.CLASSIC : GroupType.CONSUMER, description.type());
            }
            await(() -> assigned(first) == 4);
        }
        await(() -> {
            ConsumerGroupDescription description = describe(group);
            return description.groupState() == GroupState.EMPTY && description.members().isEmpty();
        });
    }

    private static void staticMember(String protocol) throws Exception {
        String topic = newTopic(4);
        String group = newGroup();
        Consumer<String, String> first = consumer(protocol, group, Map.of("group.instance.id", "one"));
        try (Consumer<String, String> second = consumer(protocol, group, Map.of("group.instance.id", "two"))) {
            first.subscribe(List.of(topic));
            second.subscribe(List.of(topic));
            await(() -> assigned(first) == 2 & assigned(second) == 2);
            Set<TopicPartition> before = Set.copyOf(first.assignment());
            first.close();
            try (Consumer<String, String> again = consumer(protocol, group, Map.of("group.instance.id", "one"))) {
                again.subscribe(List.of(topic));
                await(() -> assigned(again) == 2 & assigned(second) == 2);
                equal(before, again.assignment());
            }
        } finally {
            first.close();
        }
        equal(2, describe(group).members().size());
        admin.removeMembersFromConsumerGroup(
            group, new org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions()).all().get();
        await(() -> describe(group).groupState() == GroupState.EMPTY);
    }

    private static void pattern(String protocol) throws Exception {
        String prefix = "p" + UUID.randomUUID().toString().substring(0, 8);
        newTopic(prefix + "-a", 1);
        try (Consumer<String, String> consumer = consumer(protocol, newGroup(), Map.of("metadata.max.age.ms", "500"))) {
            if (protocol.equals("consumer")) {
                consumer.subscribe(new SubscriptionPattern(prefix + "-[ab]"));
            } else {
                consumer.subscribe(java.util.regex.Pattern.compile(prefix + "-[ab]"));
            }
            await(() -> assigned(consumer) == 1);
            newTopic(prefix + "-c", 1);
            newTopic(prefix + "-b", 2);
            await(() -> assigned(consumer) == 3);
        }
    }

    private static void migrate() throws Exception {
        String topic = newTopic(2);
        String group = newGroup();
        try (Consumer<String, String> classic = consumer("classic", group, Map.of())) {
            classic.subscribe(List.of(topic));
            await(() -> assigned(classic) == 2);
            try (Consumer<String, String> consumer = consumer("consumer", group, Map.of())) {
                consumer.subscribe(List.of(topic));
                await(() -> assigned(classic) == 1 & assigned(consumer) == 1);
                equal(GroupType.CONSUMER, describe(group).type());
            }
            await(() -> assigned(classic) == 2);
            equal(GroupType.CLASSIC, describe(group).type());
        }
    }

    // ---- records

    private static void compression(String codec) throws Exception {
        String topic = newTopic(1);
        try (Producer<String, String> producer = producer(Map.of("compression.type", codec, "linger.ms", "50"))) {
            for (int i = 0; i < 500; i++) {
                producer.send(new ProducerRecord<>(topic, "key", "value ".repeat(20) + i));
            }
        }
        try (Consumer<String, String> consumer = consumer("classic", null, Map.of())) {
            consumer.assign(partitions(topic, 1));
            equal(500, values(take(consumer, 500)).size());
        }
    }

    private static void offsets() throws Exception {
        String topic = newTopic(1);
        TopicPartition tp = new TopicPartition(topic, 0);
        try (Producer<String, String> producer = producer(Map.of())) {
            for (long time : new long[] {100, 300, 200}) {
                RecordMetadata sent = producer.send(new ProducerRecord<>(topic, 0, time, "k", "v")).get();
                equal(time, sent.timestamp());
            }
        }
        try (Consumer<String, String> consumer = consumer("classic", null, Map.of())) {
            consumer.assign(List.of(tp));
            equal(Map.of(tp, 0L), consumer.beginningOffsets(List.of(tp)));
            equal(Map.of(tp, 3L), consumer.endOffsets(List.of(tp)));
            equal(new OffsetAndTimestamp(1, 300, Optional.of(0)), consumer.offsetsForTimes(Map.of(tp, 150L)).get(tp));
            check(consumer.offsetsForTimes(Map.of(tp, 301L)).get(tp) == null, "nothing is as late as 301");
            consumer.seek(tp, 2);
            equal(2L, take(consumer, 1).get(0).offset());
            consumer.seekToBeginning(List.of(tp));
            equal(0L, consumer.position(tp));
            consumer.seekToEnd(List.of(tp));
            equal(3L, consumer.position(tp));
            consumer.pause(List.of(tp));
            consumer.seek(tp, 0);
            equal(0, consumer.poll(POLL).count());
            consumer.resume(List.of(tp));
            equal(3, take(consumer, 3).size());
        }
    }

    // ---- transactions

    private static void transactions() throws Exception {
        String topic = newTopic(2);
        try (Producer<String, String> producer = producer(Map.of("transactional.id", topic))) {
            producer.initTransactions();
            producer.beginTransaction();
            for (int i = 0; i < 10; i++) {
                producer.send(new ProducerRecord<>(topic, i % 2, "k", "kept " + i));
            }
            producer.commitTransaction();
            producer.beginTransaction();
            for (int i = 0; i < 10; i++) {
                producer.send(new ProducerRecord<>(topic, i % 2, "k", "dropped " + i));
            }
            producer.flush();
            producer.abortTransaction();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, 0, "k", "open"));
            producer.flush();
            equal(10, readAll(topic, 2, "read_committed").size());
            equal(21, readAll(topic, 2, "read_uncommitted").size());
            producer.commitTransaction();
        }
        equal(11, readAll(topic, 2, "read_committed").size());
    }

    private static void offsetsInTransaction() throws Exception {
        String source = newTopic(1);
        String target = newTopic(1);
        String group = newGroup();
        TopicPartition tp = new TopicPartition(source, 0);
        fill(source, 10);
        for (String protocol : List.of("classic", "consumer")) {
            try (Producer<String, String> producer = producer(Map.of("transactional.id", target));
                    Consumer<String, String> consumer =
                        consumer(protocol, group + protocol, Map.of("isolation.level", "read_committed"))) {
                producer.initTransactions();
                consumer.subscribe(List.of(source));
                take(consumer, 10);
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(target, "k", "sum"));
                producer.sendOffsetsToTransaction(Map.of(tp, new OffsetAndMetadata(7)), consumer.groupMetadata());
                producer.abortTransaction();
                check(consumer.committed(Set.of(tp)).get(tp) == null, "an aborted offset is not there");
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(target, "k", "sum"));
                producer.sendOffsetsToTransaction(Map.of(tp, new OffsetAndMetadata(10)), consumer.groupMetadata());
                producer.commitTransaction();
                equal(10L, consumer.committed(Set.of(tp)).get(tp).offset());
            }
        }
        equal(2, readAll(target, 1, "read_committed").size());
    }

    private static void fencing() throws Exception {
        String topic = newTopic(1);
        try (Producer<String, String> old = producer(Map.of("transactional.id", topic))) {
            old.initTransactions();
            old.beginTransaction();
            old.send(new ProducerRecord<>(topic, "k", "of the old one")).get();
            try (Producer<String, String> young = producer(Map.of("transactional.id", topic))) {
                young.initTransactions();
                try {
                    old.send(new ProducerRecord<>(topic, "k", "too late")).get();
                    old.commitTransaction();
                    throw new AssertionError("the old producer is not fenced");
                } catch (ExecutionException error) {
                    check(isFenced(error.getCause()), "fenced, not " + error.getCause());
                } catch (ProducerFencedException | InvalidProducerEpochException error) {
                    // As it should be.
                }
                young.beginTransaction();
                young.send(new ProducerRecord<>(topic, "k", "of the young one"));
                young.commitTransaction();
            }
        }
        equal(List.of("of the young one"), readAll(topic, 1, "read_committed"));
    }

    private static boolean isFenced(Throwable error) {
        return error instanceof ProducerFencedException || error instanceof InvalidProducerEpochException;
    }

    private static void adminTransactions() throws Exception {
        String topic = newTopic(1);
        TopicPartition tp = new TopicPartition(topic, 0);
        try (Producer<String, String> producer = producer(Map.of("transactional.id", topic))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "k", "v")).get();
            Optional<TransactionListing> listed = admin.listTransactions().all().get().stream()
                .filter(one -> one.transactionalId().equals(topic)).findFirst();
            equal(TransactionState.ONGOING, listed.orElseThrow().state());
            var described = admin.describeTransactions(List.of(topic)).description(topic).get();
            equal(Set.of(tp), described.topicPartitions());
            equal(listed.get().producerId(), described.producerId());
            var active = admin.describeProducers(List.of(tp)).partitionResult(tp).get().activeProducers().get(0);
            equal(described.producerId(), active.producerId());
            equal(0L, active.currentTransactionStartOffset().orElse(-1));
            admin.fenceProducers(List.of(topic)).all().get();
            await(() -> {
                var after = admin.describeTransactions(List.of(topic)).description(topic).get();
                return after.state() == TransactionState.COMPLETE_ABORT || after.state() == TransactionState.EMPTY;
            });
        } catch (ProducerFencedException error) {
            // Closing may tell of it.
        }
        equal(0, readAll(topic, 1, "read_committed").size());
    }

    // ---- admin

    private static void adminTopics() throws Exception {
        String topic = newTopic(2);
        TopicDescription description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
        equal(2, description.partitions().size());
        equal(1, description.partitions().get(0).replicas().size());
        equal(1, description.partitions().get(0).isr().size());
        check(admin.listTopics().names().get().contains(topic), "it is listed");
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
        await(() -> admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 5);
        var byId = admin.describeTopics(org.apache.kafka.common.TopicCollection.ofTopicIds(List.of(description.topicId())));
        equal(topic, byId.allTopicIds().get().get(description.topicId()).name());
        var created = admin.createTopics(
            List.of(new NewTopic(topic + "-b", Optional.of(3), Optional.empty()).configs(Map.of("retention.ms", "5"))));
        equal(3, created.numPartitions(topic + "-b").get());
        equal("5", created.config(topic + "-b").get().get("retention.ms").value());
        admin.deleteTopics(List.of(topic, topic + "-b")).all().get();
        await(() -> admin.listTopics().names().get().stream().noneMatch(name -> name.startsWith(topic)));
    }

    private static void adminConfigs() throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, newTopic(1));
        alter(topic, new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND));
        alter(topic, new AlterConfigOp(new ConfigEntry("retention.ms", "1000"), AlterConfigOp.OpType.SET));
        await(() -> "delete,compact".equals(config(topic).get("cleanup.policy").value())
            && "1000".equals(config(topic).get("retention.ms").value()));
        equal(ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, config(topic).get("retention.ms").source());
        alter(topic, new AlterConfigOp(new ConfigEntry("retention.ms", ""), AlterConfigOp.OpType.DELETE));
        alter(topic, new AlterConfigOp(new ConfigEntry("cleanup.policy", "delete"), AlterConfigOp.OpType.SUBTRACT));
        await(() -> "604800000".equals(config(topic).get("retention.ms").value())
            && "compact".equals(config(topic).get("cleanup.policy").value()));
        String node = admin.describeCluster().nodes().get().iterator().next().idString();
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, node);
        check(config(broker).get("num.partitions").isReadOnly(), "num.partitions cannot be changed");
        alter(broker, new AlterConfigOp(new ConfigEntry("log.cleaner.threads", "2"), AlterConfigOp.OpType.SET));
        await(() -> "2".equals(config(broker).get("log.cleaner.threads").value()));
        equal(ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG, config(broker).get("log.cleaner.threads").source());
        alter(broker, new AlterConfigOp(new ConfigEntry("log.cleaner.threads", ""), AlterConfigOp.OpType.DELETE));
        ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, newGroup());
        alter(group, new AlterConfigOp(new ConfigEntry("consumer.session.timeout.ms", "50000"), AlterConfigOp.OpType.SET));
        await(() -> "50000".equals(config(group).get("consumer.session.timeout.ms").value()));
        ConfigResource metrics = new ConfigResource(ConfigResource.Type.CLIENT_METRICS, newGroup());
        alter(metrics, new AlterConfigOp(new ConfigEntry("interval.ms", "1000"), AlterConfigOp.OpType.SET));
        await(() -> admin.listConfigResources(Set.of(ConfigResource.Type.CLIENT_METRICS),
            new org.apache.kafka.clients.admin.ListConfigResourcesOptions()).all().get().contains(metrics));
        alter(metrics, new AlterConfigOp(new ConfigEntry("interval.ms", ""), AlterConfigOp.OpType.DELETE));
    }

    private static void adminGroups() throws Exception {
        String topic = newTopic(2);
        String group = newGroup();
        TopicPartition tp = new TopicPartition(topic, 0);
        TopicPartition other = new TopicPartition(topic, 1);
        fill(topic, 5);
        admin.alterConsumerGroupOffsets(
            group, Map.of(tp, new OffsetAndMetadata(1, "note"), other, new OffsetAndMetadata(0))).all().get();
        var offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        equal(1L, offsets.get(tp).offset());
        equal("note", offsets.get(tp).metadata());
        Optional<GroupListing> listed =
            admin.listGroups().all().get().stream().filter(one -> one.groupId().equals(group)).findFirst();
        equal(GroupState.EMPTY, listed.orElseThrow().groupState().orElseThrow());
        equal(GroupState.EMPTY, describe(group).groupState());
        admin.deleteConsumerGroupOffsets(group, Set.of(tp)).all().get();
        equal(Set.of(other), admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().keySet());
        try (Consumer<String, String> member = consumer("classic", group, Map.of())) {
            member.subscribe(List.of(topic));
            await(() -> assigned(member) == 2);
            refused("GroupNotEmptyException", () -> admin.deleteConsumerGroups(List.of(group)).all().get());
            refused("GroupSubscribedToTopicException", () -> admin.deleteConsumerGroupOffsets(group, Set.of(other)).all().get());
            refused("UnknownMemberIdException", () -> admin.alterConsumerGroupOffsets(group, Map.of(tp, new OffsetAndMetadata(0))).all().get());
        }
        admin.deleteConsumerGroups(List.of(group)).all().get();
        check(admin.listGroups().all().get().stream().noneMatch(one -> one.groupId().equals(group)), "it is gone");
        refused("GroupIdNotFoundException", () -> describe(group));
    }

    private static void adminRecords() throws Exception {
        String topic = newTopic(1);
        TopicPartition tp = new TopicPartition(topic, 0);
        try (Producer<String, String> producer = producer(Map.of())) {
            for (long time : new long[] {100, 300, 200}) {
                producer.send(new ProducerRecord<>(topic, 0, time, "k", "v")).get();
            }
        }
        equal(0L, offset(tp, OffsetSpec.earliest()).offset());
        equal(3L, offset(tp, OffsetSpec.latest()).offset());
        equal(1L, offset(tp, OffsetSpec.maxTimestamp()).offset());
        equal(300L, offset(tp, OffsetSpec.maxTimestamp()).timestamp());
        equal(1L, offset(tp, OffsetSpec.forTimestamp(150)).offset());
        equal(0L, offset(tp, OffsetSpec.earliestLocal()).offset());
        equal(-1L, offset(tp, OffsetSpec.latestTiered()).offset());
        equal(2L, admin.deleteRecords(Map.of(tp, RecordsToDelete.beforeOffset(2))).lowWatermarks().get(tp).get().lowWatermark());
        equal(2L, offset(tp, OffsetSpec.earliest()).offset());
        refused("OffsetOutOfRangeException", () -> admin.deleteRecords(Map.of(tp, RecordsToDelete.beforeOffset(9))).all().get());
    }

    private static void adminCluster() throws Exception {
        var cluster = admin.describeCluster();
        equal(1, cluster.nodes().get().size());
        equal(22, cluster.clusterId().get().length());
        int node = cluster.nodes().get().iterator().next().id();
        equal(node, cluster.controller().get().id());
        var features = admin.describeFeatures().featureMetadata().get();
        equal((short) 1, features.finalizedFeatures().get("group.version").maxVersionLevel());
        equal((short) 2, features.finalizedFeatures().get("transaction.version").maxVersionLevel());
        check(features.finalizedFeatures().containsKey("metadata.version"), "a metadata version");
        String topic = newTopic(1);
        fill(topic, 100);
        var directories = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node);
        equal(1, directories.size());
        var replica = directories.values().iterator().next().replicaInfos().get(new TopicPartition(topic, 0));
        check(replica.size() > 100, "the size of a log, not " + replica.size());
        equal(0L, replica.offsetLag());
        equal(node, admin.describeMetadataQuorum().quorumInfo().get().leaderId());
    }

    private static void adminQuotas() throws Exception {
        ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, newGroup()));
        var set = new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1024.0)));
        admin.alterClientQuotas(List.of(set)).all().get();
        await(() -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get()
            .getOrDefault(entity, Map.of()).equals(Map.of("producer_byte_rate", 1024.0)));
        var unset = new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", null)));
        admin.alterClientQuotas(List.of(unset)).all().get();
        await(() -> !admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().containsKey(entity));
    }

    private static void adminReassignments() throws Exception {
        TopicPartition tp = new TopicPartition(newTopic(1), 0);
        equal(Map.of(), admin.listPartitionReassignments(Set.of(tp)).reassignments().get());
        refused("NoReassignmentInProgressException",
            () -> admin.alterPartitionReassignments(Map.of(tp, Optional.empty())).all().get());
        var elected = admin.electLeaders(org.apache.kafka.common.ElectionType.PREFERRED, Set.of(tp)).partitions().get();
        equal("ElectionNotNeededException", elected.get(tp).orElseThrow().getClass().getSimpleName());
    }

    private static void adminProducers() throws Exception {
        TopicPartition tp = new TopicPartition(newTopic(1), 0);
        fill(tp.topic(), 3);
        var producers = admin.describeProducers(List.of(tp)).partitionResult(tp).get().activeProducers();
        equal(1, producers.size());
        equal(2, producers.get(0).lastSequence());
        check(producers.get(0).currentTransactionStartOffset().isEmpty(), "no transaction");
    }

    private static void adminErrors() throws Exception {
        String topic = newTopic(1);
        refused("TopicExistsException: Topic '" + topic + "' already exists.", () -> newTopic(topic, 1));
        refused("UnknownTopicOrPartitionException", () -> admin.describeTopics(List.of("not-there")).allTopicNames().get());
        refused("InvalidTopicException", () -> newTopic("no/slash", 1));
        refused("InvalidReplicationFactorException: Unable to replicate the partition 3 time(s): The target replication "
            + "factor of 3 cannot be reached because only 1 broker(s) are registered.",
            () -> admin.createTopics(List.of(new NewTopic(topic + "-b", 1, (short) 3))).all().get());
        refused("InvalidPartitionsException: Topic already has 1 partition(s).",
            () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(1))).all().get());
        refused("InvalidConfigurationException: Unknown topic config name: no.such",
            () -> alter(new ConfigResource(ConfigResource.Type.TOPIC, topic),
                new AlterConfigOp(new ConfigEntry("no.such", "1"), AlterConfigOp.OpType.SET)));
        refused("SecurityDisabledException: No Authorizer is configured",
            () -> admin.describeAcls(org.apache.kafka.common.acl.AclBindingFilter.ANY).values().get());
    }

    // ---- helpers

    private static String newTopic(int partitions) throws Exception {
        String name = "t" + UUID.randomUUID().toString().substring(0, 13);
        newTopic(name, partitions);
        return name;
    }

    /** Real brokers know a topic some milliseconds after it is made. */
    private static void newTopic(String name, int partitions) throws Exception {
        admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1))).all().get();
        await(() -> {
            try {
                return admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().size() == partitions;
            } catch (ExecutionException error) {
                return false;
            }
        });
    }

    private static String newGroup() {
        return "g" + UUID.randomUUID().toString().substring(0, 13);
    }

    private static Producer<String, String> producer(Map<String, String> more) {
        Map<String, Object> configs = new HashMap<>(more);
        configs.putAll(connection);
        return new KafkaProducer<>(configs, new StringSerializer(), new StringSerializer());
    }

    private static Consumer<String, String> consumer(String protocol, String group, Map<String, String> more) {
        Map<String, Object> configs = new HashMap<>(connection);
        configs.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        configs.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        configs.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, protocol);
        if (group != null) {
            configs.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        }
        if (protocol.equals("classic")) {
            // A member hears of a rebalance in the answer to a heartbeat; the other protocol has its own interval.
            configs.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, "300");
        }
        configs.putAll(more);
        return new KafkaConsumer<>(configs, new StringDeserializer(), new StringDeserializer());
    }

    private static void fill(String topic, int records) {
        try (Producer<String, String> producer = producer(Map.of())) {
            for (int i = 0; i < records; i++) {
                producer.send(new ProducerRecord<>(topic, 0, "k" + i, "v" + i));
            }
        }
    }

    private static List<String> readAll(String topic, int partitions, String isolation) {
        List<String> values = new ArrayList<>();
        try (Consumer<String, String> consumer = consumer("classic", null, Map.of("isolation.level", isolation))) {
            Set<TopicPartition> all = partitions(topic, partitions);
            consumer.assign(all);
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            while (all.stream().anyMatch(tp -> consumer.position(tp) < ends.get(tp))) {
                consumer.poll(POLL).forEach(record -> values.add(record.value()));
            }
        }
        return values;
    }

    private static List<ConsumerRecord<String, String>> take(Consumer<String, String> consumer, int count) throws Exception {
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        await(() -> {
            consumer.poll(POLL).forEach(records::add);
            return records.size() >= count;
        });
        equal(count, records.size());
        return records;
    }

    private static Set<String> values(List<ConsumerRecord<String, String>> records) {
        return records.stream().map(ConsumerRecord::value).collect(Collectors.toCollection(TreeSet::new));
    }

    private static int assigned(Consumer<String, String> consumer) {
        consumer.poll(Duration.ofMillis(100));
        return consumer.assignment().size();
    }

    private static Set<TopicPartition> partitions(String topic, int count) {
        return IntStream.range(0, count).mapToObj(p -> new TopicPartition(topic, p)).collect(Collectors.toSet());
    }

    private static ConsumerGroupDescription describe(String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group);
    }

    private static ListOffsetsResultInfo offset(TopicPartition tp, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(tp, spec)).partitionResult(tp).get();
    }

    private static Config config(ConfigResource resource) throws Exception {
        return admin.describeConfigs(List.of(resource)).all().get().get(resource);
    }

    private static void alter(ConfigResource resource, AlterConfigOp... ops) throws Exception {
        Map<ConfigResource, Collection<AlterConfigOp>> all = Map.of(resource, List.of(ops));
        admin.incrementalAlterConfigs(all).all().get();
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(CASE_SECONDS / 2);
        while (!condition.holds()) {
            check(System.nanoTime() < deadline, "it did not come about within " + CASE_SECONDS / 2 + " s");
            Thread.sleep(20);
        }
    }

    private static void refused(String expected, Case what) throws Exception {
        Throwable cause;
        try {
            what.run();
            throw new AssertionError("not refused: " + expected);
        } catch (Exception error) {
            cause = error;
        }
        while (cause instanceof ExecutionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        String said = cause.getClass().getSimpleName() + ": " + cause.getMessage();
        check(said.startsWith(expected), "expected " + expected + " but was " + said);
    }

    private static void equal(Object expected, Object actual) {
        check(expected.equals(actual), "expected " + expected + " but was " + actual);
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
