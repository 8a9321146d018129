//! Fetch. (Produce writes its response by hand, in `api/produce.rs`.)

use bytes::Bytes;
use kafka_protocol::messages::*;

use super::error_response;

error_response! {
    // The whole has the code from version 7 on; clients that go by ids look nowhere else.
    FetchRequest => FetchResponse, |request, version, code| {
        use fetch_response::{FetchableTopicResponse, PartitionData};
        let partition = |asked: fetch_request::FetchPartition| PartitionData::default()
            .with_partition_index(asked.partition)
            .with_error_code(code)
            .with_high_watermark(-1)
            // Null is what librdkafka cannot read.
            .with_records(Some(Bytes::new()));
        let topic = |asked: fetch_request::FetchTopic| FetchableTopicResponse::default()
            .with_topic(asked.topic)
            .with_partitions(asked.partitions.into_iter().map(partition).collect());
        let response = FetchResponse::default();
        let response = if version >= 7 {
            response.with_error_code(code).with_session_id(request.session_id)
        } else {
            response
        };
        let topics = if version >= 13 { Vec::new() } else { request.topics };
        response.with_responses(topics.into_iter().map(topic).collect())
    };
}
