//! A cluster of three whose third node is down, embedded or real.
//!
//! Against a real one conversations run when `KAFKA_APP_TEST_BOOTSTRAP` names such a cluster (`kafka start 3`,
//! `kafka node 3 stop`); with `KAFKA_APP_TEST_SHOW` that one alone is asked, and what it says is printed.

use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition as Told;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeTopicPartitionsRequest};

use super::*;
use crate::each_broker::{first_real_broker, unique};
use crate::patience::ask_until;

/// Node 3 is registered, and down.
fn third_is_down(client: &mut Client) -> bool {
    let all = client.call(2, &DescribeClusterRequest::default().with_include_fenced_brokers(true)).brokers;
    all.len() == 3 && all.iter().all(|one| one.is_fenced == (one.broker_id.0 == 3))
}

pub(super) type Line = (&'static str, String);

/// What is seen of a cluster of three whose third node is down.
#[expect(clippy::print_stdout, reason = "what is printed is the next file of what was seen")]
pub(super) fn with_the_third_node_down(expected: &str, talk: impl Fn(&mut Client) -> Vec<Line>) {
    let check = |client: &mut Client| {
        let seen: Vec<String> = talk(client).into_iter().map(|(asked, seen)| format!("{asked}: {seen}")).collect();
        assert_eq!(seen.join("\n"), expected.trim_end());
    };
    let real = first_real_broker().map(|address| Client::connect(&address));
    let real = real.and_then(|mut client| third_is_down(&mut client).then_some(client));
    match real {
        Some(mut client) if std::env::var_os("KAFKA_APP_TEST_SHOW").is_some() => {
            return talk(&mut client).iter().for_each(|(asked, seen)| println!("{asked}: {seen}"));
        }
        Some(mut client) => check(&mut client),
        None => {}
    }
    let broker = three();
    broker.stop_node(3).expect("it stops");
    check(&mut client_of(&broker, 1));
}

/// Makes a topic whose partitions have these replicas.
pub(super) fn make(client: &mut Client, replicas: &[&[i32]], configs: &[(&str, &str)]) -> String {
    let topic = unique("moves");
    let assignments = (0..).zip(replicas).map(|(index, replicas)| {
        let ids = replicas.iter().copied().map(BrokerId).collect();
        CreatableReplicaAssignment::default().with_partition_index(index).with_broker_ids(ids)
    });
    let config = |(key, value): &(&str, &str)| {
        CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))
    };
    let new = CreatableTopic::default()
        .with_name(name(&topic))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(assignments.collect())
        .with_configs(configs.iter().map(config).collect());
    let created = client.call(7, &CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000));
    assert_eq!(created.topics[0].error_code, 0, "{:?}", created.topics[0].error_message);
    topic
}

/// A partition as it is told, once all its replicas and those in sync are these: a real cluster's nodes hear of it by and by.
pub(super) fn told(client: &mut Client, topic: &str, index: usize, replicas: &[i32], in_sync: &[i32]) -> String {
    let asked = TopicRequest::default().with_name(name(topic));
    let request = DescribeTopicPartitionsRequest::default().with_topics(vec![asked]).with_response_partition_limit(100);
    let ask = || client.call(0, &request).topics.remove(0).partitions.into_iter().nth(index);
    let is_so = |seen: &Option<Told>| {
        let seen = seen.as_ref().map(|one| (ids(&one.replica_nodes), ids(&one.isr_nodes)));
        seen.is_some_and(|(all, up)| (all.as_slice(), up.as_slice()) == (replicas, in_sync))
    };
    let seen = ask_until(ask, is_so).expect("a partition");
    let (leader, epoch) = (seen.leader_id.0, seen.leader_epoch);
    let eligible = ids(&seen.eligible_leader_replicas.unwrap_or_default());
    let offline = ids(&seen.offline_replicas);
    format!(
        "{leader} leads in epoch {epoch}, {replicas:?} in sync {in_sync:?} eligible {eligible:?} offline {offline:?}"
    )
}
