//! What an answered request costs its client: it is told how long to wait, and its connection waits so long.
//!
//! As Kafka: bytes of produce requests and fetch responses, the time a request takes, and partitions that are made and
//! deleted are bounded by quotas of the user and the client id; the longest wait counts. A fetch that is held up brings no
//! records, and does not count.
//! Different: ApiVersions is held up, but does not say so.

use std::time::Duration;

use bytes::{BufMut, BytesMut};

use super::{Reply, RequestContext};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::protocol::ApiKey;
use crate::quotas::{Kind, Who};

impl RequestContext<'_> {
    /// Whose quotas count.
    pub(super) fn who(&self) -> Who<'_> {
        Who { user: &self.session.principal.name, client_id: self.client_id.unwrap_or_default() }
    }

    /// Counts partitions that are to be made or deleted.
    ///
    /// # Errors
    ///
    /// `THROTTLING_QUOTA_EXCEEDED` from version `strict_since` on, if the client has used up its quota; older requests do
    /// not know that code and are held up after the fact.
    pub(super) fn mutate(&self, partitions: usize, strict_since: i16) -> Result<(), Error> {
        let quotas = &self.cluster.quotas;
        if !quotas.is_set() {
            return Ok(());
        }
        let strict = self.version >= strict_since;
        let mutated = quotas.mutate(self.who(), partitions, strict, self.cluster.clock.now());
        self.mutation_throttle.set(mutated.throttle);
        if mutated.refused { Err(Error::with_code(ErrorCode::ThrottlingQuotaExceeded, "")) } else { Ok(()) }
    }
}

/// Charges a request, which `started` then, to its client's quotas, and holds the client up if they are used up.
pub(crate) fn charge(cx: &RequestContext<'_>, key: ApiKey, request_len: usize, started: Timestamp, reply: &mut Reply) {
    let quotas = &cx.cluster.quotas;
    let (who, now) = (cx.who(), cx.cluster.clock.now());
    let busy = now.saturating_sub(started).saturating_sub(cx.waiter.take_waited());
    let for_time = quotas.record_time(who, busy, now);
    let response_len = bytes_of(reply.len().saturating_sub(body_at(key, cx.version)) + 4);
    let for_bytes = match key {
        ApiKey::Produce => quotas.record(Kind::Produce, who, bytes_of(request_len), now),
        ApiKey::Fetch => quotas.record(Kind::Fetch, who, response_len, now),
        _ => cx.mutation_throttle.get(),
    };
    let throttle = for_time.max(for_bytes);
    if throttle.is_zero() {
        return;
    }
    if key == ApiKey::Fetch {
        quotas.unrecord(Kind::Fetch, who, response_len, now);
    }
    hold_up(key, cx.version, throttle, now, reply);
}

/// Tells a client how long it is held up, and has its connection wait so long.
pub(crate) fn hold_up(key: ApiKey, version: i16, throttle: Duration, now: Timestamp, reply: &mut Reply) {
    let body = body_at(key, version);
    if key == ApiKey::Fetch {
        empty_fetch(version, body, reply);
    }
    reply.hold_until = Some(now.saturating_add(throttle));
    if let Some(at) = reply.throttle_at.or_else(|| position(key, version).map(|at| body + at)) {
        patch(reply, at, i32::try_from(throttle.as_millis()).unwrap_or(i32::MAX));
    }
}

/// Where the body of a response begins, behind the length and the header.
fn body_at(key: ApiKey, version: i16) -> usize {
    8 + usize::from(key.response_header_version(version) >= 1)
}

#[expect(clippy::cast_precision_loss, reason = "no request or response is larger than 2^52 bytes")]
fn bytes_of(len: usize) -> f64 {
    len as f64
}

/// Where in its body a response says how long its client is held up, if it says so.
fn position(key: ApiKey, version: i16) -> Option<usize> {
    let since = match key {
        // Not at a fixed place, or not at all.
        ApiKey::Produce
        | ApiKey::ApiVersions
        | ApiKey::SaslHandshake
        | ApiKey::SaslAuthenticate
        | ApiKey::WriteTxnMarkers
        | ApiKey::DescribeQuorum
        | ApiKey::CreateDelegationToken
        | ApiKey::RenewDelegationToken
        | ApiKey::ExpireDelegationToken
        | ApiKey::DescribeDelegationToken => return None,
        ApiKey::OffsetDelete => return Some(2),
        ApiKey::Metadata | ApiKey::OffsetCommit | ApiKey::OffsetFetch => 3,
        ApiKey::ListOffsets | ApiKey::JoinGroup => 2,
        ApiKey::FindCoordinator
        | ApiKey::Heartbeat
        | ApiKey::LeaveGroup
        | ApiKey::SyncGroup
        | ApiKey::DescribeGroups
        | ApiKey::ListGroups => 1,
        _ => 0,
    };
    (version >= since).then_some(0)
}

/// Leaves the error and the session of a fetch, and takes its partitions away.
fn empty_fetch(version: i16, body: usize, reply: &mut Reply) {
    let kept = body + if version >= 7 { 10 } else { 4 };
    let front = match reply.pieces.first() {
        Some(first) => first.get(..kept),
        None => reply.head.get(..kept),
    };
    let mut head = BytesMut::from(front.unwrap_or_default());
    if version >= 12 {
        // A compact array of none, and no tagged fields.
        head.put_slice(&[1, 0]);
    } else {
        head.put_i32(0);
    }
    reply.pieces.clear();
    reply.head = head;
}

fn patch(reply: &mut Reply, at: usize, throttle_ms: i32) {
    let field = at..at + 4;
    let bytes = throttle_ms.to_be_bytes();
    match reply.pieces.first_mut() {
        None => reply.head.get_mut(field).into_iter().for_each(|field| field.copy_from_slice(&bytes)),
        Some(first) => {
            let mut copy = BytesMut::from(&first[..]);
            copy.get_mut(field).into_iter().for_each(|field| field.copy_from_slice(&bytes));
            *first = copy.freeze();
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::{FetchResponse, HeartbeatResponse, OffsetDeleteResponse};

    use super::*;
    use crate::protocol::{Decodable, Encodable};

    fn reply(response: &impl Encodable, version: i16) -> Reply {
        let mut reply = Reply::default();
        reply.head.put_slice(&[0; 9]);
        response.encode(&mut reply.head, version).expect("it can be encoded");
        reply
    }

    fn body(reply: &Reply) -> bytes::Bytes {
        let whole: Vec<u8> = reply.pieces.iter().flat_map(|piece| piece.to_vec()).chain(reply.head.to_vec()).collect();
        bytes::Bytes::from(whole).slice(9..)
    }

    #[test]
    fn the_time_is_written_where_the_response_has_it() {
        for version in 1..=4 {
            let mut held = reply(&HeartbeatResponse::default(), version);
            patch(&mut held, 9 + position(ApiKey::Heartbeat, version).expect("it says so"), 77);
            let read = HeartbeatResponse::decode(&mut body(&held), version).expect("it is still one");
            assert_eq!(read.throttle_time_ms, 77, "version {version}");
        }
        assert_eq!(position(ApiKey::Heartbeat, 0), None);
        let mut held = reply(&OffsetDeleteResponse::default(), 0);
        patch(&mut held, 9 + position(ApiKey::OffsetDelete, 0).expect("it says so"), 77);
        assert_eq!(OffsetDeleteResponse::decode(&mut body(&held), 0).expect("it is still one").throttle_time_ms, 77);
    }

    #[test]
    fn a_fetch_that_is_held_up_keeps_its_session_and_loses_its_records() {
        for version in 4..=18 {
            let session = if version >= 7 { 5 } else { 0 };
            let response = FetchResponse::default().with_session_id(session);
            let mut held = reply(&response, version);
            held.share(bytes::Bytes::from_static(b"records"));
            empty_fetch(version, 9, &mut held);
            patch(&mut held, 9, 77);
            let mut bytes = body(&held);
            let read = FetchResponse::decode(&mut bytes, version).expect("it is still one");
            assert_eq!((read.throttle_time_ms, read.session_id), (77, session), "version {version}");
            assert!(read.responses.is_empty() && bytes.is_empty());
        }
    }
}
