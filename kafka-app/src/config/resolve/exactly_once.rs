//! Transactions of a listener: their limits, and what cannot be with them.

use std::{collections::BTreeMap, iter, time::Duration};

use super::{Place, Resolver};
use crate::config::{
    Delivery, KafkaProperties, ResolvedListener, TransactionLimits,
    client_map::{Client, said_for_client, said_for_listener},
    client_rules::last,
    mistake::Mistakes,
    transactional::{listener_part, obstacle, transaction_timeout},
};

/// What a commit may take, behind the last handler of its transaction.
const COMMIT: Duration = Duration::from_secs(5);

impl Resolver<'_> {
    pub(super) fn transaction(&self, delivery: Delivery) -> TransactionLimits {
        let default = TransactionLimits::default();
        if delivery != Delivery::ExactlyOnce {
            self.check_no_transaction();
            return default;
        }
        TransactionLimits {
            max_records: self.positive("transaction.max-records", |s| s.transaction_max_records, default.max_records),
            max_wait: self.said(|s| s.transaction_max_wait).map_or(default.max_wait, |(_, wait)| wait),
            timeout: transaction_timeout(&said_for_client(self.properties, Client::Producer)),
        }
    }

    fn check_no_transaction(&self) {
        let said = [
            ("transaction.max-records", self.said(|s| s.transaction_max_records.map(|_| ()))),
            ("transaction.max-wait", self.said(|s| s.transaction_max_wait.map(|_| ()))),
        ];
        for (key, place) in said {
            if let Some((place, ())) = place.filter(|(place, ())| *place > Place::Default) {
                self.mistake(place, key, "needs delivery \"exactly-once\"");
            }
        }
    }

    /// What contradicts exactly-once, unless exactly-once itself was said later and so overrides it.
    pub(super) fn check_exactly_once(&self, resolved: &ResolvedListener) {
        if resolved.delivery != Delivery::ExactlyOnce {
            return;
        }
        if self.declared.takes_ack {
            self.mistake_of_listener("takes an `Ack`: exactly-once commits in transactions, take the argument out");
        }
        let since = self.said(|s| s.delivery).map_or(Place::Default, |(place, _)| place).max(Place::Declaration);
        let said = [
            ("ack-mode", self.said(|s| s.ack_mode.map(|_| ()))),
            ("ack-time", self.said(|s| s.ack_time.map(|_| ()))),
            ("ack-count", self.said(|s| s.ack_count.map(|_| ()))),
        ];
        for (key, place) in said {
            if let Some((place, ())) = place.filter(|(place, ())| *place >= since) {
                self.mistake(place, key, "exactly-once commits in transactions: leave it out");
            }
        }
        self.check_isolation(resolved);
        self.check_producer();
        self.check_times(resolved);
    }

    fn check_isolation(&self, resolved: &ResolvedListener) {
        let said = said_for_listener(self.properties, resolved);
        if let Some(level) = last(&said, "isolation.level")
            && level.value.trim() != "read_committed"
        {
            let (source, path) = self.property_place(&level.path);
            let text = format!("listener `{}` delivers exactly once and needs read_committed", resolved.id);
            self.mistakes.add(source, path, text);
        }
    }

    fn check_producer(&self) {
        if let Some((said, text)) = obstacle(&said_for_client(self.properties, Client::Producer)) {
            let text = format!("listener `{}` delivers exactly once: {text}", self.declared.id);
            self.mistakes.add(self.properties.origin(&said.path), &said.path, text);
        }
    }

    /// A transaction must outlive the handlers in it.
    fn check_times(&self, resolved: &ResolvedListener) {
        let TransactionLimits { max_wait, timeout, .. } = resolved.transaction;
        let place = |place: Option<(Place, ())>| place.map_or(Place::Declaration, |(place, ())| place);
        if max_wait > timeout / 3 {
            let text = format!("must be at most a third of \"transaction.timeout.ms\" ({timeout:?})");
            self.mistake(place(self.said(|s| s.transaction_max_wait.map(|_| ()))), "transaction.max-wait", text);
        }
        if let Some(limit) = resolved.timeout
            && limit.saturating_add(max_wait).saturating_add(COMMIT) > timeout
        {
            let text = format!(
                "exactly-once needs \"transaction.timeout.ms\" ({timeout:?}) of the producer to be 5 s and \
                 transaction.max-wait longer than this"
            );
            self.mistake(place(self.said(|s| s.timeout.map(|_| ()))), "timeout", text);
        }
    }
}

/// Producers of one `transactional.id` fence each other for ever; names that are told apart by a dash may be one with it:
/// group `a-b` with listener `c`, and group `a` with listener `b-c`.
pub(super) fn check_ids(
    properties: &KafkaProperties,
    listeners: &[(&ResolvedListener, Option<&str>)],
    mistakes: &Mistakes,
) {
    let mut seen: BTreeMap<(Option<&str>, String), &str> = BTreeMap::new();
    for (listener, location) in listeners.iter().filter(|(one, _)| one.delivery == Delivery::ExactlyOnce) {
        let properties = properties.of_cluster(listener.cluster.as_deref());
        let stages = listener.stages();
        for one in iter::once(*listener).chain(&stages) {
            let id = listener_part(properties, one);
            let Some(other) = seen.insert((listener.cluster.as_deref(), id.clone()), &listener.id) else { continue };
            // Two of one id, which is told already.
            if other != listener.id {
                let text = format!(
                    "its \"transactional.id\" would begin with `{id}` (its group and its id), as that of listener `{other}`, \
                     and each would fence the other: give one of them another id or group"
                );
                mistakes.add(location.unwrap_or("code"), format!("listener `{}`", listener.id), text);
                break;
            }
        }
    }
}
