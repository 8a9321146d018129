//! What requests are about, and what becomes of them when some of it fails.

use kafka_protocol::messages::*;

use super::Parts;
use crate::fault::target::Part;
use crate::protocol::StrBytes;

const CODE: i16 = 6;

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

/// The request cut in two: what fits fails, and the response to the rest, of which all is well, takes that up.
fn answered<Q: Parts>(request: Q, version: i16, fits: fn(&Part) -> bool) -> Q::Response {
    let (mut failed, mut rest) = (request.clone(), request);
    let hit = failed.retain(&mut |part| fits(part));
    assert!(hit > 0 && rest.retain(&mut |part| !fits(part)) > 0, "some of it fits");
    let mut response = rest.fail_parts(version, 0, true);
    Q::put(&mut response, failed.fail_parts(version, CODE, true));
    response
}

#[test]
fn an_error_is_of_the_partition_that_it_is_for() {
    let request = list_offsets_request();
    let response = answered(request, 5, |part| part.topic == "a" && part.partition == Some(1));
    let told: Vec<_> = response
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|one| (topic.name.as_str(), one.partition_index, one.error_code)))
        .collect();
    assert_eq!(told, [("a", 0, 0), ("a", 1, CODE), ("b", 0, 0), ("b", 1, 0)]);
}

fn list_offsets_request() -> ListOffsetsRequest {
    use list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    let partition = |index| ListOffsetsPartition::default().with_partition_index(index);
    let topic = |name| {
        let topic = ListOffsetsTopic::default().with_name(TopicName(text(name)));
        topic.with_partitions(vec![partition(0), partition(1)])
    };
    ListOffsetsRequest::default().with_topics(vec![topic("a"), topic("b")])
}

#[test]
fn what_failed_takes_the_place_of_what_was_said_before() {
    let mut response = list_offsets_request().fail_parts(5, 0, true);
    let mut failed = list_offsets_request();
    failed.retain(&mut |part| part.topic == "b");
    ListOffsetsRequest::put(&mut response, failed.fail_parts(5, CODE, true));
    let codes = response.topics.iter().flat_map(|topic| topic.partitions.iter().map(|one| one.error_code));
    assert_eq!(codes.collect::<Vec<_>>(), [0, 0, CODE, CODE]);
}

#[test]
fn offsets_of_groups_fail_by_partition_in_every_version() {
    use offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics};
    let topic = OffsetFetchRequestTopic::default().with_name(TopicName(text("a"))).with_partition_indexes(vec![0, 1]);
    let old = OffsetFetchRequest::default().with_group_id(GroupId(text("g"))).with_topics(Some(vec![topic]));
    let response = answered(old, 5, |part| part.group.as_deref() == Some("g") && part.partition == Some(0));
    let codes: Vec<_> = response.topics[0].partitions.iter().map(|one| (one.partition_index, one.error_code)).collect();
    assert_eq!((codes, response.error_code), (vec![(1, 0), (0, CODE)], 0));
    let topic = OffsetFetchRequestTopics::default().with_name(TopicName(text("a"))).with_partition_indexes(vec![0, 1]);
    let group = OffsetFetchRequestGroup::default().with_group_id(GroupId(text("g"))).with_topics(Some(vec![topic]));
    let new = OffsetFetchRequest::default().with_groups(vec![group]);
    let response = answered(new, 8, |part| part.partition == Some(0));
    let group = &response.groups[0];
    let codes: Vec<_> = group.topics[0].partitions.iter().map(|one| (one.partition_index, one.error_code)).collect();
    assert_eq!((codes, group.error_code), (vec![(1, 0), (0, CODE)], 0));
}

#[test]
fn groups_and_coordinators_fail_by_their_names() {
    let groups = vec![GroupId(text("g")), GroupId(text("h"))];
    let response =
        answered(DescribeGroupsRequest::default().with_groups(groups), 5, |part| part.group.as_deref() == Some("h"));
    let codes: Vec<_> = response.groups.iter().map(|group| (group.group_id.as_str(), group.error_code)).collect();
    assert_eq!(codes, [("g", 0), ("h", CODE)]);
    let keys = FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(vec![text("x"), text("y")]);
    let response = answered(keys, 4, |part| part.transactional_id.as_deref() == Some("y") && part.group.is_none());
    let codes: Vec<_> = response.coordinators.iter().map(|found| (found.key.as_str(), found.error_code)).collect();
    assert_eq!(codes, [("x", 0), ("y", CODE)]);
}

#[test]
fn metadata_keeps_its_brokers() {
    let topic = metadata_request::MetadataRequestTopic::default().with_name(Some(TopicName(text("a"))));
    let mut request = MetadataRequest::default().with_topics(Some(vec![topic]));
    assert_eq!(request.retain(&mut |_| false), 1);
    assert!(request.topics.is_some_and(|topics| topics.is_empty()), "no topics, which is not all of them");
}
