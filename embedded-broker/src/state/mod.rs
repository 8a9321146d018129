//! Everything durable about a cluster but its records: topics, configs, groups, as facts that become true one after the
//! other. In memory mode nobody keeps them; with a data directory they go to its state log before anybody is answered.
//!
//! [`StateRecord`] is a fact, [`StateImage`] what is true after a row of them, [`StateStore`] where they are kept. A broker
//! that starts on a data directory replays the facts into an image and builds its cluster of that. Compaction is the same
//! thing: it replays what the log says, and writes down what the image says.

mod image;
mod record;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use image::StateImage;
pub(crate) use record::{StateRecord, TopicFacts};
pub(crate) use store::StateStore;
