//! ApiVersions: what is served, and how a client that is newer than the broker finds out.

use bytes::Buf;
use embedded_broker::ErrorCode;
use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;
use crate::records::*;

fn request(software: &'static str, version: i16) -> ApiVersionsRequest {
    let request = ApiVersionsRequest::default();
    if version < 3 {
        return request;
    }
    let text = StrBytes::from_static_str;
    request.with_client_software_name(text(software)).with_client_software_version(text("1.0"))
}

#[test]
fn every_version_lists_the_same_keys() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let mut lists = Vec::new();
    for version in 0..=4 {
        let response = client.call(version, &request("wire", version));
        assert_eq!(response.error_code, 0);
        let keys = response.api_keys.iter().map(|key| (key.api_key, key.min_version, key.max_version));
        lists.push(keys.collect::<Vec<_>>());
    }
    assert!(lists.windows(2).all(|pair| pair[0] == pair[1]));
    for expected in [(0, 0, 13), (1, 4, 18), (3, 0, 13), (18, 0, 4), (24, 0, 5), (26, 0, 5), (27, 1, 1)] {
        assert!(lists[0].contains(&expected), "{expected:?} is not in {:?}", lists[0]);
    }
}

#[test]
fn a_version_from_the_future_is_answered_in_the_format_of_version_0() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    client.send_body(18, 99, 2, &[1, 1, 0]);
    let mut body = client.receive_body();
    assert_eq!(body.get_i16(), ErrorCode::UnsupportedVersion.code());
    assert_eq!((body.get_i32(), body.get_i16(), body.get_i16(), body.get_i16()), (1, 18, 0, 4));
    assert!(body.is_empty());
    assert_eq!(client.call(3, &request("wire", 3)).error_code, 0, "the connection lives on");
}

#[test]
fn a_client_name_that_is_none_is_refused() {
    let broker = broker_with("t", 1);
    let response = Client::of(&broker).call(3, &request("no name", 3));
    assert_eq!(response.error_code, ErrorCode::InvalidRequest.code());
    assert!(response.api_keys.is_empty());
}

#[test]
fn keys_and_versions_that_are_not_served_close_the_connection() {
    let broker = broker_with("t", 1);
    for (key, version) in [(0, 99), (0, 2), (1, 3), (4, 0), (999, 0), (-1, 0), (3, -1)] {
        let mut client = Client::of(&broker);
        client.send_body(key, version, 1, &[0; 32]);
        assert!(client.is_closed(), "key {key} version {version}");
    }
}
