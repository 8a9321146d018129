//! What the guard lets through, and what it does not.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    CreateTopicsRequest, DescribeConfigsRequest, FetchRequest, JoinGroupRequest, MetadataRequest, OffsetFetchRequest,
    SyncGroupRequest,
};
use proptest::prelude::*;

use super::*;

fn body(request: &impl Encodable, version: i16) -> Bytes {
    let mut out = BytesMut::new();
    encode(request, version, &mut out).unwrap();
    out.freeze()
}

#[test]
fn eight_bytes_cannot_ask_for_gigabytes() {
    let count_of_the_old_encoding = Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]);
    assert!(decode::<MetadataRequest>(&count_of_the_old_encoding, 0).is_err());
    let compact_count = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(decode::<MetadataRequest>(&compact_count, 12).is_err());
    // A boolean that looks like the beginning of a varint does not hide the count behind it.
    let hidden = Bytes::from_static(&[0x01, 0x80, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(decode::<MetadataRequest>(&hidden, 12).is_err());
}

#[test]
fn large_numbers_that_are_no_counts_are_read_as_they_are() {
    for version in 0..=9 {
        let protocol = JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
        let mut request = JoinGroupRequest::default()
            .with_session_timeout_ms(i32::MAX)
            .with_protocol_type(StrBytes::from_static_str("consumer"))
            .with_protocols(vec![protocol]);
        if version >= 1 {
            request = request.with_rebalance_timeout_ms(i32::MAX - 1);
        }
        let read: JoinGroupRequest = decode(&body(&request, version), version).unwrap();
        assert_eq!(read.session_timeout_ms, i32::MAX, "v{version}");
        assert_eq!(read.protocols.len(), 1, "v{version}");
    }
}

#[test]
fn long_names_and_many_topics_are_honest() {
    let topics = (0..1000).map(|n| {
        let name = StrBytes::from_string(format!("{n}{}", "x".repeat(200)));
        MetadataRequestTopic::default().with_name(Some(name.into()))
    });
    let request = MetadataRequest::default().with_topics(Some(topics.collect()));
    for version in 0..=13 {
        let read: MetadataRequest = decode(&body(&request, version), version).unwrap();
        assert_eq!(read.topics.map(|topics| topics.len()), Some(1000), "v{version}");
    }
}

#[test]
fn a_body_above_the_limit_is_refused_before_it_is_read() {
    let refused = decode::<MetadataRequest>(&Bytes::from(vec![0; MAX_DECODED_LEN + 1]), 0).unwrap_err();
    assert!(refused.to_string().contains("larger than"), "{refused}");
}

/// A request with long texts, long bytes and large numbers that are neither.
fn sync_group(assignment: usize) -> SyncGroupRequest {
    let of = |member: &'static str| {
        SyncGroupRequestAssignment::default()
            .with_member_id(StrBytes::from_static_str(member))
            .with_assignment(Bytes::from(vec![7; assignment]))
    };
    SyncGroupRequest::default().with_generation_id(70_000).with_assignments(vec![of("a"), of("b")])
}

#[test]
fn long_bytes_are_no_long_arrays() {
    let lens = [0, 1, (1 << 14) - 1, 1 << 14, MOST_ELEMENTS - 1, MOST_ELEMENTS, MOST_ELEMENTS + 1, 1 << 17, 1 << 21];
    for len in lens.into_iter().chain([(1 << 21) + (1 << 14) - 1, 3_500_000]) {
        for version in 0..=5 {
            let sent = sync_group(len);
            let read: SyncGroupRequest = decode(&body(&sent, version), version).unwrap();
            assert!(read == sent, "v{version}, {len}");
        }
    }
}

#[test]
fn arrays_are_as_long_as_is_allowed_and_no_longer() {
    let topics = |n: usize| {
        let names =
            (0..n).map(|n| MetadataRequestTopic::default().with_name(Some(StrBytes::from(n.to_string()).into())));
        MetadataRequest::default().with_topics(Some(names.collect()))
    };
    for version in [1, 8, 9, 13] {
        let most = topics(MOST_ELEMENTS);
        assert!(decode::<MetadataRequest>(&body(&most, version), version).unwrap() == most, "v{version}");
        let one_more = body(&topics(MOST_ELEMENTS + 1), version);
        assert!(decode::<MetadataRequest>(&one_more, version).is_err(), "v{version}");
    }
}

#[test]
fn a_body_of_too_many_small_elements_is_refused() {
    let resource =
        DescribeConfigsResource::default().with_configuration_keys(Some(vec![StrBytes::default(); MOST_ELEMENTS / 2]));
    for version in [3, 4] {
        let len = body(&DescribeConfigsRequest::default().with_resources(vec![resource.clone()]), version).len();
        let sized =
            |n: usize| body(&DescribeConfigsRequest::default().with_resources(vec![resource.clone(); n]), version);
        assert!(decode::<DescribeConfigsRequest>(&sized(MAX_STRUCTURE_LEN / len), version).is_ok(), "v{version}");
        let refused = decode::<DescribeConfigsRequest>(&sized(MAX_STRUCTURE_LEN / len + 2), version).unwrap_err();
        assert!(refused.to_string().contains("too many elements"), "{refused}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_the_decoder_panic_or_reserve_what_it_does_not_hold(bytes: Vec<u8>, version in 0..14_i16) {
        let body = Bytes::from(bytes);
        let _ = decode::<MetadataRequest>(&body, version.min(13));
        let _ = decode::<JoinGroupRequest>(&body, version.min(9));
        let _ = decode::<CreateTopicsRequest>(&body, version.clamp(2, 7));
        let _ = decode::<DescribeConfigsRequest>(&body, version.clamp(1, 4));
        let _ = decode::<OffsetFetchRequest>(&body, version.clamp(1, 9));
        let _ = decode::<FetchRequest>(&body, version.max(4));
    }
}
