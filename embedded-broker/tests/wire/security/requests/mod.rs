//! Every request asks whether the client may: what is answered to one that may not, and which ACL lets it. `seen/` is what
//! a real Apache Kafka 4.1.1 was seen to answer.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{GroupId, MetadataRequest};
use uuid::Uuid;

use super::*;
use crate::each_broker::unique;
use crate::patience::ask_until;
use crate::records::name;

mod asked;
mod cluster;
mod topic_and_group;

pub(super) use asked::coordinator;
use asked::{create_topic, offset_fetch};

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(super) fn group(id: &str) -> GroupId {
    GroupId(text(id))
}

/// What the requests of one client are about.
pub(super) struct Names {
    pub(super) topic: String,
    pub(super) id: Uuid,
    pub(super) group: String,
}

/// Makes a topic that alice may not see.
pub(super) fn hidden_topic(client: &mut Client) -> Names {
    let topic = unique("secured");
    create_topic(client, &topic, false);
    let metadata = MetadataRequestTopic::default().with_name(Some(name(&topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![metadata]));
    let made = ask_until(|| client.call(12, &request).topics.remove(0), |topic| topic.error_code == 0);
    let names = Names { topic, id: made.topic_id, group: unique("secured") };
    // A real broker has no coordinator before somebody asks for one.
    ask_until(
        || (offset_fetch(client, &names, true), coordinator(client, 4, &names.group, 0)),
        |(fetched, found)| fetched == "0" && found.starts_with("0 "),
    );
    names
}

fn compare(seen: &[String], expected: &str) {
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    let differences: Vec<_> =
        seen.iter().zip(&expected).filter(|(seen, expected)| seen.as_str() != **expected).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    assert_eq!(seen.len(), expected.len());
}
