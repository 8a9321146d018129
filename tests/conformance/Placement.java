import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.placement.ClusterDescriber;
import org.apache.kafka.metadata.placement.PartitionAssignment;
import org.apache.kafka.metadata.placement.PlacementSpec;
import org.apache.kafka.metadata.placement.StripedReplicaPlacer;
import org.apache.kafka.metadata.placement.UsableBroker;

/**
 * How Kafka's own controller lays out replicas, from many seeds. A line for each cluster: the rack of each node ("-" for none, "!"
 * behind one that is fenced), how many replicas, how often a node that lives leads in later rounds at least and at most (a round has
 * as many partitions as nodes live), and all layouts of a first round that came up, replicas as digits.
 *
 * tests/apache-kafka/kafka tool tests/conformance/Placement.java >embedded-broker/src/placement/as_kafka.txt
 */
public class Placement {
    static final int SEEDS = 3000;
    static final int ROUNDS = 5;

    public static void main(String[] arguments) {
        String[] clusters = {
            "-", "- -", "- - -", "- - - -", "- - -!", "- -! - -!", "a b c", "a b c!", "a a b", "a b - -", "a a a b", "a a b!",
            "a b! c", "a a b b", "a a b b!", "a! a b b", "a b c a b c", "a b c a! b c",
        };
        for (String cluster : clusters) {
            List<UsableBroker> nodes = new ArrayList<>();
            for (String rack : cluster.split(" ")) {
                String name = rack.replace("!", "");
                Optional<String> where = name.equals("-") ? Optional.empty() : Optional.of(name);
                nodes.add(new UsableBroker(nodes.size() + 1, where, rack.endsWith("!")));
            }
            for (int replicas = 1; replicas <= Math.min(nodes.size(), 4); replicas++) {
                System.out.println(cluster + ": " + replicas + ": " + laidOut(nodes, replicas));
            }
        }
    }

    static String laidOut(List<UsableBroker> nodes, int replicas) {
        int alive = (int) nodes.stream().filter(node -> !node.fenced()).count();
        TreeSet<String> firstRounds = new TreeSet<>();
        int least = Integer.MAX_VALUE, most = 0;
        Random seeds = new Random(1); // Those of numbers in a row begin alike.
        for (int n = 0; n < SEEDS; n++) {
            List<PartitionAssignment> all = new StripedReplicaPlacer(new Random(seeds.nextLong()))
                .place(new PlacementSpec(0, alive * ROUNDS, (short) replicas), new Cluster(nodes)).assignments();
            StringBuilder round = new StringBuilder();
            for (PartitionAssignment partition : all.subList(0, alive)) {
                round.append(round.isEmpty() ? "" : ",");
                partition.replicas().forEach(round::append);
            }
            firstRounds.add(round.toString());
            for (int start = 0; start < all.size(); start += alive) {
                TreeMap<Integer, Integer> leads = new TreeMap<>();
                nodes.stream().filter(node -> !node.fenced()).forEach(node -> leads.put(node.id(), 0));
                all.subList(start, start + alive).forEach(one -> leads.merge(one.replicas().get(0), 1, Integer::sum));
                least = Math.min(least, leads.values().stream().min(Integer::compare).get());
                most = Math.max(most, leads.values().stream().max(Integer::compare).get());
            }
        }
        return least + "-" + most + ": " + String.join(" ", firstRounds);
    }

    record Cluster(Collection<UsableBroker> nodes) implements ClusterDescriber {
        @Override
        public Iterator<UsableBroker> usableBrokers() {
            return nodes.iterator();
        }

        @Override
        public Uuid defaultDir(int node) {
            return Uuid.ZERO_UUID;
        }
    }
}
