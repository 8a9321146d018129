//! Groups and transactional ids that go from node to node, with whoever waits for them.

use std::sync::Arc;
use std::thread;

use super::*;
use crate::clock::{Clock, ManualClock, Waiter};
use crate::cluster::{Node, WithoutSockets};
use crate::coordinator::group::classic::{JoinRequest, Protocol};
use crate::coordinator::group::turn::{JoinReply, Reply};
use crate::coordinator::transaction::record::Generation;
use crate::coordinator::transaction::state::TransactionState;
use crate::coordinator::transaction::{EndRequest, InitRequest};
use crate::settings::BrokerSettings;
use crate::transactions::{Admission, TransactionCell, Writer};

const LOAD: Duration = Duration::from_secs(5);

/// Three nodes, of which the first coordinates everything.
fn cluster(load_time: Duration) -> (Arc<Cluster>, ManualClock) {
    let (clock, hand) = Clock::manual(0);
    let settings = BrokerSettings { coordinator_load_time: load_time, ..BrokerSettings::default() };
    let cluster = Arc::new(Cluster::new(clock, settings, (1..=3).map(Node::of).collect()));
    for kind in [CoordinatorKind::Groups, CoordinatorKind::Transactions] {
        lead(&cluster, kind, 1, 0);
    }
    (cluster, hand)
}

/// Has a node lead all partitions of a kind.
fn lead(cluster: &Cluster, kind: CoordinatorKind, node: i32, epoch: i32) {
    let partitions = cluster.topic_of(kind).partitions;
    cluster.hand_over(kind, (0..partitions).map(|partition| (partition, Leader { node, epoch })));
}

fn of_groups(cluster: &Cluster, node: i32) -> Result<(), ErrorCode> {
    cluster.check_coordinator(CoordinatorKind::Groups, "g", node)
}

/// The `fresh`th of them.
fn newcomer(fresh: u128) -> JoinRequest {
    JoinRequest {
        member_id: "".into(),
        instance_id: None,
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_secs(60),
        protocol_type: "consumer".into(),
        protocols: vec![Protocol { name: "range".into(), metadata: bytes::Bytes::new() }],
        can_rejoin_with_id: false,
        can_skip_assignment: false,
        fresh,
    }
}

/// Joins on the calling thread, until it is answered.
fn join(cluster: &Cluster, waiter: &Arc<Waiter>, fresh: u128) -> JoinReply {
    let cell = cluster.groups.find_or_create("g");
    match cell.wait(cluster, waiter, |group, ticket, turn| group.join(&newcomer(fresh), ticket, turn)) {
        Some(Reply::Join(reply)) => reply,
        other => panic!("a join is answered with {other:?}"),
    }
}

#[test]
fn of_several_nodes_nobody_coordinates_before_there_is_a_topic_and_one_that_is_alone_does() {
    let of = |nodes| {
        let nodes: Vec<_> = (1..=nodes).map(Node::of).collect();
        of_groups(&Cluster::new(Clock::real(), BrokerSettings::default(), nodes), 1)
    };
    assert_eq!((of(1), of(2)), (Ok(()), Err(ErrorCode::NotCoordinator)));
}

#[test]
fn the_leader_of_its_partition_coordinates_a_group_as_soon_as_the_topic_is_made() {
    let nodes = (1..=3).map(Node::of).collect();
    let cluster = Cluster::new(Clock::real(), BrokerSettings::default(), nodes);
    cluster.ensure_internal_topic(internal_topics::OFFSETS).expect("it can be made");
    let leaders: Vec<_> = cluster.topics().by_name(internal_topics::OFFSETS).expect("it is there").partitions.clone();
    for group in ["a", "b", "c", "d"] {
        let at = usize::try_from(cluster.settings.offsets_topic.partition_of(group)).expect("an index");
        let leader = leaders[at].leadership().leader;
        for node in 1..=3 {
            let expected = if node == leader { Ok(()) } else { Err(ErrorCode::NotCoordinator) };
            assert_eq!(cluster.check_coordinator(CoordinatorKind::Groups, group, node), expected, "{group} at {node}");
        }
    }
    cluster.change_topics(|topics| Ok(topics.remove(internal_topics::OFFSETS))).expect("it can go");
    assert_eq!(of_groups(&cluster, 1), Err(ErrorCode::NotCoordinator));
}

#[test]
fn who_waits_at_the_old_coordinator_is_sent_to_the_new_one() {
    let (cluster, _) = cluster(Duration::ZERO);
    let waiter = Waiter::new();
    let first = join(&cluster, &waiter, 1).expect("it is in");
    let second = thread::scope(|scope| {
        let waiting = scope.spawn(|| join(&cluster, &Waiter::new(), 2));
        let cell = cluster.groups.find("g").expect("a group");
        // It is held from the moment on that it is in: the first one has not joined again.
        while !waiting.is_finished() && cell.look(|group| group.classic().len()) < 2 {
            thread::yield_now();
        }
        lead(&cluster, CoordinatorKind::Groups, 2, 1);
        waiting.join().expect("it is answered")
    });
    assert_eq!(second.expect_err("it has to ask again").error, ErrorCode::NotCoordinator);
    assert_eq!((of_groups(&cluster, 1), of_groups(&cluster, 2)), (Err(ErrorCode::NotCoordinator), Ok(())));
    let known = cluster.groups.find("g").expect("a group").look(|group| group.classic().len());
    assert_eq!((known, first.generation), (0, 1), "nothing was written of a generation without assignments");
}

#[test]
fn the_new_coordinator_reads_for_as_long_as_was_said() {
    let (cluster, hand) = cluster(LOAD);
    cluster.groups.find_or_create("g");
    lead(&cluster, CoordinatorKind::Groups, 2, 1);
    let loading = Err(ErrorCode::CoordinatorLoadInProgress);
    assert_eq!((of_groups(&cluster, 1), of_groups(&cluster, 2)), (Err(ErrorCode::NotCoordinator), loading));
    let lists = |node| cluster.check_loaded(CoordinatorKind::Groups, node);
    assert_eq!((lists(1), lists(2)), (Ok(()), loading));
    let partition = cluster.settings.offsets_topic.partition_of("g");
    hand.advance(LOAD - Duration::from_millis(1));
    cluster.fire(&TimerKey::CoordinatorLoad(CoordinatorKind::Groups, partition), &WithoutSockets);
    assert_eq!(of_groups(&cluster, 2), loading);
    hand.advance(Duration::from_millis(1));
    cluster.fire(&TimerKey::CoordinatorLoad(CoordinatorKind::Groups, partition), &WithoutSockets);
    assert_eq!(of_groups(&cluster, 2), Ok(()));
}

/// A transaction with one partition in it, by its id and its producer.
fn begin(cluster: &Cluster) -> (Arc<TransactionCell>, (i64, i16)) {
    cluster.auto_create_topic("t").expect("a topic");
    let cell = cluster.transactions.find_or_create("tx", cluster);
    let init = InitRequest { timeout_ms: 60_000, expected: None };
    let producer =
        cell.turn(cluster, |transaction, turn| transaction.init_producer_id(&init, turn)).expect("a producer");
    let partitions = [(Arc::from("t"), 0)];
    let added = cell.turn(cluster, |transaction, turn| {
        transaction.add_partitions(producer.0, producer.1, &partitions, Generation::V2, turn)
    });
    added.expect("it is open");
    (cell, producer)
}

fn commit(cluster: &Cluster, cell: &Arc<TransactionCell>, (producer_id, epoch): (i64, i16)) {
    let end = EndRequest { producer_id, epoch, commit: true, generation: Generation::V2 };
    cell.turn(cluster, |transaction, turn| transaction.end(&end, turn)).expect("it is decided");
    cluster.transactions.write_markers(cluster);
}

fn state(cell: &TransactionCell) -> TransactionState {
    cell.look(|transaction| transaction.state())
}

#[test]
fn markers_that_the_old_coordinator_has_not_written_are_written_by_the_new_one_in_its_epoch() {
    let (cluster, _) = cluster(Duration::ZERO);
    let (cell, producer) = begin(&cluster);
    lead(&cluster, CoordinatorKind::Transactions, -1, 1);
    commit(&cluster, &cell, producer);
    assert_eq!(state(&cell), TransactionState::PrepareCommit);
    lead(&cluster, CoordinatorKind::Transactions, 3, 4);
    assert_eq!(state(&cell), TransactionState::CompleteCommit);
    let partition = Arc::clone(&cluster.topics().by_name("t").expect("a topic").partitions[0]);
    let epochs: Vec<_> =
        partition.producers(None).expect("it is there").iter().map(|one| one.coordinator_epoch).collect();
    assert_eq!(epochs, [4]);
}

#[test]
fn partitions_ask_the_coordinator_of_a_transaction_wherever_it_is_and_wait_while_it_reads() {
    let (cluster, hand) = cluster(LOAD);
    let (_, (producer_id, epoch)) = begin(&cluster);
    let admit = || {
        let writer = Writer { transactional_id: "tx", producer_id, epoch };
        let partition = (Arc::from("t"), 0);
        let admission = Admission::VerifyAbortable;
        cluster.transactions.admit(&cluster, &Waiter::new(), admission, writer, &partition, || ())
    };
    lead(&cluster, CoordinatorKind::Transactions, 2, 1);
    assert_eq!(admit(), Err(ErrorCode::CoordinatorLoadInProgress));
    hand.advance(LOAD);
    let partition = cluster.settings.transactions_topic.partition_of("tx");
    cluster.fire(&TimerKey::CoordinatorLoad(CoordinatorKind::Transactions, partition), &WithoutSockets);
    assert_eq!(admit(), Ok(()));
    lead(&cluster, CoordinatorKind::Transactions, -1, 2);
    assert_eq!(admit(), Err(ErrorCode::CoordinatorNotAvailable));
}

#[test]
fn an_abandoned_transaction_is_aborted_once_somebody_coordinates_it() {
    let (cluster, hand) = cluster(Duration::ZERO);
    let (cell, _) = begin(&cluster);
    lead(&cluster, CoordinatorKind::Transactions, -1, 1);
    hand.advance(Duration::from_secs(70));
    cluster.fire(&TimerKey::TransactionTimeouts, &WithoutSockets);
    assert_eq!(state(&cell), TransactionState::Ongoing);
    lead(&cluster, CoordinatorKind::Transactions, 2, 2);
    cluster.fire(&TimerKey::TransactionTimeouts, &WithoutSockets);
    assert_eq!(state(&cell), TransactionState::CompleteAbort);
}
