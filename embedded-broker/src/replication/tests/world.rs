//! A partition and its nodes, with what has to be true of them at any time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::*;
use crate::clock::Timestamp;

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A record comes to the leader, if there is one that serves.
    Append,
    /// A node is gone, and everybody knows.
    Crash(i32),
    /// A node is gone, and nobody has noticed.
    CrashUnnoticed(i32),
    /// Everybody knows of a node that is gone.
    Notice(i32),
    /// A node stops in order: first it is not counted on any more.
    BeginStop(i32),
    /// A node that was to stop is gone.
    Stop(i32),
    /// A node is back, and everything it had.
    Return(i32),
    Isolate(i32, i32),
    Heal,
    /// A node lags from now on, or does not any more.
    Lag(i32, Duration),
    Pass(Duration),
    Elect(Election),
    /// It is to move to these nodes.
    Move(&'static [i32]),
    /// It is to stay where it was.
    Cancel,
    Hold,
    Release,
}

/// The nodes of the world.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct World {
    pub(super) replicas: Option<Replicas>,
    nodes: Machines,
    min_in_sync: usize,
    elects_unclean: bool,
    tracks_eligible: bool,
    now: Timestamp,
    /// The records of the log, each by a number of its own.
    log: Vec<u32>,
    next: u32,
    /// The records that a producer was told are safe.
    acknowledged: Vec<u32>,
    holds: usize,
    /// How many acknowledged records unclean elections have lost.
    pub(super) lost: usize,
    /// Who a cancelled move counts on without having what was read, since nobody it goes back to has.
    counted_on: BTreeSet<i32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Machines {
    down: BTreeSet<i32>,
    unelectable: BTreeSet<i32>,
    /// Gone without a goodbye.
    crashed: BTreeSet<i32>,
    isolated: BTreeSet<(i32, i32)>,
    lags: std::collections::BTreeMap<i32, Duration>,
}

impl Standing for Machines {
    fn is_up(&self, id: i32) -> bool {
        !self.down.contains(&id)
    }

    fn is_electable(&self, id: i32) -> bool {
        !self.unelectable.contains(&id)
    }

    fn reach(&self, one: i32, other: i32) -> bool {
        !self.isolated.contains(&(one.min(other), one.max(other)))
    }

    fn lag(&self, id: i32) -> Duration {
        self.lags.get(&id).copied().unwrap_or_default()
    }
}

impl World {
    pub(super) fn new(nodes: i32, rules: Rules) -> Self {
        let mut world = Self {
            min_in_sync: rules.min_in_sync,
            elects_unclean: rules.elects_unclean,
            tracks_eligible: rules.tracks_eligible,
            ..Self::default()
        };
        world.replicas = Some(Replicas::new(Assignment::of((1..=nodes).collect()), 0, 0, &world.nodes));
        world
    }

    pub(super) fn rules(&self) -> Rules {
        Rules {
            min_in_sync: self.min_in_sync,
            max_lag: super::MAX_LAG,
            elects_unclean: self.elects_unclean,
            tracks_eligible: self.tracks_eligible,
        }
    }

    pub(super) fn replicas(&self) -> &Replicas {
        self.replicas.as_ref().expect("always there")
    }

    pub(super) fn log_len(&self) -> usize {
        self.log.len()
    }

    /// Whether it makes any difference that this happens.
    pub(super) fn can(&self, event: Event) -> bool {
        let nodes = &self.nodes;
        match event {
            Event::Append => self.replicas().leader().is_some_and(|leader| nodes.is_up(leader)),
            Event::Crash(id) | Event::CrashUnnoticed(id) => nodes.is_up(id),
            Event::BeginStop(id) => nodes.is_up(id) && nodes.is_electable(id),
            Event::Stop(id) => nodes.is_up(id) && !nodes.is_electable(id),
            Event::Notice(id) => !nodes.is_up(id) && nodes.is_electable(id),
            Event::Return(id) => !nodes.is_up(id),
            Event::Heal => !nodes.isolated.is_empty(),
            Event::Release => self.holds > 0,
            Event::Cancel => self.replicas().assignment().is_moving(),
            Event::Isolate(..) | Event::Lag(..) | Event::Pass(_) | Event::Elect(_) | Event::Hold | Event::Move(_) => {
                true
            }
        }
    }

    /// Has it happen, and looks whether everything is as it must be.
    pub(super) fn after(&mut self, event: Event) -> Change {
        let before = self.replicas().clone();
        let change = self.apply(event);
        if let Some(cut) = change.elected.and_then(|elected| elected.cut) {
            assert_eq!(cut.until, index(self.log.len()), "the cut is at the log's end: {event:?}");
            self.log.truncate(usize::try_from(cut.from).expect("an offset"));
        }
        let now = self.replicas.as_ref().expect("always there");
        if event == Event::Cancel && self.elects_unclean {
            self.counted_on.extend(now.in_sync());
        }
        self.counted_on.retain(|id| now.end_of(*id).is_some_and(|end| end < now.high_watermark()));
        if change.elected.is_some_and(|elected| elected.unclean) {
            let kept = self.acknowledged.iter().zip(&self.log).take_while(|(one, other)| one == other).count();
            self.lost += self.acknowledged.len() - kept;
            self.acknowledged.truncate(kept);
        }
        self.acknowledge();
        self.check(&before, &change, event);
        change
    }

    fn apply(&mut self, event: Event) -> Change {
        let nodes = &mut self.nodes;
        let mut unclean = None;
        match event {
            Event::Append => return self.append(),
            Event::Crash(id) => {
                nodes.down.insert(id);
                nodes.unelectable.insert(id);
                nodes.crashed.insert(id);
            }
            Event::CrashUnnoticed(id) => {
                nodes.down.insert(id);
                nodes.crashed.insert(id);
            }
            Event::Notice(id) | Event::BeginStop(id) => drop(nodes.unelectable.insert(id)),
            Event::Stop(id) => drop(nodes.down.insert(id)),
            Event::Return(id) => {
                nodes.down.remove(&id);
                nodes.unelectable.remove(&id);
                unclean = nodes.crashed.remove(&id).then_some(id);
            }
            Event::Isolate(one, other) => drop(nodes.isolated.insert((one.min(other), one.max(other)))),
            Event::Heal => nodes.isolated.clear(),
            Event::Lag(id, lag) => drop(nodes.lags.insert(id, lag)),
            Event::Pass(time) => self.now += time,
            Event::Elect(_) | Event::Move(_) | Event::Cancel | Event::Hold | Event::Release => {}
        }
        let rules = self.rules();
        let mut replicas = self.replicas.take().expect("always there");
        let moment = Moment { rules, nodes: &self.nodes, log_start: 0, now: self.now };
        let change = match event {
            Event::Pass(_) => replicas.tick(&moment),
            Event::Elect(election) => replicas.elect(election, &moment),
            Event::Move(target) => replicas.reassign(target, &moment),
            Event::Cancel => replicas.cancel(&moment).unwrap_or_default(),
            Event::Hold => {
                self.holds += 1;
                replicas.hold();
                Change::default()
            }
            Event::Release => {
                self.holds -= 1;
                replicas.release(&rules)
            }
            _ => match unclean {
                Some(id) => replicas.came_back_unclean(id, &moment),
                None => replicas.nodes_changed(&moment),
            },
        };
        if matches!(event, Event::Pass(_)) {
            assert!(replicas.next_deadline(&rules).is_none_or(|next| next > self.now), "everything due was done");
        }
        self.replicas = Some(replicas);
        change
    }

    fn append(&mut self) -> Change {
        self.log.push(self.next);
        self.next += 1;
        let (end, rules, now) = (index(self.log.len()), self.rules(), self.now);
        self.replicas.as_mut().expect("always there").appended(end, &rules, || now)
    }

    /// Tells producers of all that is safe now.
    fn acknowledge(&mut self) {
        let rules = self.rules();
        let safe = (0..=self.log.len()).rev();
        let safe = safe.map(|len| (len, self.replicas().acknowledges(index(len), &rules)));
        let safe = safe.filter(|(_, answer)| *answer == Acknowledged::Yes).map(|(len, _)| len).next();
        if let Some(safe) = safe.filter(|safe| *safe > self.acknowledged.len()) {
            self.acknowledged = self.log[..safe].to_vec();
        }
    }

    fn check(&self, before: &Replicas, change: &Change, event: Event) {
        let now = self.replicas();
        let unclean = change.elected.is_some_and(|elected| elected.unclean);
        assert!(self.log.starts_with(&self.acknowledged), "what was acknowledged is there after {event:?}: {self:?}");
        assert!(unclean || now.high_watermark() >= before.high_watermark(), "{event:?} took it back: {self:?}");
        let moved = now.high_watermark() > before.high_watermark();
        assert!(unclean || change.high_watermark == moved, "the change says so: {event:?}");
        assert!(now.high_watermark() <= index(self.log.len()), "{event:?}: {self:?}");
        let complete = now.in_sync().iter().chain(now.eligible());
        for id in complete {
            let end = now.end_of(*id).expect("a replica");
            assert!(
                end >= now.high_watermark() || self.counted_on.contains(id),
                "{id} may be elected and lacks what is read after {event:?}: {self:?}"
            );
        }
        assert!(now.in_sync().iter().all(|id| !now.eligible().contains(id)), "{event:?}: {self:?}");
        if let Some(leader) = now.leader() {
            assert!(now.in_sync().contains(&leader), "the leader is in sync after {event:?}: {self:?}");
            assert!(self.nodes.is_electable(leader), "{event:?}: {self:?}");
        }
        let epochs = now.leader_epoch() - before.leader_epoch();
        let others = now.leader() != before.leader();
        let (was, is) = (before.assignment(), now.assignment());
        let anybody_went = was.replicas.iter().any(|id| !is.replicas.contains(id));
        // A node that comes or goes can have another one lead, whom a new replica hears; and that completes a move.
        assert!(epochs <= 1 + i32::from(anybody_went), "{event:?}: {self:?}");
        assert!(
            epochs > 0 || !others && !anybody_went,
            "an epoch for each leader, and without those who went: {event:?}"
        );
        assert!(epochs == 0 || others || anybody_went, "and no other: {event:?}");
        assert_eq!(change.elected.is_some(), epochs > 0, "{event:?}");
        assert_eq!(change.replicas, was != is, "{event:?}");
        self.check_assignment(event);
    }

    fn check_assignment(&self, event: Event) {
        let now = self.replicas();
        let assignment = now.assignment();
        let last_leader = now.last_leader();
        let named = now.in_sync().iter().chain(now.eligible()).chain(last_leader.as_slice());
        let named: Vec<i32> = named.copied().collect();
        let (adding, removing) = (assignment.adding.iter(), assignment.removing.iter());
        let is_replica = |id: &i32| assignment.replicas.contains(id);
        assert!(named.iter().chain(adding).chain(removing).all(is_replica), "{event:?}: {self:?}");
        let mut once = assignment.replicas.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), assignment.replicas.len(), "each is there once: {event:?}: {self:?}");
        let staying = assignment.replicas.iter().filter(|id| !assignment.removing.contains(id));
        let are_in_sync = !once.is_empty() && staying.into_iter().all(|id| now.in_sync().contains(id));
        assert!(
            !are_in_sync || !assignment.is_moving() || assignment.len_at_the_end() == 0,
            "a move is over: {event:?}: {self:?}"
        );
    }
}

fn index(len: usize) -> i64 {
    i64::try_from(len).expect("a short log")
}
