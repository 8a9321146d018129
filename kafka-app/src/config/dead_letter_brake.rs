//! `dead_letter_brake(share, within, at_least)`: what can be said of it, and what comes of it.

use std::time::Duration;

use crate::config::{from_text::FromText, section::Section};

/// `dead_letter_brake(share, within, at_least)`: a listener whose share of dead letters passes a limit stops, loudly.
///
/// A record now and then that cannot be handled is one thing; a deployment after which none can is another, and every one of
/// them in the dead letter topic is work for a day. Records that are handled and those that become dead letters are counted
/// over all consumers and retry topics of the listener. The record that would pass the limit becomes no dead letter: it stays
/// uncommitted, the listener and its retry topics stop and are unhealthy, and no restart policy starts them again; a start by
/// hand does, and counts anew.
///
/// ```
/// use kafka_app::kafka_listener;
///
/// #[kafka_listener(
///     topic = "orders",
///     group = "billing",
///     dead_letter = "orders-dlt",
///     dead_letter_brake(share = "20%", within = "1m", at_least = 50)
/// )]
/// async fn bill(order: String) -> Result<(), std::io::Error> {
///     Ok(())
/// }
/// # let _ = bill;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DeadLetterBrakeSettings {
    /// Whether there is one; default true where anything is said of it, else false.
    pub enabled: Option<bool>,
    /// The largest share of dead letters that is let pass, from 0 to less than 1; default a half. The configuration and the
    /// attribute also take `"50%"`.
    pub share: Option<f64>,
    /// Of the records of the last so long; at least 1 s, default 1 minute.
    pub within: Option<Duration>,
    /// Of fewer records than this no share is told; at least 1, default 20.
    pub at_least: Option<u32>,
}

impl DeadLetterBrakeSettings {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let read = Self {
            enabled: section.get("enabled"),
            share: section.get("share").map(|Share(share)| share),
            within: section.get("within"),
            at_least: section.get("at-least"),
        };
        section.finish(&[("rate", "say share"), ("window", "say within"), ("minimum", "say at-least")]);
        read
    }
}

/// `50%` or `0.5`.
struct Share(f64);

impl FromText for Share {
    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim_end(), 100.0));
        let expected = || "expected a share such as \"50%\" or 0.5".to_owned();
        let share: f64 = number.parse().map_err(|_| expected())?;
        if share.is_finite() { Ok(Self(share / scale)) } else { Err(expected()) }
    }
}

/// A listener's brake, decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DeadLetterBrake {
    /// From 0 to less than 1.
    pub(crate) share: f64,
    /// At least 1 s.
    pub(crate) within: Duration,
    /// At least 1.
    pub(crate) at_least: u32,
}
