import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Apache's command-line tools one after the other in one process, since a process for each takes a second of a core.
 *
 * <p>Arguments: the bootstrap servers, then the jars that hold the tools, which must not be on the class path: each run
 * loads them anew, as some keep state in static fields. Each line of standard input is a case, its fields separated by
 * 0x1f: name, class or verb, standard input (with \n for a line's end and \t for a tab), arguments. What a case prints follows the line
 * "=== name", first standard output, then the lines of standard error behind "2> ", and ends with "[exit N]".
 *
 * <p>With -Dkafka.app=PROGRAM the tools that this program has are run by it instead, a process each.
 */
public final class Tools {
    private static final long CASE_MILLIS = 60_000;
    private static final String NOT_DONE = "[not done within " + CASE_MILLIS + " ms]";
    private static final PrintStream OUT = System.out;

    /** Which of the program's commands stands in for a class. */
    private static final Map<String, String> COMMANDS = Map.ofEntries(
        Map.entry("org.apache.kafka.tools.TopicCommand", "kafka-topics"),
        Map.entry("org.apache.kafka.tools.ConsoleProducer", "kafka-console-producer"),
        Map.entry("org.apache.kafka.tools.consumer.ConsoleConsumer", "kafka-console-consumer"),
        Map.entry("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "kafka-consumer-groups"),
        Map.entry("org.apache.kafka.tools.GroupsCommand", "kafka-groups"),
        Map.entry("kafka.admin.ConfigCommand", "kafka-configs"),
        Map.entry("org.apache.kafka.tools.GetOffsetShell", "kafka-get-offsets"),
        Map.entry("org.apache.kafka.tools.DeleteRecordsCommand", "kafka-delete-records"),
        Map.entry("org.apache.kafka.tools.AclCommand", "kafka-acls"),
        Map.entry("org.apache.kafka.tools.TransactionsCommand", "kafka-transactions"),
        Map.entry("org.apache.kafka.tools.BrokerApiVersionsCommand", "kafka-broker-api-versions"),
        Map.entry("org.apache.kafka.tools.ClusterTool", "kafka-cluster"),
        Map.entry("org.apache.kafka.tools.LogDirsCommand", "kafka-log-dirs"),
        Map.entry("org.apache.kafka.tools.LeaderElectionCommand", "kafka-leader-election"),
        Map.entry("org.apache.kafka.tools.ClientMetricsCommand", "kafka-client-metrics"),
        Map.entry("org.apache.kafka.tools.FeatureCommand", "kafka-features"),
        Map.entry("org.apache.kafka.tools.MetadataQuorumCommand", "kafka-metadata-quorum"),
        Map.entry("org.apache.kafka.tools.reassign.ReassignPartitionsCommand", "kafka-reassign-partitions"),
        Map.entry("org.apache.kafka.tools.ProducerPerformance", "kafka-producer-perf-test"),
        Map.entry("org.apache.kafka.tools.ConsumerPerformance", "kafka-consumer-perf-test"),
        Map.entry("org.apache.kafka.tools.VerifiableProducer", "kafka-verifiable-producer"),
        Map.entry("org.apache.kafka.tools.VerifiableConsumer", "kafka-verifiable-consumer"));
    private static final String KAFKA_APP = System.getProperty("kafka.app");

    private final String bootstrap;
    private final URL[] jars;
    /** What stays open from one case to the next. */
    private final Map<String, AutoCloseable> open = new HashMap<>();

    private Tools(String bootstrap, URL[] jars) {
        this.bootstrap = bootstrap;
        this.jars = jars;
    }

    private static final class Exited extends RuntimeException {
        private final int status;

        private Exited(int status) {
            super("exit " + status, null, false, false);
            this.status = status;
        }
    }

    /** The end of a tool: some catch it, as it is an exception here, and go on. */
    private record End(int status, int printed, int said) { }

    private static volatile ByteArrayOutputStream printedNow = new ByteArrayOutputStream();
    private static volatile ByteArrayOutputStream saidNow = new ByteArrayOutputStream();
    private static volatile End end;

    private static void exit(int status) {
        if (end == null) {
            System.out.flush();
            end = new End(status, printedNow.size(), saidNow.size());
        }
        throw new Exited(status);
    }

    public static void main(String[] arguments) throws Exception {
        URL[] jars = new URL[arguments.length - 1];
        for (int i = 1; i < arguments.length; i++) {
            jars[i - 1] = new File(arguments[i]).toURI().toURL();
        }
        Exit.setExitProcedure((status, message) -> exit(status));
        Exit.setHaltProcedure((status, message) -> exit(status));
        // What a tool would print when its process ends, and it does not.
        Exit.setShutdownHookAdder((name, hook) -> { });
        Tools tools = new Tools(arguments[0], jars);
        BufferedReader cases = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = cases.readLine(); line != null; line = cases.readLine()) {
            String[] fields = line.split("\u001f", -1);
            tools.run(fields[0], fields[1], fields[2], Arrays.copyOfRange(fields, 3, fields.length));
        }
        OUT.flush();
        // No hook of a tool has a say any more.
        Runtime.getRuntime().halt(0);
    }

    private void run(String name, String what, String input, String[] arguments) throws Exception {
        byte[] typed = input.replace("\\n", "\n").replace("\\t", "\t").getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        String command = KAFKA_APP == null ? null : COMMANDS.get(what);
        int status = command == null
            ? inProcess(what, typed, arguments, printed, said)
            : asProcess(command, typed, arguments, printed, said);
        synchronized (OUT) {
            OUT.println("=== " + name);
            OUT.print(text(printed));
            text(said).lines().forEach(line -> OUT.println("2> " + line));
            OUT.println("[exit " + status + "]");
            OUT.flush();
        }
    }

    /** What was printed, each line with its end. */
    private static String text(ByteArrayOutputStream printed) {
        String text = printed.toString(StandardCharsets.UTF_8);
        return text.isEmpty() || text.endsWith("\n") ? text : text + "\n";
    }

    private int inProcess(String what, byte[] typed, String[] arguments, ByteArrayOutputStream printed,
                          ByteArrayOutputStream said) throws InterruptedException {
        printedNow = printed;
        saidNow = said;
        end = null;
        PrintStream errors = new PrintStream(said, true, StandardCharsets.UTF_8);
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        System.setErr(errors);
        System.setIn(new ByteArrayInputStream(typed));
        int[] status = {0};
        Thread runner = new Thread(() -> status[0] = call(what, arguments));
        runner.setDaemon(true);
        runner.start();
        runner.join(CASE_MILLIS);
        if (runner.isAlive()) {
            runner.interrupt();
            errors.println(NOT_DONE);
        } else if (end != null) {
            cut(printed, end.printed);
            cut(said, end.said);
            return end.status;
        }
        return status[0];
    }

    private static void cut(ByteArrayOutputStream stream, int length) {
        byte[] bytes = stream.toByteArray();
        stream.reset();
        stream.write(bytes, 0, length);
    }

    private static int asProcess(String command, byte[] typed, String[] arguments, ByteArrayOutputStream printed,
                                 ByteArrayOutputStream said) throws Exception {
        List<String> line = new ArrayList<>(List.of(KAFKA_APP, command));
        line.addAll(Arrays.asList(arguments));
        Process process = new ProcessBuilder(line).start();
        Thread reader = copier(process.getInputStream(), printed);
        Thread errorReader = copier(process.getErrorStream(), said);
        try (OutputStream in = process.getOutputStream()) {
            in.write(typed);
        } catch (IOException error) {
            // It has ended without reading: its exit code says why.
        }
        boolean isDone = process.waitFor(CASE_MILLIS, TimeUnit.MILLISECONDS);
        if (!isDone) {
            // Only then: it closes what has not been read yet.
            process.destroyForcibly().waitFor();
        }
        reader.join();
        errorReader.join();
        if (!isDone) {
            said.writeBytes(NOT_DONE.getBytes(StandardCharsets.UTF_8));
        }
        return process.exitValue();
    }

    private static Thread copier(InputStream from, OutputStream to) {
        Thread copier = new Thread(() -> {
            try (from) {
                from.transferTo(to);
            } catch (IOException error) {
                // It was killed.
            }
        });
        copier.setDaemon(true);
        copier.start();
        return copier;
    }

    private int call(String what, String[] arguments) {
        try {
            if (what.startsWith("!")) {
                verb(what, arguments);
                return 0;
            }
            // Never closed: some tools leave threads behind, which go on to load classes.
            URLClassLoader loader = new URLClassLoader(jars, Tools.class.getClassLoader());
            Thread.currentThread().setContextClassLoader(loader);
            loader.loadClass(what).getMethod("main", String[].class).invoke(null, (Object) arguments);
            return 0;
        } catch (java.lang.reflect.InvocationTargetException error) {
            if (error.getCause() instanceof Exited exited) {
                return exited.status;
            }
            System.out.println("Exception in thread \"main\" " + error.getCause());
            return 1;
        } catch (Exited exited) {
            return exited.status;
        } catch (Exception error) {
            System.out.println("harness: " + error);
            return 99;
        }
    }

    private void verb(String what, String[] arguments) throws Exception {
        switch (what) {
            case "!open-transaction" -> openTransaction(arguments[0], arguments[1]);
            case "!join" -> join(arguments[0], arguments[1], arguments[2]);
            case "!close" -> close(open.remove(arguments[0]));
            default -> throw new IllegalArgumentException(what);
        }
    }

    private void openTransaction(String id, String topic) throws Exception {
        Map<String, Object> configs = Map.of("bootstrap.servers", bootstrap, "transactional.id", id);
        KafkaProducer<String, String> producer =
            new KafkaProducer<>(configs, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(topic, 0, "k", "open")).get();
        open.put(id, () -> producer.close(Duration.ZERO));
    }

    private void join(String group, String topic, String protocol) throws Exception {
        Map<String, Object> configs = Map.of("bootstrap.servers", bootstrap, "group.id", group, "client.id", "c",
            "group.protocol", protocol, "enable.auto.commit", "false", "auto.offset.reset", "earliest");
        KafkaConsumer<String, String> consumer =
            new KafkaConsumer<>(configs, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(topic));
        int records = 0;
        while (consumer.assignment().isEmpty() || records == 0) {
            records += consumer.poll(Duration.ofMillis(100)).count();
        }
        consumer.commitSync();
        boolean[] stop = {false};
        Thread poller = new Thread(() -> {
            while (!stop[0]) {
                consumer.poll(Duration.ofMillis(100));
            }
            consumer.close();
        });
        poller.setDaemon(true);
        poller.start();
        open.put(group, () -> {
            stop[0] = true;
            poller.join(10_000);
        });
    }

    private static void close(AutoCloseable one) throws Exception {
        if (one != null) {
            one.close();
        }
    }
}
