//! What the ways between clients and the broker are like. No sockets, no clock.

use std::collections::HashMap;
use std::time::Duration;

use super::random::Random;

/// What is wrong with a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A message takes this much longer, and by chance up to `jitter` more or less.
    Latency { time: Duration, jitter: Duration },
    /// So many bytes get through in a second.
    Bandwidth(u64),
    /// Messages come in pieces of so many bytes, with a pause behind each.
    Slices { len: usize, pause: Duration },
    /// So many bytes get through on a connection, which then ends.
    ByteLimit(u64),
    /// Nothing gets through, and neither side is told.
    HalfOpen,
    /// Nothing gets through, and after this time the connection ends.
    BlackHole(Duration),
    /// The connection ends with a reset.
    Reset,
    /// Connections end, and new ones are not taken.
    Down,
    /// A connection that has ended is kept open for this time.
    SlowClose(Duration),
    /// Connections are not taken before this is over.
    PausedAccept,
    /// No more connections than these are taken.
    MaxConnections(usize),
    /// TLS handshakes fail.
    FailedHandshake,
}

impl Trouble {
    /// Whether it happens to connections as they come or end, and not to messages.
    fn is_of_connections(self) -> bool {
        matches!(self, Self::SlowClose(_) | Self::PausedAccept | Self::MaxConnections(_) | Self::FailedHandshake)
    }
}

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToBroker,
    ToClient,
}

/// Trouble of one client, or of all.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) client_id: Option<String>,
    /// Both, if there is none.
    pub(super) way: Option<Way>,
    pub(super) probability: f64,
    pub(super) trouble: Trouble,
}

/// A trouble, as long as it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LinkId(u64);

/// All trouble there is.
#[derive(Debug)]
pub(super) struct Links {
    seed: u64,
    added: u64,
    set: Vec<SetLink>,
}

#[derive(Debug)]
struct SetLink {
    id: LinkId,
    link: Link,
    random: Random,
    happened: u32,
}

/// How many bytes of one connection each limit has counted.
#[derive(Debug, Default)]
pub(crate) struct Meters(HashMap<LinkId, u64>);

/// A message on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) way: Way,
    pub(crate) len: usize,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It does not, and nothing gets through any more.
    Hangs,
    /// After this time, in which nothing gets through.
    Closes(Duration),
    Resets,
}

/// What all trouble together does to one message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Passage {
    /// How much longer it takes.
    pub(crate) time: Duration,
    /// It does not arrive, and the connection ends like this.
    pub(crate) end: Option<End>,
    /// It comes in pieces of at most so many bytes, with a pause behind each.
    pub(crate) slices: Option<(usize, Duration)>,
    /// Only so many bytes of it arrive; then the connection ends.
    pub(crate) cut: Option<usize>,
}

/// What becomes of a connection that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    Taken,
    /// It is taken, but no TLS handshake succeeds on it.
    HandshakeFails,
    /// It is closed at once.
    Refused,
    /// It has to wait until some trouble is over.
    Waits,
}

impl Links {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, added: 0, set: Vec::new() }
    }

    pub(super) fn add(&mut self, link: Link) -> LinkId {
        let id = LinkId(self.added);
        self.added += 1;
        self.set.push(SetLink { id, link, random: Random::of_link(self.seed, id.0), happened: 0 });
        id
    }

    pub(super) fn remove(&mut self, id: LinkId) {
        self.set.retain(|set| set.id != id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    pub(super) fn times_happened(&self, id: LinkId) -> u32 {
        self.set.iter().find(|set| set.id == id).map_or(0, |set| set.happened)
    }

    /// What becomes of a message. Times add up, and the narrowest place bounds what gets through.
    pub(super) fn pass(&mut self, message: Message<'_>, meters: &mut Meters) -> Passage {
        let mut passage = Passage::default();
        let mut narrowest = None;
        for set in self.set.iter_mut().filter(|set| set.link.is_for(message)) {
            if !set.link.trouble.is_of_connections() && set.happens() {
                set.apply(message, meters, &mut passage, &mut narrowest);
            }
        }
        let on_the_way = narrowest.map_or(Duration::ZERO, |bandwidth| time_for(message.len, bandwidth));
        Passage { time: passage.time.saturating_add(on_the_way), ..passage }
    }

    /// What becomes of a connection that comes, where with it so many are open.
    pub(super) fn arrive(&mut self, open: usize) -> Arrival {
        let mut arrival = Arrival::Taken;
        for set in &mut self.set {
            let becomes = match set.link.trouble {
                Trouble::PausedAccept => Arrival::Waits,
                Trouble::Down if set.link.client_id.is_none() => Arrival::Refused,
                Trouble::MaxConnections(max) if open > max => Arrival::Refused,
                Trouble::FailedHandshake => Arrival::HandshakeFails,
                _ => continue,
            };
            if arrival == Arrival::Taken && set.happens() {
                arrival = becomes;
            }
        }
        arrival
    }

    /// How long a connection of this client is kept open after its end.
    pub(super) fn close(&mut self, client_id: &str) -> Duration {
        let message = Message { client_id, way: Way::ToClient, len: 0 };
        let own = self.set.iter_mut().filter(|set| set.link.is_for(message));
        let slow = own.filter_map(|set| match set.link.trouble {
            Trouble::SlowClose(time) => set.happens().then_some(time),
            _ => None,
        });
        slow.max().unwrap_or_default()
    }
}

impl Link {
    fn is_for(&self, message: Message<'_>) -> bool {
        self.client_id.as_deref().is_none_or(|id| id == message.client_id)
            && self.way.is_none_or(|way| way == message.way)
    }
}

impl SetLink {
    fn happens(&mut self) -> bool {
        let happens = self.random.happens(self.link.probability);
        self.happened = self.happened.saturating_add(u32::from(happens));
        happens
    }

    fn apply(&mut self, message: Message<'_>, meters: &mut Meters, passage: &mut Passage, narrowest: &mut Option<u64>) {
        match self.link.trouble {
            Trouble::Latency { time, jitter } => {
                // What is said of both ways together is shared by them.
                let share = if self.link.way.is_none() { 2 } else { 1 };
                let time = self.random.around(time / share, jitter / share);
                passage.time = passage.time.saturating_add(time);
            }
            Trouble::Bandwidth(bytes) => *narrowest = Some(narrowest.map_or(bytes, |known| known.min(bytes))),
            Trouble::Slices { len, pause } => passage.slices = Some((len.max(1), pause)),
            Trouble::ByteLimit(limit) => {
                let passed = meters.0.entry(self.id).or_default();
                let left = usize::try_from(limit.saturating_sub(*passed)).unwrap_or(usize::MAX);
                *passed = passed.saturating_add(message.len as u64);
                if message.len > left {
                    passage.cut = Some(passage.cut.map_or(left, |cut| cut.min(left)));
                }
            }
            Trouble::HalfOpen => passage.end = Some(End::Hangs),
            Trouble::BlackHole(time) => passage.end = Some(End::Closes(time)),
            Trouble::Reset => passage.end = Some(End::Resets),
            Trouble::Down => passage.end = Some(End::Closes(Duration::ZERO)),
            // Of connections, and not of messages.
            Trouble::SlowClose(_) | Trouble::PausedAccept | Trouble::MaxConnections(_) | Trouble::FailedHandshake => {}
        }
    }
}

/// How long so many bytes take where so many get through in a second.
fn time_for(len: usize, bandwidth: u64) -> Duration {
    let nanos = (len as u128 * 1_000_000_000) / u128::from(bandwidth.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(trouble: Trouble) -> Link {
        Link { client_id: None, way: None, probability: 1.0, trouble }
    }

    fn of(client_id: &str, trouble: Trouble) -> Link {
        Link { client_id: Some(client_id.to_owned()), ..link(trouble) }
    }

    fn pass(links: &mut Links, client_id: &str, way: Way, len: usize) -> Passage {
        links.pass(Message { client_id, way, len }, &mut Meters::default())
    }

    fn latency(time: Duration) -> Trouble {
        Trouble::Latency { time, jitter: Duration::ZERO }
    }

    #[test]
    fn trouble_is_of_one_client_or_of_all() {
        let mut links = Links::new(0);
        let second = Duration::from_secs(1);
        let all = links.add(link(latency(2 * second)));
        links.add(of("a", latency(2 * second)));
        links.add(of("b", Trouble::HalfOpen));
        assert_eq!(pass(&mut links, "a", Way::ToBroker, 100).time, 2 * second);
        assert_eq!(pass(&mut links, "c", Way::ToClient, 100).time, second);
        assert_eq!(pass(&mut links, "b", Way::ToClient, 100).end, Some(End::Hangs));
        assert_eq!(links.times_happened(all), 3);
        links.remove(all);
        assert_eq!(pass(&mut links, "a", Way::ToBroker, 100).time, second);
        assert_eq!(pass(&mut links, "c", Way::ToBroker, 100), Passage::default());
    }

    #[test]
    fn trouble_is_of_one_way_or_of_both_that_share_it() {
        let mut links = Links::new(0);
        links.add(Link { way: Some(Way::ToClient), ..link(latency(Duration::from_secs(1))) });
        assert_eq!(pass(&mut links, "", Way::ToBroker, 1), Passage::default());
        assert_eq!(pass(&mut links, "", Way::ToClient, 1).time, Duration::from_secs(1));
    }

    #[test]
    fn the_narrowest_place_counts() {
        let mut links = Links::new(0);
        links.add(link(Trouble::Bandwidth(1_000_000)));
        links.add(link(Trouble::Bandwidth(1_000)));
        links.add(link(latency(Duration::from_millis(10))));
        assert_eq!(pass(&mut links, "", Way::ToBroker, 10).time, Duration::from_millis(15));
        links.add(link(Trouble::Bandwidth(0)));
        assert!(pass(&mut links, "", Way::ToBroker, usize::MAX).time > Duration::from_secs(3600), "as good as nothing");
    }

    #[test]
    fn a_limit_counts_each_connection_by_itself() {
        let mut links = Links::new(0);
        links.add(link(Trouble::ByteLimit(100)));
        let (mut one, mut other) = (Meters::default(), Meters::default());
        let message = |len| Message { client_id: "", way: Way::ToClient, len };
        assert_eq!(links.pass(message(60), &mut one).cut, None);
        assert_eq!(links.pass(message(60), &mut one).cut, Some(40));
        assert_eq!(links.pass(message(60), &mut one).cut, Some(0));
        assert_eq!(links.pass(message(100), &mut other).cut, None);
    }

    #[test]
    fn jitter_is_by_chance_and_the_same_from_the_same_seed() {
        let times = |seed| {
            let mut links = Links::new(seed);
            let trouble = Trouble::Latency { time: Duration::from_millis(100), jitter: Duration::from_millis(20) };
            links.add(Link { way: Some(Way::ToClient), ..link(trouble) });
            (0..50).map(|_| pass(&mut links, "", Way::ToClient, 1).time).collect::<Vec<_>>()
        };
        assert_eq!(times(1), times(1));
        assert_ne!(times(1), times(2));
        let all = times(3);
        assert!(all.iter().all(|time| (80..=120).contains(&time.as_millis())), "{all:?}");
        assert!(all.iter().any(|time| time.as_millis() < 100) && all.iter().any(|time| time.as_millis() > 100));
    }

    #[test]
    fn connections_are_taken_unless_something_is_in_their_way() {
        let mut links = Links::new(0);
        assert_eq!(links.arrive(1), Arrival::Taken);
        links.add(of("a", Trouble::Down));
        let full = links.add(link(Trouble::MaxConnections(1)));
        assert_eq!((links.arrive(1), links.arrive(2)), (Arrival::Taken, Arrival::Refused));
        links.remove(full);
        let paused = links.add(link(Trouble::PausedAccept));
        assert_eq!(links.arrive(2), Arrival::Waits);
        pass(&mut links, "b", Way::ToBroker, 1);
        assert_eq!(links.times_happened(paused), 1, "messages are none of its business");
        links.add(of("a", Trouble::SlowClose(Duration::from_secs(1))));
        assert_eq!((links.close("a"), links.close("b")), (Duration::from_secs(1), Duration::ZERO));
    }
}
