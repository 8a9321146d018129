//! Who may connect and what they may do: listeners and their protocols, and who a connection belongs to.
//!
//! Everything here is pure: configs and bytes in, decisions out. Sockets are in `server/`, requests in `api/`.

pub(crate) mod acl;
pub mod client_side;
pub(crate) mod listeners;
pub(crate) mod principal;
pub(crate) mod protocol;
pub(crate) mod sasl;
pub(crate) mod session;
pub(crate) mod settings;
#[cfg(feature = "tls")]
pub(crate) mod tls;
