//! Whether a listener is stopped for its dead letters.

use std::time::Duration;

use super::{Place, Resolver};
use crate::config::{DeadLetterBrake, DeadLetterBrakeSettings, ListenerSettings};

/// As often as the window is looked at: a shorter one would see nothing.
const LEAST: Duration = Duration::from_secs(1);

impl Resolver<'_> {
    pub(super) fn dead_letter_brake(&self) -> Option<DeadLetterBrake> {
        let says = |s: &ListenerSettings| (s.dead_letter_brake != DeadLetterBrakeSettings::default()).then_some(());
        let (place, ()) = self.said(says)?;
        if self.said(|s| s.dead_letter_brake.enabled).is_some_and(|(_, enabled)| !enabled) {
            return None;
        }
        if self.is_at_most_once() {
            if place > Place::Default {
                self.mistake(place, "dead-letter-brake", "at-most-once makes no dead letters: leave it out");
            }
            return None;
        }
        let share = self.said(|s| s.dead_letter_brake.share);
        if let Some((place, share)) = share
            && !(0.0..1.0).contains(&share)
        {
            self.mistake(place, "dead-letter-brake.share", "must be from 0% to less than 100%");
        }
        let within = self.said(|s| s.dead_letter_brake.within);
        if let Some((place, within)) = within
            && within < LEAST
        {
            self.mistake(place, "dead-letter-brake.within", "must be at least 1s");
        }
        Some(DeadLetterBrake {
            share: share.map_or(0.5, |(_, share)| share),
            within: within.map_or(Duration::from_secs(60), |(_, within)| within),
            at_least: self.positive("dead-letter-brake.at-least", |s| s.dead_letter_brake.at_least, 20),
        })
    }
}
