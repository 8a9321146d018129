//! What a connection is known to be, request after request.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use super::principal::Principal;

/// Who is at the other end of a connection, and the way they came.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) principal: Principal,
    /// The name of the listener that took the connection.
    pub(crate) listener: Arc<str>,
    /// The client's address, as ACLs name it.
    pub(crate) host: String,
    /// The address of ours that the client reached; what is told of a listener that is bound to every address.
    pub(crate) local: IpAddr,
    /// What the client said it is when it asked for the versions of requests.
    pub(crate) software: RefCell<Software>,
}

/// A client's name and version of itself.
#[derive(Debug, Clone)]
pub(crate) struct Software {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Default for Software {
    /// Of a client that has not said; the word is Kafka's.
    fn default() -> Self {
        Self { name: "unknown".to_owned(), version: "unknown".to_owned() }
    }
}

impl Session {
    pub(crate) fn anonymous(listener: Arc<str>, peer: IpAddr, local: IpAddr) -> Self {
        // A listener that takes both families sees IPv4 clients under addresses of IPv6.
        let (host, local) = (peer.to_canonical().to_string(), local.to_canonical());
        Self { principal: Principal::anonymous(), listener, host, local, software: RefCell::default() }
    }
}
