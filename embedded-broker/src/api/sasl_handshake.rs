//! SaslHandshake, versions 0 and 1: a client names its mechanism. After version 0 bare tokens follow.
//!
//! Served by the login of a connection (`server/login.rs`), in its place there. As Kafka: anywhere else it is
//! ILLEGAL_SASL_STATE, with no mechanisms.

use kafka_protocol::messages::{SaslHandshakeRequest, SaslHandshakeResponse};

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::sasl::mechanism::Mechanism;

pub(crate) fn handle(_: &RequestContext<'_>, _: SaslHandshakeRequest) -> Result<SaslHandshakeResponse, Refusal> {
    Ok(illegal())
}

pub(crate) fn illegal() -> SaslHandshakeResponse {
    SaslHandshakeResponse::default().with_error_code(ErrorCode::IllegalSaslState.code())
}

/// The answer to a client whose mechanism is enabled, or is not.
pub(crate) fn answer(agreed: bool, mechanisms: impl Iterator<Item = Mechanism>) -> SaslHandshakeResponse {
    let code = if agreed { ErrorCode::None } else { ErrorCode::UnsupportedSaslMechanism };
    let names = mechanisms.map(|mechanism| StrBytes::from_static_str(mechanism.name()));
    SaslHandshakeResponse::default().with_error_code(code.code()).with_mechanisms(names.collect())
}
