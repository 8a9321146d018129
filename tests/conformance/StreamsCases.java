import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * A Kafka Streams application with exactly_once_v2, and the programs that feed it and look at its results.
 *
 * <p>Orders (customer, amount) are joined with a table of customers and with a stream of payments, summed up for each
 * customer, counted for each window, and counted for each amount after a repartition. What comes out depends on what went in
 * only, however often the application is killed.
 */
public final class StreamsCases {
    private static final int PARTITIONS = 3;
    private static final int CUSTOMERS = 20;
    /**
     * The time of the first order, in ms, at the start of a window; the same for every program of one run. It is of today:
     * records, and changelogs with their times, that are older than a topic's retention are deleted at the broker's next look
     * at it, maybe before the application has read them.
     */
    private static final long START = Long.getLong("start");
    private static final Set<String> INPUTS = Set.of("customers", "orders", "payments");
    private static final Set<String> OUTPUTS = Set.of("enriched", "paid", "totals", "windows", "amounts");

    public static void main(String[] arguments) throws Exception {
        String bootstrap = arguments[1];
        switch (arguments[0]) {
            case "topics" -> topics(bootstrap);
            case "run" -> run(bootstrap, arguments[2]);
            case "feed" -> feed(bootstrap, Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
            case "await" -> await(bootstrap, Integer.parseInt(arguments[2]));
            case "check" -> check(bootstrap, Integer.parseInt(arguments[2]));
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void topics(String bootstrap) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            List<NewTopic> topics = Stream.concat(INPUTS.stream(), OUTPUTS.stream())
                .map(name -> new NewTopic(name, PARTITIONS, (short) 1)).toList();
            admin.createTopics(topics).all().get();
        }
    }

    private static void run(String bootstrap, String stateDirectory) throws Exception {
        Properties configs = new Properties();
        configs.put("application.id", "shop");
        configs.put("bootstrap.servers", bootstrap);
        configs.put("state.dir", stateDirectory);
        configs.put("processing.guarantee", "exactly_once_v2");
        configs.put("num.stream.threads", "2");
        configs.put("commit.interval.ms", "100");
        configs.put("statestore.cache.max.bytes", "0");
        configs.put("auto.offset.reset", "earliest");
        // A killed member is missed sooner than after 45 s.
        configs.put("session.timeout.ms", "6000");
        configs.put("heartbeat.interval.ms", "1000");
        // Few at a time, so that there is a middle in which to be killed.
        configs.put("max.poll.records", "50");
        StreamsBuilder builder = new StreamsBuilder();
        topology(builder);
        KafkaStreams streams = new KafkaStreams(builder.build(), configs);
        CountDownLatch ended = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            System.out.println(now);
            if (now == KafkaStreams.State.ERROR) {
                System.exit(1);
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(Duration.ofSeconds(20));
            ended.countDown();
        }));
        streams.start();
        ended.await();
    }

    private static void topology(StreamsBuilder builder) {
        Consumed<String, Long> read = Consumed.with(Serdes.String(), Serdes.Long());
        Produced<String, Long> write = Produced.with(Serdes.String(), Serdes.Long());
        KTable<String, String> customers = builder.table("customers", Consumed.with(Serdes.String(), Serdes.String()));
        KStream<String, Long> orders = builder.stream("orders", read);
        KStream<String, Long> payments = builder.stream("payments", read);
        orders
            .join(customers, (amount, name) -> name + " " + amount, Joined.with(Serdes.String(), Serdes.Long(), Serdes.String()))
            .to("enriched", Produced.with(Serdes.String(), Serdes.String()));
        orders
            .join(payments, (ordered, paid) -> ordered + paid,
                JoinWindows.ofTimeDifferenceAndGrace(Duration.ofMillis(0), Duration.ofHours(1)),
                StreamJoined.with(Serdes.String(), Serdes.Long(), Serdes.Long()))
            .to("paid", write);
        orders
            .groupByKey(Grouped.with(Serdes.String(), Serdes.Long()))
            .aggregate(() -> 0L, (customer, amount, sum) -> sum + amount, Materialized.with(Serdes.String(), Serdes.Long()))
            .toStream().to("totals", write);
        orders
            .groupByKey(Grouped.with(Serdes.String(), Serdes.Long()))
            .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofSeconds(10), Duration.ofHours(1)))
            .count()
            .toStream((window, count) -> window.key() + "@" + (window.window().start() - START) / 1000)
            .to("windows", write);
        orders
            .map((customer, amount) -> KeyValue.pair("amount " + amount % 7, amount))
            .groupByKey(Grouped.with(Serdes.String(), Serdes.Long()))
            .count()
            .toStream().to("amounts", write);
    }

    // ---- what goes in: order n is of customer n % CUSTOMERS, costs n, and is made START + 100 n; every third is paid.

    private static void feed(String bootstrap, int from, int to) {
        Map<String, Object> configs = Map.of("bootstrap.servers", bootstrap);
        if (from == 0) {
            try (var producer = new KafkaProducer<>(configs, new StringSerializer(), new StringSerializer())) {
                for (int i = 0; i < CUSTOMERS; i++) {
                    producer.send(new ProducerRecord<>("customers", null, START - 1, customer(i), "name " + i));
                }
            }
        }
        try (var producer = new KafkaProducer<>(configs, new StringSerializer(), new LongSerializer())) {
            for (int n = from; n < to; n++) {
                producer.send(new ProducerRecord<>("orders", null, START + 100L * n, customer(n), (long) n));
                if (n % 3 == 0) {
                    producer.send(new ProducerRecord<>("payments", null, START + 100L * n, customer(n), (long) n));
                }
            }
        }
    }

    private static String customer(int n) {
        return "customer " + n % CUSTOMERS;
    }

    // ---- what comes out

    /** Waits until that many orders are done for good, as a reader of committed records sees it. */
    private static void await(String bootstrap, int orders) {
        try (KafkaConsumer<String, byte[]> consumer = consumer(bootstrap)) {
            consumer.assign(partitions("enriched"));
            int seen = 0;
            while (seen < orders) {
                seen += consumer.poll(Duration.ofMillis(100)).count();
            }
        }
    }

    private static void check(String bootstrap, int orders) {
        Map<String, Long> sums = new TreeMap<>();
        Map<String, Long> windows = new TreeMap<>();
        Map<String, Long> amounts = new TreeMap<>();
        Map<String, Long> paid = new TreeMap<>();
        for (int n = 0; n < orders; n++) {
            sums.merge(customer(n), (long) n, Long::sum);
            windows.merge(customer(n) + "@" + n / 100 * 10, 1L, Long::sum);
            amounts.merge("amount " + n % 7, 1L, Long::sum);
            if (n % 3 == 0) {
                paid.merge(customer(n), 2L * n, Long::sum);
            }
        }
        Map<String, Integer> counts = new HashMap<>();
        Map<String, Map<String, Long>> last = new HashMap<>();
        Map<String, Long> paidSums = new TreeMap<>();
        LongDeserializer longs = new LongDeserializer();
        try (KafkaConsumer<String, byte[]> consumer = consumer(bootstrap)) {
            List<TopicPartition> all = OUTPUTS.stream().flatMap(topic -> partitions(topic).stream()).toList();
            consumer.assign(all);
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            while (all.stream().anyMatch(tp -> consumer.position(tp) < ends.get(tp))) {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> {
                    counts.merge(record.topic(), 1, Integer::sum);
                    if (!record.topic().equals("enriched")) {
                        long value = longs.deserialize("", record.value());
                        last.computeIfAbsent(record.topic(), topic -> new TreeMap<>()).put(record.key(), value);
                        if (record.topic().equals("paid")) {
                            paidSums.merge(record.key(), value, Long::sum);
                        }
                    }
                });
            }
        }
        same("each order is joined with its customer once", orders, counts.get("enriched"));
        same("each paid order is joined with its payment once", (orders + 2) / 3, counts.get("paid"));
        same("the right payments are joined", paid, paidSums);
        same("each order adds to its customer's sum once", orders, counts.get("totals"));
        same("sums of customers", sums, last.get("totals"));
        same("counts of windows", windows, last.get("windows"));
        same("counts behind a repartition", amounts, last.get("amounts"));
    }

    private static void same(String what, Object expected, Object actual) {
        System.out.println(expected.equals(actual) ? "ok " + what : "FAIL " + what + ": expected " + expected + " but was " + actual);
    }

    private static KafkaConsumer<String, byte[]> consumer(String bootstrap) {
        Map<String, Object> configs =
            Map.of("bootstrap.servers", bootstrap, "isolation.level", "read_committed", "auto.offset.reset", "earliest");
        return new KafkaConsumer<>(configs, new StringDeserializer(), new org.apache.kafka.common.serialization.ByteArrayDeserializer());
    }

    private static List<TopicPartition> partitions(String topic) {
        return IntStream.range(0, PARTITIONS).mapToObj(p -> new TopicPartition(topic, p)).toList();
    }
}
