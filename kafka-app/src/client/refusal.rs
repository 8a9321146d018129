//! [`Refusal`]: that brokers do not let a client in, for whoever waits for an answer which then never comes.

use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::watch;

use super::ffi::is_of_certificates;
use crate::error::{Error, ErrorKind};

/// Why brokers do not let a client in, since one last did. librdkafka goes on trying, with the same login and certificates.
#[derive(Debug, Default)]
pub(crate) struct Refusal(watch::Sender<Option<(ErrorKind, String)>>);

impl Refusal {
    /// The client says that something is wrong.
    pub(crate) fn note(&self, code: RDKafkaErrorCode, reason: &str) {
        if let Some(kind) = refused(code, reason) {
            self.0.send_replace(Some((kind, reason.to_owned())));
        }
    }

    /// A broker lets it in, or the refusal was told.
    pub(crate) fn clear(&self) {
        if self.0.borrow().is_some() {
            self.0.send_replace(None);
        }
    }

    /// Resolves when it is not let in.
    pub(crate) async fn told(&self, servers: &str) -> Error {
        let mut reasons = self.0.subscribe();
        let reason = reasons.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match reason {
            Some((kind, reason)) => Error::new(kind, format!("no broker at {servers} lets this client in: {reason}")),
            // It is the client's own, which is still there.
            None => std::future::pending().await,
        }
    }
}

/// What is refused, if trying again will come to the same: a login or a certificate. A handshake that breaks off is also what a
/// broker does that is just being stopped.
fn refused(code: RDKafkaErrorCode, reason: &str) -> Option<ErrorKind> {
    match code {
        RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed => {
            Some(ErrorKind::SaslAuthentication)
        }
        RDKafkaErrorCode::SSL | RDKafkaErrorCode::BrokerTransportFailure if is_of_certificates(reason) => {
            Some(ErrorKind::SslAuthentication)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_told_of_a_login_or_a_certificate_that_is_refused_until_a_broker_lets_it_in() {
        let refusal = Refusal::default();
        let is_told = async || {
            let told = refusal.told("h:1");
            tokio::select! {
                biased;
                error = told => Some((error.kind(), error.to_string())),
                () = std::future::ready(()) => None,
            }
        };
        refusal.note(RDKafkaErrorCode::BrokerTransportFailure, "h:1/bootstrap: Connection refused");
        refusal
            .note(RDKafkaErrorCode::BrokerTransportFailure, "certificates:1/bootstrap: Connect to h:1 failed: refused");
        refusal.note(RDKafkaErrorCode::SSL, "h:1/bootstrap: SSL handshake failed: Disconnected");
        assert_eq!(is_told().await, None);
        refusal.note(RDKafkaErrorCode::Authentication, "h:1/bootstrap: Invalid username or password");
        let text = "no broker at h:1 lets this client in: h:1/bootstrap: Invalid username or password";
        assert_eq!(is_told().await, Some((ErrorKind::SaslAuthentication, text.to_owned())));
        refusal.clear();
        assert_eq!(is_told().await, None);
        refusal.note(RDKafkaErrorCode::SSL, "h:1/bootstrap: SSL handshake failed: certificate verify failed");
        assert_eq!(is_told().await.map(|(kind, _)| kind), Some(ErrorKind::SslAuthentication));
        refusal.clear();
        let asked_late = "h:1/1: Receive failed: SSL alert number 116: certificate required (after 3ms in state UP)";
        refusal.note(RDKafkaErrorCode::BrokerTransportFailure, asked_late);
        assert_eq!(is_told().await.map(|(kind, _)| kind), Some(ErrorKind::SslAuthentication));
    }
}
