//! Who may do what: access control lists and the one function that decides, as Kafka's `StandardAuthorizer` does.

pub(crate) mod authorizer;
pub(crate) mod binding;
pub(crate) mod filter;
pub(crate) mod kinds;
pub(crate) mod resource;
pub(crate) mod settings;
mod store;
#[cfg(test)]
mod tests;
