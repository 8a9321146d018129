//! Requests about topics, groups and transactional ids by their names.

use kafka_protocol::messages::*;

use super::{Parts, put_each, replace};
use crate::fault::target::Part;
use crate::protocol::StrBytes;

/// Names in a list of the request, and answers in a list of the response that have them.
macro_rules! by_name {
    ($($request:ident { $names:ident $(. $name:ident)? as $part:expr } => $answers:ident . $answer:ident;)*) => {
        $(impl Parts for $request {
            fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
                let part: fn(String) -> Part = $part;
                self.$names.retain(|named| keep(&part(named$(.$name)?.to_string())));
                self.$names.len()
            }

            fn put(response: &mut Self::Response, failed: Self::Response) {
                put_each(&mut response.$answers, failed.$answers, |answer| answer.$answer.clone(), replace);
            }
        })*
    };
}

by_name! {
    CreateTopicsRequest { topics.name as of_topic } => topics.name;
    CreatePartitionsRequest { topics.name as of_topic } => results.name;
    DescribeTopicPartitionsRequest { topics.name as of_topic } => topics.name;
    DescribeGroupsRequest { groups as of_group } => groups.group_id;
    DeleteGroupsRequest { groups_names as of_group } => results.group_id;
    ConsumerGroupDescribeRequest { group_ids as of_group } => groups.group_id;
    DescribeTransactionsRequest { transactional_ids as of_transactional_id } => transaction_states.transactional_id;
}

fn of_topic(topic: String) -> Part {
    Part { topic, ..Part::default() }
}

fn of_group(group: String) -> Part {
    Part { group: Some(group), ..Part::default() }
}

fn of_transactional_id(id: String) -> Part {
    Part { transactional_id: Some(id), ..Part::default() }
}

/// The configs of topics; those of brokers and groups are no part that a fault could be for.
macro_rules! by_resource {
    ($($request:ident => $answers:ident;)*) => {
        $(impl Parts for $request {
            fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
                const TOPIC: i8 = 2;
                self.resources.retain(|resource| {
                    let topic = if resource.resource_type == TOPIC { resource.resource_name.to_string() } else { String::new() };
                    keep(&of_topic(topic))
                });
                self.resources.len()
            }

            fn put(response: &mut Self::Response, failed: Self::Response) {
                let key = |answer: &_| resource_key(answer);
                put_each(&mut response.$answers, failed.$answers, key, replace);
            }
        })*
    };
}

by_resource! {
    DescribeConfigsRequest => results;
    AlterConfigsRequest => responses;
    IncrementalAlterConfigsRequest => responses;
}

/// What an answer about a resource is about.
trait OfResource {
    fn key(&self) -> (i8, StrBytes);
}

fn resource_key(answer: &impl OfResource) -> (i8, StrBytes) {
    answer.key()
}

macro_rules! of_resource {
    ($($answer:path),*) => {
        $(impl OfResource for $answer {
            fn key(&self) -> (i8, StrBytes) {
                (self.resource_type, self.resource_name.clone())
            }
        })*
    };
}

of_resource!(
    describe_configs_response::DescribeConfigsResult,
    alter_configs_response::AlterConfigsResourceResponse,
    incremental_alter_configs_response::AlterConfigsResourceResponse
);

/// The brokers are told of in any case, so there is always something left; all topics are no topic by name.
impl Parts for MetadataRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
        if let Some(topics) = &mut self.topics {
            topics.retain(|asked| {
                let topic = asked.name.as_ref().map(|name| name.to_string()).unwrap_or_default();
                keep(&Part { topic, topic_id: asked.topic_id, ..Part::default() })
            });
        }
        1 + self.topics.as_ref().map_or(0, Vec::len)
    }

    /// Of the topics, and not of the whole.
    fn put(response: &mut Self::Response, failed: Self::Response) {
        let key = |topic: &metadata_response::MetadataResponseTopic| (topic.name.clone(), topic.topic_id);
        put_each(&mut response.topics, failed.topics, key, replace);
    }
}

/// By name to version 5; then by name or id.
impl Parts for DeleteTopicsRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
        self.topic_names.retain(|name| keep(&of_topic(name.to_string())));
        self.topics.retain(|asked| {
            let topic = asked.name.as_ref().map(|name| name.to_string()).unwrap_or_default();
            keep(&Part { topic, topic_id: asked.topic_id, ..Part::default() })
        });
        self.topic_names.len() + self.topics.len()
    }

    fn put(response: &mut Self::Response, failed: Self::Response) {
        let key = |topic: &delete_topics_response::DeletableTopicResult| (topic.name.clone(), topic.topic_id);
        put_each(&mut response.responses, failed.responses, key, replace);
    }
}

/// One key to version 3, then several; groups' or transactional ids'.
impl Parts for FindCoordinatorRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
        let of_key = if self.key_type == 0 { of_group } else { of_transactional_id };
        self.coordinator_keys.retain(|key| keep(&of_key(key.to_string())));
        let only = !self.key.is_empty() && keep(&of_key(self.key.to_string()));
        self.coordinator_keys.len() + usize::from(only)
    }

    fn put(response: &mut Self::Response, failed: Self::Response) {
        if failed.coordinators.is_empty() {
            *response = failed;
            return;
        }
        put_each(&mut response.coordinators, failed.coordinators, |found| found.key.clone(), replace);
    }
}
