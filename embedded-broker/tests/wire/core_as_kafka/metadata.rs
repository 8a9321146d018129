//! Metadata and ApiVersions.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};

use super::*;

#[test]
fn topics_of_the_cluster() {
    seen_on_each_broker(include_str!("seen/topics_of_the_cluster.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let topic = make(client, &[]);
        let id = topic_id(client, &topic);
        let mut ask = |client: &mut Client, what, version, request: MetadataRequest| {
            let response = client.call(version, &request);
            let brokers = response.brokers.len();
            let mut topics: Vec<String> = response
                .topics
                .iter()
                .filter(|one| {
                    request.topics.as_ref().is_some_and(|asked| !asked.is_empty())
                        || one.topic_id == id
                        || one.name.as_ref().is_some_and(|name| name.0.as_str() == topic)
                })
                .map(|one| {
                    let name = one.name.as_ref().map(|name| name.0.replace(&topic, "T"));
                    let name = name.map(|name| if name.starts_with("fresh-") { "FRESH".to_owned() } else { name });
                    let known = if one.topic_id == id {
                        "ID"
                    } else if one.topic_id == NO_ID {
                        "NO_ID"
                    } else if one.topic_id == Uuid::nil() {
                        "0"
                    } else {
                        "other"
                    };
                    let mut parts: Vec<_> = one
                        .partitions
                        .iter()
                        .map(|p| {
                            (
                                p.partition_index,
                                p.error_code,
                                p.leader_epoch,
                                p.replica_nodes.len(),
                                p.isr_nodes.len(),
                                p.offline_replicas.len(),
                            )
                        })
                        .collect();
                    parts.sort_unstable();
                    format!(
                        "{} {name:?} {known} {} {} {parts:?}",
                        one.error_code, one.is_internal, one.topic_authorized_operations
                    )
                })
                .collect();
            topics.sort();
            let all = format!(
                "{brokers} brokers, {} {} {} {topics:?}",
                response.cluster_id.is_some(),
                response.controller_id.0 >= 0,
                response.cluster_authorized_operations
            );
            lines.push((what, format!("{all} {}", response.error_code)));
        };
        let by_name = |names: &[&str]| {
            let topics = names.iter().map(|one| MetadataRequestTopic::default().with_name(Some(name(one))));
            MetadataRequest::default().with_topics(Some(topics.collect())).with_allow_auto_topic_creation(false)
        };
        let by_id = |id, name: Option<&str>| {
            let topic = MetadataRequestTopic::default().with_topic_id(id).with_name(name.map(crate::records::name));
            MetadataRequest::default().with_topics(Some(vec![topic])).with_allow_auto_topic_creation(false)
        };
        for version in 0..=13 {
            let asked =
                if version < 4 { by_name(&[&topic]).with_allow_auto_topic_creation(true) } else { by_name(&[&topic]) };
            ask(client, "one", version, asked);
        }
        let everything = |topics| MetadataRequest::default().with_topics(topics);
        ask(client, "empty v0", 0, everything(Some(vec![])));
        ask(client, "empty v1", 1, everything(Some(vec![])));
        ask(client, "null v1", 1, everything(None));
        ask(client, "empty v13", 13, everything(Some(vec![])));
        ask(client, "null v13", 13, everything(None));
        for version in [4, 9, 10, 12, 13] {
            ask(client, "unknown", version, by_name(&["nobody-has-it"]));
            ask(client, "bad name", version, by_name(&["a/b"]));
            ask(client, "empty name", version, by_name(&[""]));
            ask(client, "twice", version, by_name(&[&topic, &topic]));
            ask(client, "known and unknown", version, by_name(&[&topic, "nobody-has-it"]));
        }
        ask(client, "by id", 12, by_id(id, None));
        ask(client, "by id v13", 13, by_id(id, None));
        ask(client, "unknown id", 12, by_id(NO_ID, None));
        ask(client, "known id and its name", 12, by_id(id, Some(&topic)));
        ask(client, "known id and another name", 12, by_id(id, Some("nobody-has-it")));
        ask(client, "unknown id and a known name", 12, by_id(NO_ID, Some(&topic)));
        ask(client, "id in v10", 10, by_id(id, Some(&topic)));
        ask(client, "unknown id in v10", 10, by_id(NO_ID, Some(&topic)));
        ask(
            client,
            "topic operations",
            8,
            by_name(&[&topic, "nobody-has-it"]).with_include_topic_authorized_operations(true),
        );
        ask(
            client,
            "topic operations",
            13,
            by_name(&[&topic, "nobody-has-it"]).with_include_topic_authorized_operations(true),
        );
        ask(client, "cluster operations", 8, by_name(&[&topic]).with_include_cluster_authorized_operations(true));
        ask(client, "cluster operations", 10, by_name(&[&topic]).with_include_cluster_authorized_operations(true));
        ask(client, "bad name with creation", 12, by_name(&["a/b"]).with_allow_auto_topic_creation(true));
        let fresh = unique("fresh");
        // A real broker says UNKNOWN_TOPIC_OR_PARTITION while the controller works; what counts is what it becomes.
        let asked = || by_name(&[&fresh]).with_allow_auto_topic_creation(true);
        ask_until(|| client.call(12, &asked()).topics[0].error_code, |code| *code == 0);
        ask(client, "made", 12, asked());
        lines
    });
}

#[test]
fn versions_asked_for() {
    seen_on_each_broker(include_str!("seen/versions_asked_for.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        for version in 0..=4 {
            for (what, software, number) in
                [("good", "a", "1"), ("none", "", ""), ("bad", "a b", "1"), ("long", "a-b.c", "1.2-x")]
            {
                let request = ApiVersionsRequest::default();
                let request = if version >= 3 {
                    request
                        .with_client_software_name(StrBytes::from_static_str(software))
                        .with_client_software_version(StrBytes::from_static_str(number))
                } else {
                    request
                };
                let response = client.call(version, &request);
                let core: Vec<_> = response
                    .api_keys
                    .iter()
                    .filter(|key| [0, 1, 2, 3, 18, 22, 23].contains(&key.api_key))
                    .map(|key| (key.api_key, key.min_version, key.max_version))
                    .collect();
                let sorted = response.api_keys.is_sorted_by_key(|key| key.api_key);
                lines.push((
                    what,
                    format!(
                        "v{version} {} {core:?} {sorted} {} {}",
                        response.error_code, response.throttle_time_ms, response.zk_migration_ready
                    ),
                ));
            }
        }
        client.send_body(18, 99, 2, &[1, 2, 3]);
        lines.push(("v99", format!("{:?}", client.receive_body())));
        lines
    });
}
