//! What the way between a client and the broker is like. No sockets, no clock.

use std::time::Duration;

/// What is wrong with a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A request and its answer take this much longer, together.
    Latency(Duration),
    /// So many bytes get through in a second.
    Bandwidth(u64),
    /// Nothing gets through, and neither side is told.
    HalfOpen,
}

/// Trouble of one client, or of all.
#[derive(Debug)]
struct Link {
    id: LinkId,
    client_id: Option<String>,
    trouble: Trouble,
}

/// A trouble, as long as it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LinkId(u64);

/// All trouble there is.
#[derive(Debug, Default)]
pub(super) struct Links {
    added: u64,
    links: Vec<Link>,
}

/// What all trouble of one client together comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) is_half_open: bool,
    latency: Duration,
    bandwidth: Option<u64>,
}

impl Links {
    pub(super) fn add(&mut self, client_id: Option<String>, trouble: Trouble) -> LinkId {
        let id = LinkId(self.added);
        self.added += 1;
        self.links.push(Link { id, client_id, trouble });
        id
    }

    pub(super) fn remove(&mut self, id: LinkId) {
        self.links.retain(|link| link.id != id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Latencies add up, and the narrowest place bounds what gets through.
    pub(super) fn condition(&self, client_id: &str) -> Condition {
        let own = self.links.iter().filter(|link| link.client_id.as_deref().is_none_or(|id| id == client_id));
        own.fold(Condition::default(), |condition, link| match link.trouble {
            Trouble::Latency(latency) => Condition { latency: condition.latency.saturating_add(latency), ..condition },
            Trouble::Bandwidth(bytes) => {
                Condition { bandwidth: Some(condition.bandwidth.map_or(bytes, |known| known.min(bytes))), ..condition }
            }
            Trouble::HalfOpen => Condition { is_half_open: true, ..condition },
        })
    }
}

impl Condition {
    /// How much longer so many bytes, of a request and its answer, take.
    pub(crate) fn time_for(&self, bytes: usize) -> Duration {
        let Some(bandwidth) = self.bandwidth else { return self.latency };
        let nanos = (bytes as u128 * 1_000_000_000) / u128::from(bandwidth.max(1));
        self.latency.saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_of_one_client_or_of_all() {
        let mut links = Links::default();
        let second = Duration::from_secs(1);
        let all = links.add(None, Trouble::Latency(second));
        links.add(Some("a".to_owned()), Trouble::Latency(second));
        links.add(Some("b".to_owned()), Trouble::HalfOpen);
        assert_eq!(links.condition("a").time_for(100), 2 * second);
        assert_eq!(links.condition("c").time_for(100), second);
        assert!(links.condition("b").is_half_open && !links.condition("a").is_half_open);
        links.remove(all);
        assert_eq!(links.condition("a").time_for(100), second);
        assert_eq!(links.condition("c"), Condition::default());
    }

    #[test]
    fn the_narrowest_place_counts() {
        let mut links = Links::default();
        links.add(None, Trouble::Bandwidth(1_000_000));
        links.add(None, Trouble::Bandwidth(1_000));
        links.add(None, Trouble::Latency(Duration::from_millis(5)));
        assert_eq!(links.condition("").time_for(10), Duration::from_millis(15));
        links.add(None, Trouble::Bandwidth(0));
        assert!(links.condition("").time_for(usize::MAX) > Duration::from_secs(3600), "as good as nothing");
    }
}
