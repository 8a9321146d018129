//! Frames nobody should send: the broker closes the connection or answers an error, takes no more memory than the frame
//! is worth, and goes on serving others.

use kafka_protocol::messages::{ApiKey, ApiVersionsRequest};

use crate::client::Client;
use crate::records::*;

/// Counts and lengths that promise gigabytes, in both encodings.
const LIES: &[&[u8]] = &[&[0x7f, 0xff, 0xff, 0xff], &[0x10, 0, 0, 0], &[0xff, 0xff, 0xff, 0xff, 0x0f]];

/// Every key and version that is served.
fn served(client: &mut Client) -> Vec<(ApiKey, i16)> {
    let response = client.call(0, &ApiVersionsRequest::default());
    let keys = response.api_keys.iter().filter_map(|key| Some((ApiKey::try_from(key.api_key).ok()?, key)));
    keys.flat_map(|(api, key)| (key.min_version..=key.max_version).map(move |version| (api, version))).collect()
}

/// The most memory the process has ever reserved, in MB, touched or not. Only Linux tells.
fn peak_reserved() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"))?;
    line.trim().trim_end_matches(" kB").parse::<usize>().ok().map(|kb| kb / 1024)
}

#[test]
fn counts_that_promise_gigabytes_reserve_nothing() {
    let broker = broker_with("t", 1);
    let keys = served(&mut Client::of(&broker));
    let before = peak_reserved();
    for (api, version) in keys {
        for lie in LIES {
            // The lie stands where the first, second, ... field of a request may be. Zeros in front of it are empty
            // strings, nulls or small numbers.
            for position in 0..8 {
                let mut body = vec![0; position];
                body.extend_from_slice(lie);
                body.extend_from_slice(&[0; 4]);
                let mut client = Client::of(&broker);
                client.send_body(api as i16, version, api.request_header_version(version), &body);
            }
        }
        // Connections are accepted in order: when this one is served, none of those above stands in the queue any more.
        assert_eq!(Client::of(&broker).call(0, &ApiVersionsRequest::default()).error_code, 0);
    }
    // Whatever the last of them did, others are served.
    assert_eq!(produce(&mut Client::of(&broker), "t", 0, batch(&["v"], NOBODY)).error_code, 0);
    if let (Some(before), Some(after)) = (before, peak_reserved()) {
        // Threads and their arenas reserve address space as well; a lie that was believed would take 10 to 400 GB.
        assert!(after - before < 8_000, "{} MB more were reserved", after - before);
    }
}

#[test]
fn frames_that_are_no_requests_close_their_connection_only() {
    let broker = broker_with("t", 1);
    let frames: &[&[u8]] = &[
        &[0xff, 0xff, 0xff, 0xff],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0],
        &[0, 0, 0, 4, 0, 18, 0, 0],
        // TLS from a client that takes this port for another.
        &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        // A client id longer than its frame, and one that is not UTF-8.
        &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0x7f, 0xff],
        &[0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 1, 0, 1, 0xff],
    ];
    for frame in frames {
        let mut client = Client::of(&broker);
        client.send_raw(frame);
        assert!(client.is_closed(), "{frame:?}");
    }
    assert_eq!(produce(&mut Client::of(&broker), "t", 0, batch(&["v"], NOBODY)).error_code, 0);
}
