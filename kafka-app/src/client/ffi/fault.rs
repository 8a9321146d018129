//! librdkafka's errors as faults.

use std::ptr::NonNull;

use rdkafka::{
    bindings::{self as sys, rd_kafka_resp_err_t as RespErr},
    types::RDKafkaErrorCode,
};

use super::text::c_text;
use crate::{
    client::port::{Fault, FaultKind},
    error::Result,
};

/// How librdkafka begins to say that it could not read what a group has committed; it has no code for it. It stays with that:
/// the partitions are neither asked for again nor read, nor are any that come later (`rdkafka_assignment.c`,
/// `rd_kafka_assignment_apply_offsets` and `rd_kafka_assignment_serve_pending`; librdkafka's issue 5586).
const NO_POSITIONS: &str = "Failed to fetch committed offset";

pub(super) fn fault(code: RespErr, text: &str) -> Fault {
    fault_of(code.into(), text)
}

/// The same of a code that is rust-rdkafka's already.
pub(crate) fn fault_of(code: RDKafkaErrorCode, text: &str) -> Fault {
    let kind = match code {
        RDKafkaErrorCode::AllBrokersDown => FaultKind::Unreachable,
        RDKafkaErrorCode::SSL | RDKafkaErrorCode::BrokerTransportFailure if is_of_certificates(text) => {
            FaultKind::SslAuthentication
        }
        // A handshake that breaks off is also what a broker does that is just being stopped.
        RDKafkaErrorCode::SSL | RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve => {
            FaultKind::BrokerUnreachable
        }
        RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed => FaultKind::SaslAuthentication,
        RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed => {
            FaultKind::Authorization
        }
        RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition => FaultKind::UnknownTopic,
        RDKafkaErrorCode::NoOffset => FaultKind::NothingToCommit,
        RDKafkaErrorCode::AutoOffsetReset => FaultKind::NoPosition,
        // Another consumer has our `group.instance.id`: one that came back would fence that one, and so on for ever.
        RDKafkaErrorCode::FencedInstanceId
        | RDKafkaErrorCode::UnsupportedAssignor
        | RDKafkaErrorCode::InconsistentGroupProtocol => FaultKind::Config,
        _ => FaultKind::Other,
    };
    let is_of_node = matches!(kind, FaultKind::Other | FaultKind::BrokerUnreachable);
    let kind = if is_of_node && text.starts_with(NO_POSITIONS) { FaultKind::Unpositioned } else { kind };
    // Which broker it is stands first.
    let is_of_broker = kind == FaultKind::BrokerUnreachable && !text.is_empty();
    Fault {
        kind,
        text: if is_of_broker {
            text.to_owned()
        } else if text.is_empty() {
            code.to_string()
        } else {
            format!("{code}: {text}")
        },
    }
}

/// Whether TLS has ended a connection because of a certificate. By TLS 1.3 that of a client is asked for when the
/// handshake is over: that it is missing or not wanted is an alert on a connection, of which librdkafka says that it
/// broke.
pub(crate) fn is_of_certificates(text: &str) -> bool {
    // The broker's own name stands first.
    let what = text.split_once(": ").map_or(text, |(_broker, what)| what);
    ["certificate", " alert "].iter().any(|word| what.contains(word))
}

pub(super) fn other(text: impl Into<String>) -> Fault {
    Fault { kind: FaultKind::Other, text: text.into() }
}

pub(super) fn check(code: RespErr, what: &str) -> Result<()> {
    match code {
        RespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(fault(code, "").to_error(what)),
    }
}

pub(super) fn check_error(error: *mut sys::rd_kafka_error_t, what: &str) -> Result<()> {
    let Some(error) = NonNull::new(error) else { return Ok(()) };
    // SAFETY: an error object that was given to us; its text is copied before it is destroyed, once.
    let fault = unsafe {
        let fault =
            fault(sys::rd_kafka_error_code(error.as_ptr()), &c_text(sys::rd_kafka_error_string(error.as_ptr())));
        sys::rd_kafka_error_destroy(error.as_ptr());
        fault
    };
    Err(fault.to_error(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_is_a_refusal_where_it_is_about_a_certificate_and_else_a_broken_connection() {
        for (text, kind) in [
            ("ssl://h:1/1: SSL handshake failed: certificate verify failed", FaultKind::SslAuthentication),
            ("ssl://h:1/1: SSL handshake failed: Disconnected", FaultKind::BrokerUnreachable),
        ] {
            let fault = fault_of(RDKafkaErrorCode::SSL, text);
            assert_eq!((fault.kind, fault.text.contains(text)), (kind, true), "{text}");
        }
    }

    #[test]
    fn an_alert_about_a_certificate_is_a_refusal_whatever_the_brokers_name_is() {
        let late = "ssl://h:1/1: Receive failed: error:0A00045C:SSL routines::tlsv13 alert certificate required: SSL alert number 116";
        let gone = "certificates.example:1/1: Disconnected (after 3ms in state UP)";
        for (text, kind) in [(late, FaultKind::SslAuthentication), (gone, FaultKind::BrokerUnreachable)] {
            assert_eq!(fault_of(RDKafkaErrorCode::BrokerTransportFailure, text).kind, kind, "{text}");
        }
    }
}
