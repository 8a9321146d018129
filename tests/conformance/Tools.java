import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStreamReader;
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
 * 0x1f: name, class or verb, standard input (with \n for a line's end), arguments. What a case prints follows the line
 * "=== name" and ends with "[exit N]".
 */
public final class Tools {
    private static final long CASE_MILLIS = 60_000;
    private static final PrintStream OUT = System.out;

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

    public static void main(String[] arguments) throws Exception {
        URL[] jars = new URL[arguments.length - 1];
        for (int i = 1; i < arguments.length; i++) {
            jars[i - 1] = new File(arguments[i]).toURI().toURL();
        }
        Exit.setExitProcedure((status, message) -> {
            throw new Exited(status);
        });
        Exit.setHaltProcedure((status, message) -> {
            throw new Exited(status);
        });
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
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream both = new PrintStream(printed, true, StandardCharsets.UTF_8);
        System.setOut(both);
        System.setErr(both);
        System.setIn(new ByteArrayInputStream(input.replace("\\n", "\n").getBytes(StandardCharsets.UTF_8)));
        int[] status = {0};
        Thread runner = new Thread(() -> status[0] = call(what, arguments));
        runner.setDaemon(true);
        runner.start();
        runner.join(CASE_MILLIS);
        if (runner.isAlive()) {
            runner.interrupt();
            both.println("[not done within " + CASE_MILLIS + " ms]");
        }
        synchronized (OUT) {
            OUT.println("=== " + name);
            OUT.print(printed.toString(StandardCharsets.UTF_8));
            OUT.println("[exit " + status[0] + "]");
            OUT.flush();
        }
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
