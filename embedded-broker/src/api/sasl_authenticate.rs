//! SaslAuthenticate, versions 0 to 2: a token of the client's mechanism. From version 1 the answer says how long the session
//! lasts.
//!
//! Served by the login of a connection (`server/login.rs`), in its place there. As Kafka: after the login it is
//! ILLEGAL_SASL_STATE.

use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse};

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;

pub(crate) fn handle(_: &RequestContext<'_>, _: SaslAuthenticateRequest) -> Result<SaslAuthenticateResponse, Refusal> {
    let why = "SaslAuthenticate request received after successful authentication";
    Ok(SaslAuthenticateResponse::default()
        .with_error_code(ErrorCode::IllegalSaslState.code())
        .with_error_message(Some(StrBytes::from_static_str(why))))
}

pub(crate) fn accepted(token: Vec<u8>, lifetime_ms: i64) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default()
        // As Kafka: empty, and not null.
        .with_error_message(Some(StrBytes::default()))
        .with_auth_bytes(token.into())
        .with_session_lifetime_ms(lifetime_ms)
}

pub(crate) fn refused(why: String) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default()
        .with_error_code(ErrorCode::SaslAuthenticationFailed.code())
        .with_error_message(Some(StrBytes::from_string(why)))
}
