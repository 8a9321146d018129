//! New replicas in stripes over racks and the nodes in them, as Kafka's controller lays them out (`StripedReplicaPlacer`).
//!
//! Replicas of a partition go to one rack after the other, and in each rack to one node after the other; the next partition
//! begins one rack, and in each rack one node, further on. Once as many partitions are placed as nodes live, the order of racks
//! and nodes is drawn anew, so that not always the same nodes are together. Nodes that are fenced come last, and never first of
//! a partition.

use std::collections::BTreeMap;

use crate::fault::random::Random;

/// A node that replicas may be placed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Usable {
    pub(crate) id: i32,
    pub(crate) rack: Option<String>,
    /// It is registered, and does not live.
    pub(crate) fenced: bool,
}

/// Nodes of which one after the other is taken.
#[derive(Debug, Default)]
struct Ring {
    nodes: Vec<i32>,
    /// How many were taken for this partition.
    taken: usize,
    /// Where the ring begins for it.
    start: usize,
    partition: usize,
}

impl Ring {
    fn next(&mut self, partition: usize) -> Option<i32> {
        let size = self.nodes.len();
        if size > 0 && self.partition != partition {
            (self.partition, self.taken, self.start) = (partition, 0, (self.start + 1) % size);
        }
        let node = (self.taken < size).then(|| self.nodes[(self.start + self.taken) % size]);
        self.taken += usize::from(node.is_some());
        node
    }
}

#[derive(Debug, Default)]
struct Rack {
    alive: Ring,
    fenced: Ring,
}

/// Lays out partitions, one after the other. At least one node lives.
#[derive(Debug)]
pub(super) struct Stripes<'a> {
    racks: Vec<Rack>,
    alive: usize,
    /// The rack that the next partition begins in.
    first: usize,
    /// The number of the next partition since the order was drawn.
    partition: usize,
    random: &'a mut Random,
}

impl<'a> Stripes<'a> {
    /// `start` turns all rings, so that not every topic begins on the same node: Kafka draws where they begin.
    pub(super) fn new(nodes: &[Usable], start: usize, random: &'a mut Random) -> Self {
        let mut racks: BTreeMap<Option<&str>, Rack> = BTreeMap::new();
        for node in nodes {
            let rack = racks.entry(node.rack.as_deref()).or_default();
            let ring = if node.fenced { &mut rack.fenced } else { &mut rack.alive };
            ring.nodes.push(node.id);
        }
        let first = start % racks.len().max(1);
        // The first rack has come round as often as all racks have had their turn.
        let round = start / racks.len().max(1);
        let mut racks: Vec<Rack> = racks.into_values().collect();
        for ring in racks.iter_mut().flat_map(|rack| [&mut rack.alive, &mut rack.fenced]) {
            ring.nodes.sort_unstable();
            ring.start = round % ring.nodes.len().max(1);
        }
        let alive = nodes.iter().filter(|node| !node.fenced).count();
        Self { racks, alive, first, partition: 0, random }
    }

    /// The replicas of the next partition: there are as many nodes.
    pub(super) fn place(&mut self, replicas: usize) -> Vec<i32> {
        if self.partition == self.alive && self.alive > 1 {
            self.shuffle();
            self.partition = 0;
        }
        let (count, first, partition) = (self.racks.len(), self.first, self.partition);
        self.first = (first + 1) % count;
        self.partition += 1;
        let from_first = (0..count).map(|turn| (first + turn) % count);
        let mut led = None;
        let mut placed = Vec::with_capacity(replicas);
        for rack in from_first {
            if let Some(leader) = self.racks[rack].alive.next(partition) {
                (led, _) = (Some(rack), placed.push(leader));
                break;
            }
        }
        let mut rack = first;
        while placed.len() < replicas {
            // The rack of the leader has had its first turn.
            if led == Some(rack) {
                led = None;
            } else {
                let Rack { alive, fenced } = &mut self.racks[rack];
                placed.extend(alive.next(partition).or_else(|| fenced.next(partition)));
            }
            rack = (rack + 1) % count;
        }
        placed
    }

    fn shuffle(&mut self) {
        self.random.shuffle(&mut self.racks);
        for rack in &mut self.racks {
            self.random.shuffle(&mut rack.alive.nodes);
            self.random.shuffle(&mut rack.fenced.nodes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(racks: &[Option<&str>], fenced: &[i32]) -> Vec<Usable> {
        let node = |(id, rack): (i32, &Option<&str>)| Usable {
            id,
            rack: rack.map(str::to_owned),
            fenced: fenced.contains(&id),
        };
        (1..).zip(racks).map(node).collect()
    }

    fn placed(nodes: &[Usable], start: usize, partitions: usize, replicas: usize) -> Vec<Vec<i32>> {
        let mut random = Random::of_placement(7, start);
        let mut stripes = Stripes::new(nodes, start, &mut random);
        (0..partitions).map(|_| stripes.place(replicas)).collect()
    }

    const A_B_C: [Option<&str>; 9] = {
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        [a, b, c, a, b, c, a, b, c]
    };

    #[test]
    fn leaders_and_followers_are_spread_around_the_ring() {
        let three = nodes(&[None; 3], &[]);
        assert_eq!(placed(&three, 0, 3, 2), [[1, 2], [2, 3], [3, 1]]);
        assert_eq!(placed(&three, 1, 3, 2), [[2, 3], [3, 1], [1, 2]]);
    }

    #[test]
    fn each_partition_is_in_every_rack_and_begins_in_the_next_one() {
        // Kafka's own example: one node of each rack, then the next one of each.
        let expected = [[1, 2, 3], [5, 6, 4], [9, 7, 8], [1, 2, 3]];
        let all = placed(&nodes(&A_B_C, &[]), 0, 9, 3);
        assert_eq!(all[..3], expected[..3]);
        assert_eq!(placed(&nodes(&A_B_C, &[]), 3, 1, 3), [[4, 5, 6]], "the next topic begins elsewhere");
        for partition in placed(&nodes(&A_B_C, &[]), 5, 90, 3) {
            let mut racks: Vec<_> = partition.iter().map(|id| A_B_C[usize::try_from(id - 1).unwrap()]).collect();
            racks.sort_unstable();
            assert_eq!(racks, [Some("a"), Some("b"), Some("c")], "{partition:?}");
        }
    }

    #[test]
    fn leaders_are_even_and_so_are_those_who_take_over() {
        let all = placed(&nodes(&[None; 4], &[]), 0, 400, 2);
        for node in 1..=4 {
            let leads = all.iter().filter(|replicas| replicas[0] == node).count();
            assert_eq!(leads, 100);
            let mut heirs: Vec<i32> = all.iter().filter(|replicas| replicas[0] == node).map(|all| all[1]).collect();
            heirs.sort_unstable();
            heirs.dedup();
            assert_eq!(heirs.len(), 3, "whoever goes, all others take over");
        }
    }

    #[test]
    fn fenced_nodes_come_last_and_never_lead() {
        let all = placed(&nodes(&[None; 4], &[2, 3]), 0, 20, 3);
        for replicas in &all {
            assert!([1, 4].contains(&replicas[0]) && [1, 4].contains(&replicas[1]), "{replicas:?}");
            assert!([2, 3].contains(&replicas[2]), "{replicas:?}");
        }
        let pairs = placed(&nodes(&[None; 4], &[2, 3]), 0, 20, 2);
        assert!(pairs.iter().flatten().all(|id| [1, 4].contains(id)), "none is needed");
    }

    #[test]
    fn a_rack_that_does_not_live_has_followers_only() {
        let all = placed(&nodes(&[Some("a"), Some("b")], &[2]), 0, 4, 2);
        assert_eq!(all, [[1, 2]; 4]);
    }

    #[test]
    fn racks_take_turns_however_few_nodes_one_of_them_has() {
        let nodes = nodes(&[Some("a"), Some("a"), Some("a"), Some("b")], &[]);
        assert!(placed(&nodes, 0, 40, 2).iter().all(|replicas| replicas.contains(&4)));
    }

    /// Layouts of a first round of partitions, as `as_kafka.txt` has them: replicas as digits.
    fn shown(round: &[Vec<i32>]) -> String {
        let digits = |replicas: &Vec<i32>| replicas.iter().map(i32::to_string).collect::<String>();
        round.iter().map(digits).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn every_layout_is_one_that_kafka_could_have_drawn() {
        // Made by tests/conformance/Placement.java, which asks Kafka's own code.
        for line in include_str!("as_kafka.txt").lines() {
            let [cluster, replicas, leads, layouts] = *line.split(": ").collect::<Vec<_>>() else { panic!("{line}") };
            let (mut racks, mut fenced) = (Vec::new(), Vec::new());
            for (id, node) in (1..).zip(cluster.split(' ')) {
                fenced.extend(node.ends_with('!').then_some(id));
                racks.push(Some(node.trim_end_matches('!')).filter(|rack| *rack != "-"));
            }
            let (nodes, alive) = (nodes(&racks, &fenced), racks.len() - fenced.len());
            let bounds: Vec<usize> = leads.split('-').map(|n| n.parse().unwrap()).collect();
            let layouts: Vec<&str> = layouts.split(' ').collect();
            for start in 0..60 {
                let all = placed(&nodes, start, 5 * alive, replicas.parse().unwrap());
                let first = shown(&all[..alive]);
                assert!(layouts.contains(&first.as_str()), "{cluster}: {first} is none of {layouts:?}");
                for (round, node) in all.chunks(alive).flat_map(|round| nodes.iter().map(move |node| (round, node))) {
                    let leads = round.iter().filter(|replicas| replicas[0] == node.id).count();
                    let is_kafkas = node.fenced && leads == 0 || (bounds[0]..=bounds[1]).contains(&leads);
                    assert!(is_kafkas, "{cluster}: {} leads {leads} of {round:?}", node.id);
                }
            }
        }
    }
}
