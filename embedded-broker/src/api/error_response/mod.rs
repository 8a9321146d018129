//! For each request the response that says it failed, with the code wherever a client looks for it.
//!
//! As Kafka's `getErrorResponse`: one code for the whole where the response has a field for that, else one for everything
//! the request names. What a request does not name cannot be told of: Metadata of all topics below version 13 and
//! DescribeLogDirs below version 3 have no field for a code, and come back empty.
//! Different: Metadata has the code of the whole from version 13 on; and since there is no exception, there is no text.
//!
//! A request whose row is in `api/mod.rs` has to be here: the row does not compile otherwise.

use bytes::{Bytes, BytesMut};

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::protocol::{self, Decodable, Encodable};

mod each_named;
mod fetch;
mod groups;
mod partitions;
#[cfg(test)]
mod tests;
mod topics;
mod whole;

/// A request that knows its response to an error.
pub(crate) trait ErrorResponse: Decodable {
    /// What it is answered with.
    type Response: Encodable;

    /// The response with this code, as this version has it.
    fn error_response(self, version: i16, code: i16) -> Self::Response;
}

/// What a row of the table has for this: reads a request and writes the body of the response to an error.
pub(crate) type Fail = fn(version: i16, body: &[u8], code: ErrorCode, out: &mut BytesMut) -> Result<(), Refusal>;

/// [`Fail`] of a request that the codec reads.
pub(super) fn of<Q: ErrorResponse>(
    version: i16,
    body: &[u8],
    code: ErrorCode,
    out: &mut BytesMut,
) -> Result<(), Refusal> {
    let request: Q = protocol::decode(&Bytes::copy_from_slice(body), version)?;
    Ok(protocol::encode(&request.error_response(version, code.code()), version, out)?)
}

/// [`of`] the request that this handler takes, which makes sure that both answer with the same type.
pub(super) fn of_handled<Q: ErrorResponse>(
    version: i16,
    body: &[u8],
    code: ErrorCode,
    out: &mut BytesMut,
    _handler: fn(&RequestContext<'_>, Q) -> Result<Q::Response, Refusal>,
) -> Result<(), Refusal> {
    of::<Q>(version, body, code, out)
}

/// Requests whose response only depends on the code.
macro_rules! error_response {
    ($($request:ident => $response:ident, |$asked:ident, $version:ident, $code:ident| $body:expr;)*) => {
        $(impl crate::api::error_response::ErrorResponse for kafka_protocol::messages::$request {
            type Response = kafka_protocol::messages::$response;

            fn error_response(self, $version: i16, $code: i16) -> Self::Response {
                let $asked = self;
                $body
            }
        })*
    };
}
use error_response;
