//! For each request what it asks about, part by part, so that a fault can be for some of it: the parts that are met fail
//! where a client looks for it, and the rest is served.
//!
//! A request whose row is in `api/mod.rs` has to be here: the row does not compile otherwise. Produce and Fetch, which are
//! read by hand, see to their own parts.

use bytes::Bytes;

use super::error_response::ErrorResponse;
use super::{Refusal, RequestContext};
use crate::fault::target::{Part, Struck};
use crate::protocol;

mod named;
mod partitions;
#[cfg(test)]
mod tests;
mod whole;

/// A request that knows what it asks about.
pub(crate) trait Parts: ErrorResponse + Clone {
    /// Keeps the parts that `keep` says. How many are left.
    fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize;

    /// The response that says of every part that it failed; of each partition, if `by_partition`, and not of all of them
    /// together.
    fn fail_parts(self, version: i16, code: i16, _by_partition: bool) -> Self::Response {
        self.error_response(version, code)
    }

    /// Puts what is said of parts that failed in the place of what the response says of them, or beside it.
    fn put(response: &mut Self::Response, failed: Self::Response);
}

/// What a row of the table has for this: reads a request and names its parts.
pub(crate) type NameParts = fn(&crate::cluster::Cluster, version: i16, body: &[u8]) -> Result<Vec<Part>, Refusal>;

/// The parts of the request that this handler takes.
pub(super) fn of_handled<Q: Parts>(
    version: i16,
    body: &[u8],
    _handler: fn(&RequestContext<'_>, Q) -> Result<Q::Response, Refusal>,
) -> Result<Vec<Part>, Refusal> {
    let mut request: Q = protocol::decode(&Bytes::copy_from_slice(body), version)?;
    let mut parts = Vec::new();
    request.retain(&mut |part| {
        parts.push(part.clone());
        true
    });
    Ok(parts)
}

/// Serves a request of which some parts fail.
pub(super) fn serve<Q: Parts>(
    cx: &RequestContext<'_>,
    mut request: Q,
    struck: &Struck,
    handler: fn(&RequestContext<'_>, Q) -> Result<Q::Response, Refusal>,
) -> Result<Q::Response, Refusal> {
    let topics = cx.cluster.topics();
    let hits = |part: &Part| struck.target.hits(part, &|id| topics.name_of(id));
    let mut failed = request.clone();
    failed.retain(&mut |part| hits(part));
    let failed = failed.fail_parts(cx.version, struck.code.code(), struck.target.is_of_topics());
    if !struck.applied && request.retain(&mut |part| !hits(part)) == 0 {
        return Ok(failed);
    }
    let mut response = handler(cx, request)?;
    Q::put(&mut response, failed);
    Ok(response)
}

/// Puts each of `failed` in the place of the one with the same key, by `put`, or behind all.
fn put_each<T, K: PartialEq>(known: &mut Vec<T>, failed: Vec<T>, key: impl Fn(&T) -> K, put: impl Fn(&mut T, T)) {
    for one in failed {
        match known.iter_mut().find(|known| key(known) == key(&one)) {
            Some(known) => put(known, one),
            None => known.push(one),
        }
    }
}

/// What was said before is not true any more.
fn replace<T>(known: &mut T, failed: T) {
    *known = failed;
}
