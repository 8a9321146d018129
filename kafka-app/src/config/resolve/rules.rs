//! Contradictions between what was said of a listener.

use super::{Place, Resolver};
use crate::config::{AckMode, DeadLetter, Delivery, ResolvedListener, Subscription};

impl Resolver<'_> {
    pub(super) fn check_ack(&self, resolved: &ResolvedListener) {
        if resolved.delivery == Delivery::ExactlyOnce {
            return; // It has rules of its own.
        }
        let mode = self.said(|s| s.ack_mode);
        let place = mode.map_or(Place::Default, |(place, _)| place);
        let is_manual = matches!(resolved.ack_mode, AckMode::Manual | AckMode::ManualImmediate);
        if is_manual && !self.declared.takes_ack {
            self.mistake(place, "ack-mode", "manual acknowledgment needs a handler that takes an `Ack`");
        }
        if !is_manual && self.declared.takes_ack {
            self.mistake_of_listener("takes an `Ack`: its ack-mode must be \"manual\" or \"manual-immediate\"");
        }
        let by_time = matches!(resolved.ack_mode, AckMode::Time | AckMode::CountTime | AckMode::Manual);
        let by_count = matches!(resolved.ack_mode, AckMode::Count | AckMode::CountTime);
        let unused = [
            ("ack-time", by_time, self.said(|s| s.ack_time.map(|_| ())), "\"time\", \"count-time\" or \"manual\""),
            ("ack-count", by_count, self.said(|s| s.ack_count.map(|_| ())), "\"count\" or \"count-time\""),
        ];
        for (key, is_used, said, modes) in unused {
            if let Some((said, ())) = said.filter(|(said, ())| !is_used && *said > Place::Default && *said >= place) {
                self.mistake(said, key, format!("needs ack-mode {modes}"));
            }
        }
    }

    /// What contradicts at-most-once, unless at-most-once itself was said later and so overrides it.
    pub(super) fn check_at_most_once(&self, resolved: &ResolvedListener) {
        if resolved.delivery != Delivery::AtMostOnce {
            return;
        }
        let since = self.said(|s| s.delivery).map_or(Place::Default, |(place, _)| place).max(Place::Declaration);
        let mode = self.said(|s| s.ack_mode);
        if let Some((place, mode)) = mode {
            let is_manual = matches!(mode, AckMode::Manual | AckMode::ManualImmediate);
            if is_manual || place >= since {
                self.mistake(place, "ack-mode", "at-most-once commits before the handler sees a record: leave it out");
            }
        }
        if let Some((place, attempts)) = self.said(|s| s.retry.attempts)
            && attempts > 1
            && place >= since
        {
            self.mistake(place, "retry.attempts", "at-most-once never delivers a record again: leave it out");
        }
        if let Some((place, dead_letter)) = self.said(|s| s.dead_letter.clone())
            && dead_letter != DeadLetter::Off
            && place >= since
        {
            self.mistake(place, "dead-letter", "at-most-once reports failures and goes on: leave it out, or \"off\"");
        }
    }

    /// What is returned has a place to go to, and what goes to a place is returned.
    pub(super) fn check_returned(&self, resolved: &ResolvedListener) {
        self.check_reply(resolved);
        if let Some((place, ())) = self.said(|s| s.send_to.as_ref().map(|_| ()))
            && self.declared.returns_nothing
        {
            self.mistake(place, "send-to", "the handler returns nothing: there is nothing to send");
        }
        if let Some(name) = self.declared.returns
            && resolved.send_to.is_none()
            && !resolved.reply
        {
            self.mistake_of_listener(format!(
                "returns `{name}`, and nothing says where it goes: say send-to or reply, or return an `Outgoing` that names \
                 its topic"
            ));
        }
    }

    /// A reply has one place to go to, and something to say.
    fn check_reply(&self, resolved: &ResolvedListener) {
        let Some((place, true)) = self.said(|s| s.reply) else { return };
        if resolved.send_to.is_some() {
            self.mistake(place, "reply", "says send-to too: what is returned goes to one of them");
        }
        if self.declared.returns_nothing {
            self.mistake(place, "reply", "the handler returns nothing: there is nothing to answer with");
        }
    }

    pub(super) fn check_dead_letter_loop(&self, resolved: &ResolvedListener) {
        let place = self.said(|s| s.dead_letter.as_ref().map(|_| ())).map_or(Place::Declaration, |(place, ())| place);
        if let (DeadLetter::Suffix(_), Subscription::Pattern(_)) = (&resolved.dead_letter, &resolved.subscription) {
            let text = "a suffix needs topics by name: a pattern could take its dead letters in";
            self.mistake(place, "dead-letter", text);
        }
        let DeadLetter::Topic(topic) = &resolved.dead_letter else { return };
        if matches!(&resolved.subscription, Subscription::Topics(topics) if topics.contains(topic)) {
            self.mistake(
                place,
                "dead-letter",
                format!("the listener reads `{topic}` itself: its dead letters would go in a circle"),
            );
        }
    }
}
