//! How a listener comes back: restarts, and the name its consumers keep.

use std::collections::BTreeMap;

use super::{Place, Resolver};
use crate::config::{
    ResolvedListener, Restart,
    mistake::{Mistakes, did_you_mean},
};

impl Resolver<'_> {
    pub(super) fn restart(&self) -> Restart {
        let default = Restart::default();
        let (attempts, backoff) = (self.said(|s| s.restart.attempts), self.said(|s| s.restart.backoff));
        let (multiplier, max_backoff) = (self.said(|s| s.restart.multiplier), self.said(|s| s.restart.max_backoff));
        let reset_after = self.said(|s| s.restart.reset_after);
        if let Some((place, factor)) = multiplier
            && !(factor.is_finite() && factor >= 1.0)
        {
            self.mistake(place, "restart.multiplier", "must be at least 1");
        }
        let first = backoff.map_or(default.backoff, |(_, backoff)| backoff);
        if let Some((place, most)) = max_backoff
            && most < first
        {
            self.mistake(place, "restart.max-backoff", "is less than restart.backoff (default 1s)");
        }
        let shaping = [
            ("restart.backoff", backoff.map(|(place, _)| place)),
            ("restart.multiplier", multiplier.map(|(place, _)| place)),
            ("restart.max-backoff", max_backoff.map(|(place, _)| place)),
            ("restart.reset-after", reset_after.map(|(place, _)| place)),
        ];
        for (key, place) in shaping.into_iter().filter(|_| attempts.is_none()) {
            if let Some(place) = place.filter(|place| *place > Place::Default) {
                self.mistake(place, key, "has no effect without restart.attempts");
            }
        }
        Restart {
            attempts: attempts.map_or(default.attempts, |(_, attempts)| attempts),
            backoff: first,
            multiplier: multiplier.map_or(default.multiplier, |(_, factor)| factor),
            max_backoff: max_backoff.map_or(default.max_backoff.max(first), |(_, most)| most),
            reset_after: reset_after.map_or(default.reset_after, |(_, reset_after)| reset_after),
        }
    }

    pub(super) fn group_instance_id(&self) -> Option<String> {
        let (place, id) = self.said(|s| s.group_instance_id.clone())?;
        if id.trim().is_empty() {
            self.mistake(place, "group-instance-id", "is empty; leave it out for a dynamic member");
        }
        Some(id)
    }

    pub(super) fn check_group_instance_id(&self, resolved: &ResolvedListener) {
        if resolved.group_instance_id.is_some() && resolved.properties.contains_key("group.instance.id") {
            let place = self.said(|s| s.group_instance_id.as_ref().map(|_| ())).map_or(Place::Default, |(at, ())| at);
            self.mistake(
                place,
                "group-instance-id",
                "the property \"group.instance.id\" is said too; keep one of them",
            );
        }
    }

    /// What is retried later would be left behind.
    pub(super) fn check_until_end(&self, resolved: &ResolvedListener) {
        if let Some((place, true)) = self.said(|s| s.until_end)
            && resolved.retry_topics.as_ref().is_some_and(|_| resolved.stage.is_none())
        {
            let text = "retry topics are read after the end: retry in place (`retry`), or leave one of them out";
            self.mistake(place, "until-end", text);
        }
    }
}

/// Whoever starts after another one needs one that starts.
pub(super) fn check_sequence(listeners: &[(&ResolvedListener, Option<&str>)], mistakes: &Mistakes) {
    let by_id: BTreeMap<&str, &ResolvedListener> = listeners.iter().map(|(one, _)| (one.id.as_str(), *one)).collect();
    let after = |id: &str| by_id.get(id).and_then(|listener| listener.start_after.as_deref());
    for (listener, location) in listeners {
        let Some(first) = listener.start_after.as_deref() else { continue };
        let text = if !by_id.contains_key(first) {
            let hint = did_you_mean(first, by_id.keys().copied());
            format!("starts after `{first}`, and no listener has this id{hint}")
        } else if let Some(circle) = circle(&listener.id, after) {
            format!("waits for itself: {circle}")
        } else if !listener.auto_startup {
            format!("starts after `{first}` and not with the application: leave out start-after or auto-startup")
        } else {
            continue;
        };
        mistakes.add(location.unwrap_or("code"), format!("listener `{}`", listener.id), text);
    }
}

/// The way from a listener to itself, over those that each starts after.
fn circle<'l>(start: &'l str, after: impl Fn(&str) -> Option<&'l str>) -> Option<String> {
    let mut way = vec![start];
    while let Some(next) = after(way.last()?) {
        if next == start {
            return Some(
                way.into_iter().chain([start]).map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" after "),
            );
        }
        if way.contains(&next) {
            return None; // That circle is told of those in it.
        }
        way.push(next);
    }
    None
}

/// Two members of one name fence each other for ever.
pub(super) fn check_instances(listeners: &[(&ResolvedListener, Option<&str>)], mistakes: &Mistakes) {
    let mut seen: BTreeMap<(Option<&str>, &str, String), &str> = BTreeMap::new();
    for (listener, location) in listeners {
        for name in listener.instance_ids() {
            let Some(other) =
                seen.insert((listener.cluster.as_deref(), &listener.group_id, name.clone()), &listener.id)
            else {
                continue;
            };
            let text = format!(
                "its group-instance-id `{name}` is that of `{other}` in the same group `{}`: give each its own",
                listener.group_id
            );
            mistakes.add(location.unwrap_or("code"), format!("listener `{}`", listener.id), text);
        }
    }
}
