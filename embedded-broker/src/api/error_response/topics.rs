//! Requests about topics, which are answered one by one.

use kafka_protocol::messages::*;

use super::error_response;

error_response! {
    MetadataRequest => MetadataResponse, |request, version, code| {
        let topic = |asked: metadata_request::MetadataRequestTopic| {
            // Topics go by id from version 10 on, and a name may be null from version 12 on.
            let name = if version >= 12 { asked.name } else { Some(asked.name.unwrap_or_default()) };
            metadata_response::MetadataResponseTopic::default()
                .with_name(name)
                .with_topic_id(asked.topic_id)
                .with_error_code(code)
        };
        let topics = request.topics.unwrap_or_default().into_iter().map(topic).collect();
        let response = MetadataResponse::default().with_topics(topics);
        if version >= 13 { response.with_error_code(code) } else { response }
    };
    CreateTopicsRequest => CreateTopicsResponse, |request, _version, code| {
        let topic = |asked: create_topics_request::CreatableTopic| {
            create_topics_response::CreatableTopicResult::default().with_name(asked.name).with_error_code(code)
        };
        CreateTopicsResponse::default().with_topics(request.topics.into_iter().map(topic).collect())
    };
    DeleteTopicsRequest => DeleteTopicsResponse, |request, version, code| {
        let result = |name| delete_topics_response::DeletableTopicResult::default()
            .with_name(name)
            .with_error_code(code);
        let responses = match version {
            ..6 => request.topic_names.into_iter().map(|name| result(Some(name))).collect(),
            6.. => request.topics.into_iter().map(|topic| result(topic.name).with_topic_id(topic.topic_id)).collect(),
        };
        DeleteTopicsResponse::default().with_responses(responses)
    };
    CreatePartitionsRequest => CreatePartitionsResponse, |request, _version, code| {
        let topic = |asked: create_partitions_request::CreatePartitionsTopic| {
            create_partitions_response::CreatePartitionsTopicResult::default()
                .with_name(asked.name)
                .with_error_code(code)
        };
        CreatePartitionsResponse::default().with_results(request.topics.into_iter().map(topic).collect())
    };
    DescribeTopicPartitionsRequest => DescribeTopicPartitionsResponse, |request, _version, code| {
        let topic = |asked: describe_topic_partitions_request::TopicRequest| {
            describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic::default()
                .with_name(Some(asked.name))
                .with_error_code(code)
        };
        DescribeTopicPartitionsResponse::default().with_topics(request.topics.into_iter().map(topic).collect())
    };
}
