//! Partitions that a listener takes by itself: what goes with that, and what does not.

use super::{Place, Resolver};
use crate::config::{
    ByHand, Delivery, ListenerSettings, ResolvedListener, StartFrom, client_map::shared_client_id, mistake::Mistakes,
};

impl Resolver<'_> {
    pub(super) fn by_hand(&self) -> Option<ByHand> {
        let from = self.said(|s| s.from);
        let Some((_, partitions)) = self.said(|s| s.partitions.clone()) else {
            if let Some((place, _)) = from {
                self.mistake(
                    place,
                    "from",
                    "is for partitions that a listener takes by itself: say which, as partitions",
                );
            }
            return None;
        };
        let commits = self.own_group().is_some();
        if let (Some((place, StartFrom::Committed)), false) = (from, commits) {
            self.mistake(place, "from", "committed needs a group: say which, as group-id of the listener");
        }
        if let Some((place, StartFrom::At(spec))) = from
            && let Err(error) = spec.check()
        {
            self.mistake(place, "from", error.to_string());
        }
        Some(ByHand { partitions, from: from.map_or(StartFrom::Committed, |(_, from)| from), commits })
    }

    /// The group that was said for this very listener: that of all others is shared by subscription.
    pub(super) fn own_group(&self) -> Option<String> {
        self.said(|s| s.group_id.clone()).map(|(_, group_id)| group_id)
    }

    /// Of a listener that takes partitions by itself and commits nothing: brokers want a name all the same.
    pub(super) fn group_of_nobody(&self) -> String {
        format!("{}-{}", shared_client_id(self.properties), self.declared.id)
    }

    pub(super) fn check_by_hand(&self, resolved: &ResolvedListener) {
        let Some(by_hand) = &resolved.by_hand else { return };
        let alone = "partitions that it takes by itself are shared with nobody";
        self.refuse_by_hand("topic-pattern", |s| s.topic_pattern.is_some(), "partitions need topics by name");
        self.refuse_by_hand("group-instance-id", |s| s.group_instance_id.is_some(), &format!("{alone}: leave it out"));
        if resolved.delivery == Delivery::ExactlyOnce {
            let text = "exactly-once needs a group that fences who has lost a partition: leave partitions out";
            self.mistake(self.place_of(|s| s.delivery.is_some()), "delivery", text);
        }
        if resolved.retry_topics.is_some() && resolved.stage.is_none() {
            let text = format!("{alone}, but retry topics are: retry in place (`retry`)");
            self.mistake(self.place_of(|s| s.retry_topics.enabled.is_some()), "retry-topics", text);
        }
        if by_hand.commits {
            return;
        }
        let text = "nothing is committed without a group: say one, as group-id of the listener, or leave this out";
        if resolved.delivery == Delivery::AtMostOnce {
            self.mistake(self.place_of(|s| s.delivery.is_some()), "delivery", text);
        }
        self.refuse_by_hand("ack-time", |s| s.ack_time.is_some(), text);
        self.refuse_by_hand("ack-count", |s| s.ack_count.is_some(), text);
        if !self.declared.takes_ack {
            self.refuse_by_hand("ack-mode", |s| s.ack_mode.is_some(), text);
        }
    }

    fn place_of(&self, is_said: impl Fn(&ListenerSettings) -> bool) -> Place {
        self.said(|s| is_said(s).then_some(())).map_or(Place::Declaration, |(place, ())| place)
    }

    /// What was said of this listener does not go with partitions that it takes by itself.
    fn refuse_by_hand(&self, key: &str, is_said: impl Fn(&ListenerSettings) -> bool, text: &str) {
        if let Some((place, ())) = self.said(|s| is_said(s).then_some(())).filter(|(place, ())| *place > Place::Default)
        {
            self.mistake(place, key, text);
        }
    }
}

/// A broker takes no commits from outside of a group that has members.
pub(super) fn check_groups(listeners: &[(&ResolvedListener, Option<&str>)], mistakes: &Mistakes) {
    let commits = |listener: &ResolvedListener| listener.by_hand.as_ref().is_some_and(|by_hand| by_hand.commits);
    for (listener, location) in listeners.iter().filter(|(listener, _)| commits(listener)) {
        let is_member = |(other, _): &&(&ResolvedListener, Option<&str>)| {
            other.by_hand.is_none() && other.cluster == listener.cluster && other.group_id == listener.group_id
        };
        if let Some((member, _)) = listeners.iter().find(is_member) {
            let text = format!(
                "takes its partitions by itself and commits under the group `{}`, of which `{}` is a member: brokers take no \
                 such commits while a group has members; give it a group of its own",
                listener.group_id, member.id
            );
            mistakes.add(location.unwrap_or("code"), format!("listener `{}`", listener.id), text);
        }
    }
}
