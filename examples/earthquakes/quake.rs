//! What the feed says and what we make of it.

use kafka_app::{Json, Topic};
use serde::{Deserialize, Serialize};

/// Each line of the catalogue as it is, keyed by network.
pub(crate) const RAW: Topic<String, String> = Topic::new("quakes.raw");
/// Strong earthquakes, keyed by network.
pub(crate) const ALERTS: Topic<String, Json<Alert>> = Topic::new("quakes.alerts");
/// Lines that are no event.
pub(crate) const DEAD_LETTERS: &str = "quakes.raw-dlt";

/// An event of the catalogue; strings are borrowed from the record.
#[derive(Debug, Deserialize)]
pub(crate) struct Quake<'r> {
    pub(crate) id: &'r str,
    pub(crate) network: &'r str,
    pub(crate) kind: &'r str,
    /// Not every event has one, and small ones are negative.
    pub(crate) magnitude: Option<f64>,
    /// May hold escapes, so it cannot always be borrowed.
    #[serde(borrow)]
    pub(crate) place: std::borrow::Cow<'r, str>,
}

/// An earthquake of magnitude 4.5 or more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alert {
    pub(crate) id: String,
    pub(crate) magnitude: f64,
    pub(crate) place: String,
}

impl Quake<'_> {
    /// The alert this event deserves, if any: explosions and quarry blasts never do.
    pub(crate) fn alert(&self) -> Option<Alert> {
        let magnitude = self.magnitude.filter(|m| *m >= 4.5)?;
        (self.kind == "earthquake").then(|| Alert { id: self.id.to_owned(), magnitude, place: self.place.to_string() })
    }
}
