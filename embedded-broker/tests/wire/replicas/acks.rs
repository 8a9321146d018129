//! What is acknowledged when, and what consumers see of it.

use std::time::Duration;

use embedded_broker::ErrorCode;

use super::*;
use crate::patience::pass_time_until;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn who_waits_for_all_waits_for_a_replica_that_lags_and_who_waits_for_one_does_not() {
    let (builder, hand) = EmbeddedBroker::builder().brokers(3).manual_clock();
    let broker = builder.start().unwrap();
    create(&broker, "t", &[1, 2, 3], &[]);
    let _slow = broker.lag(3, 10 * SECOND).unwrap();
    let mut client = client_of(&broker, 1);
    assert_eq!(produced(&mut client, "t", 1, &["one"]), (0, 0));
    assert_eq!((fetched(&mut client, "t"), end_of(&mut client, "t")), ((vec![], 0), (0, 0)));
    client.send(PRODUCE, &request("t", -1, NEVER_MS, &["all"]));
    let (answer, passed) = pass_time_until(&hand, SECOND, || client.receive::<ProduceRequest>(PRODUCE));
    let answer = only_produced(answer);
    assert_eq!((answer.error_code, answer.base_offset), (0, 1));
    assert!(passed >= 10 * SECOND, "{passed:?}");
    assert_eq!(fetched(&mut client, "t"), (vec!["one".to_owned(), "all".to_owned()], 2));
    assert_eq!(broker.topic("t").replicas(0).unwrap().in_sync, [1, 2, 3]);
}

#[test]
fn who_falls_out_of_sync_is_not_waited_for_any_more() {
    let (builder, hand) = EmbeddedBroker::builder().brokers(3).manual_clock();
    let broker = builder.start().unwrap();
    create(&broker, "t", &[1, 2, 3], &[("min.insync.replicas", "2")]);
    let cut = broker.isolate(1, 3).unwrap();
    let mut client = client_of(&broker, 1);
    client.send(PRODUCE, &request("t", -1, NEVER_MS, &["v"]));
    let (answer, passed) = pass_time_until(&hand, SECOND, || client.receive::<ProduceRequest>(PRODUCE));
    assert_eq!(only_produced(answer).error_code, 0);
    assert!(passed >= 30 * SECOND, "replica.lag.time.max.ms, and not {passed:?}");
    assert_eq!(ids(&partition_of(&mut client, "t").isr_nodes), [1, 2]);
    cut.heal();
    assert_eq!(ids(&partition_of(&mut client, "t").isr_nodes), [1, 2, 3]);
}

#[test]
fn what_is_not_acknowledged_in_time_is_there_all_the_same() {
    let (builder, hand) = EmbeddedBroker::builder().brokers(3).manual_clock();
    let broker = builder.start().unwrap();
    create(&broker, "t", &[1, 2], &[]);
    let mut client = client_of(&broker, 1);
    produced(&mut client, "t", -1, &["before"]);
    let frozen = broker.freeze_high_watermark("t", 0).unwrap();
    client.send(PRODUCE, &request("t", -1, 2_000, &["late"]));
    let (answer, _) = pass_time_until(&hand, SECOND, || client.receive::<ProduceRequest>(PRODUCE));
    let answer = only_produced(answer);
    // As the real one, which tells the offset, too.
    assert_eq!((answer.error_code, answer.base_offset), (ErrorCode::RequestTimedOut.code(), 1));
    assert_eq!(fetched(&mut client, "t"), (vec!["before".to_owned()], 1));
    drop(frozen);
    assert_eq!(fetched(&mut client, "t").1, 2);
}

#[test]
fn too_few_replicas_in_sync_take_nothing_that_is_to_be_safe_and_show_nothing_that_is_not() {
    let broker = three();
    create(&broker, "t", &[1, 2, 3], &[("min.insync.replicas", "2")]);
    let mut client = client_of(&broker, 1);
    assert_eq!(produced(&mut client, "t", -1, &["safe"]), (0, 0));
    broker.stop_node(2).unwrap();
    assert_eq!(produced(&mut client, "t", -1, &["safe, too"]), (0, 1), "two are enough");
    broker.stop_node(3).unwrap();
    assert_eq!(produced(&mut client, "t", -1, &["refused"]), (ErrorCode::NotEnoughReplicas.code(), -1));
    assert_eq!(produced(&mut client, "t", 1, &["unsafe"]), (0, 2));
    assert_eq!((fetched(&mut client, "t").1, end_of(&mut client, "t")), (2, (0, 2)));
    assert_eq!(broker.topic("t").end_offsets().unwrap(), [3]);
    assert_eq!(broker.topic("t").replicas(0).unwrap().eligible, [3]);
    broker.restart(3).unwrap();
    assert_eq!((fetched(&mut client, "t").1, end_of(&mut client, "t")), (3, (0, 3)));
    assert!(broker.topic("t").replicas(0).unwrap().eligible.is_empty());
}

#[test]
fn a_leader_that_is_not_one_any_more_does_not_know_what_became_of_what_it_was_sent() {
    let broker = three();
    create(&broker, "t", &[1, 2], &[]);
    let _frozen = broker.freeze_high_watermark("t", 0).unwrap();
    let mut client = client_of(&broker, 1);
    client.send(PRODUCE, &request("t", -1, 600_000, &["v"]));
    crate::patience::comes_true("it is appended", || broker.topic("t").end_offsets().unwrap() == [1]);
    broker.move_leader("t", 0, 2).unwrap();
    let mut answer = client.receive::<ProduceRequest>(PRODUCE);
    assert_eq!((answer.node_endpoints.len(), answer.node_endpoints[0].node_id), (1, BrokerId(2)));
    let answer = answer.responses.remove(0).partition_responses.remove(0);
    assert_eq!(answer.error_code, ErrorCode::NotLeaderOrFollower.code());
    assert_eq!((answer.current_leader.leader_id, answer.current_leader.leader_epoch), (BrokerId(2), 1));
}

#[test]
fn one_node_can_be_made_to_wait_too() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let frozen = broker.freeze_high_watermark("t", 0).unwrap();
    client.send(PRODUCE, &request("t", -1, 600_000, &["v"]));
    crate::patience::comes_true("it is appended", || broker.topic("t").end_offsets().unwrap() == [1]);
    assert!(client.is_quiet());
    drop(frozen);
    let answer = only_produced(client.receive::<ProduceRequest>(PRODUCE));
    assert_eq!((answer.error_code, answer.base_offset), (0, 0));
    assert_eq!(produced(&mut client, "t", -1, &["next"]), (0, 1));
}

#[test]
fn an_idempotent_producer_that_repeats_itself_waits_for_the_first_one() {
    let broker = three();
    create(&broker, "t", &[1, 2], &[]);
    let frozen = broker.freeze_high_watermark("t", 0).unwrap();
    let mut client = client_of(&broker, 1);
    let send = |client: &mut Client, acks| {
        let request = produce_request("t", Uuid::nil(), PRODUCE, 0, batch(&["v"], (7, 0, 0)));
        client.send(PRODUCE, &request.with_acks(acks).with_timeout_ms(600_000));
    };
    send(&mut client, 1);
    assert_eq!(only_produced(client.receive::<ProduceRequest>(PRODUCE)).base_offset, 0);
    send(&mut client, -1);
    assert!(client.is_quiet());
    drop(frozen);
    let answer = only_produced(client.receive::<ProduceRequest>(PRODUCE));
    assert_eq!((answer.error_code, answer.base_offset), (0, 0));
}
