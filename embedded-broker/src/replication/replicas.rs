//! The replicas as one: what each has, what all have, and what happens to that. Who leads is decided in `controller.rs`.

use super::assignment::Assignment;
use super::change::Change;
use super::controller::Proposal;
use super::election::Election;
use super::moment::{Moment, Rules, Standing};
use super::progress::Progress;
use super::restart::Remembered;
use crate::clock::Timestamp;

/// What a producer is told that waits for all replicas in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    Yes,
    NotYet,
    /// All have it, but these are fewer than have to.
    TooFew,
}

/// The replicas of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Replicas {
    pub(super) assignment: Assignment,
    /// In the order of the assignment.
    pub(super) progress: Vec<Progress>,
    pub(super) in_sync: Vec<i32>,
    /// Not in sync, but nothing is acknowledged that they lack.
    pub(super) eligible: Vec<i32>,
    /// Who led when the last one in sync went.
    pub(super) last_leader: Option<i32>,
    pub(super) leader: Option<i32>,
    leader_is_up: bool,
    pub(super) leader_epoch: i32,
    /// The first epoch in which it led.
    pub(super) leads_since: i32,
    /// Where the epoch of the leader began.
    pub(super) epoch_start: i64,
    pub(super) log_end: i64,
    pub(super) high_watermark: i64,
    /// While anybody holds it, the high watermark stands still.
    holds: usize,
}

impl Replicas {
    /// The replicas of a log, all of which is in all of them but those that are being added. Those and the ones on nodes that
    /// are not there are out of sync.
    pub(crate) fn new(assignment: Assignment, leader_epoch: i32, log_end: i64, nodes: &dyn Standing) -> Self {
        let is_added = |id: &i32| assignment.adding.contains(id);
        let old: Vec<i32> = assignment.replicas.iter().copied().filter(|id| !is_added(id)).collect();
        let mut in_sync: Vec<i32> = old.iter().copied().filter(|id| nodes.is_electable(*id)).collect();
        if in_sync.is_empty() {
            in_sync = old;
        }
        let progress = |id: &i32| Progress::new(*id, if is_added(id) { 0 } else { log_end });
        let mut replicas = Self {
            progress: assignment.replicas.iter().map(progress).collect(),
            leader: in_sync.first().copied(),
            assignment,
            in_sync,
            eligible: Vec::new(),
            last_leader: None,
            leader_is_up: false,
            leader_epoch,
            leads_since: leader_epoch,
            epoch_start: log_end,
            log_end,
            high_watermark: log_end,
            holds: 0,
        };
        replicas.look_who_follows(nodes, Timestamp::ZERO);
        replicas
    }

    /// The replicas of a log that was found again, and that ends at `log_end`; `end_of` is where each one's own ends.
    /// Whether anybody hears anybody is for [`nodes_changed`](Self::nodes_changed) to find out.
    pub(crate) fn restored(remembered: Remembered, log_end: i64, end_of: impl Fn(i32) -> i64) -> Self {
        let Remembered { assignment, leader, leader_epoch, in_sync, eligible, last_leader } = remembered;
        let progress = |id: &i32| Progress::new(*id, end_of(*id).min(log_end));
        let progress: Vec<_> = assignment.replicas.iter().map(progress).collect();
        // Nobody has written it down: it is no less than it was, as what all in sync have is no less than that.
        let common = progress.iter().filter(|one| in_sync.contains(&one.id)).map(|one| one.end).min();
        Self {
            assignment,
            progress,
            in_sync,
            eligible,
            last_leader,
            leader,
            leader_is_up: false,
            leader_epoch,
            leads_since: leader_epoch,
            epoch_start: log_end,
            log_end,
            high_watermark: common.unwrap_or(log_end),
            holds: 0,
        }
    }

    /// The log of a replica that is no leader was looked at again, and has no more than what is before `end`.
    pub(crate) fn found(&mut self, id: i32, end: i64) {
        let is_it = |replica: &&mut Progress| replica.id == id && self.leader != Some(id);
        if let Some(replica) = self.progress.iter_mut().find(is_it) {
            replica.cut_off(end);
        }
    }

    /// Whether there is one replica and nothing holds it up: everything is acknowledged as soon as it is appended.
    pub(crate) fn is_alone(&self) -> bool {
        self.progress.len() == 1 && self.holds == 0
    }

    /// All replicas, the preferred leader first, and which of them come and go.
    pub(crate) fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// Those that have everything, or had it a moment ago.
    pub(crate) fn in_sync(&self) -> &[i32] {
        &self.in_sync
    }

    /// Those out of sync that may be elected all the same.
    pub(crate) fn eligible(&self) -> &[i32] {
        &self.eligible
    }

    /// Who led before nobody was in sync.
    pub(crate) fn last_leader(&self) -> Option<i32> {
        self.last_leader
    }

    pub(crate) fn leader(&self) -> Option<i32> {
        self.leader
    }

    pub(crate) fn leader_epoch(&self) -> i32 {
        self.leader_epoch
    }

    /// The first of the epochs in which the leader has led without a break.
    pub(crate) fn leads_since(&self) -> i32 {
        self.leads_since
    }

    /// Where the present epoch began.
    pub(crate) fn epoch_start(&self) -> i64 {
        self.epoch_start
    }

    /// What consumers may read up to: as much as all replicas in sync have.
    pub(crate) fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// Where the log of a replica ends; `None` of a node that has none.
    pub(crate) fn end_of(&self, id: i32) -> Option<i64> {
        let found = self.progress.iter().find(|replica| replica.id == id)?;
        Some(if self.leader == Some(id) { self.log_end } else { found.end })
    }

    /// The followers in sync, each with where it ends and since when it is behind.
    pub(crate) fn followers_in_sync(&self) -> impl Iterator<Item = (i32, i64, Option<Timestamp>)> {
        let is_one = |replica: &&Progress| Some(replica.id) != self.leader && self.in_sync.contains(&replica.id);
        self.progress.iter().filter(is_one).map(|one| (one.id, one.end, one.behind_since(self.log_end)))
    }

    /// Whether as many replicas are in sync as `acks=all` asks for.
    pub(crate) fn are_enough(&self, rules: &Rules) -> bool {
        self.in_sync.len() >= self.min_in_sync(rules)
    }

    /// As Kafka: no more can be asked for than there are.
    pub(super) fn min_in_sync(&self, rules: &Rules) -> usize {
        rules.min_in_sync.min(self.assignment.replicas.len())
    }

    /// Whether a producer that waits for all can be told that everything before `end` is safe.
    pub(crate) fn acknowledges(&self, end: i64, rules: &Rules) -> Acknowledged {
        match self.high_watermark >= end {
            false => Acknowledged::NotYet,
            true if self.are_enough(rules) => Acknowledged::Yes,
            true => Acknowledged::TooFew,
        }
    }

    /// The leader's log has grown to `end`.
    pub(crate) fn appended(&mut self, end: i64, rules: &Rules, now: impl FnOnce() -> Timestamp) -> Change {
        let before = std::mem::replace(&mut self.log_end, end);
        if self.is_alone() {
            self.high_watermark = end;
            return Change { high_watermark: true, ..Change::default() };
        }
        let now = now();
        self.progress.iter_mut().for_each(|replica| replica.appended(before, end, now));
        Change { high_watermark: self.advance(rules), ..Change::default() }
    }

    /// Time has passed: what lagged arrives, and who was behind for too long is out of sync.
    pub(crate) fn tick(&mut self, moment: &Moment<'_>) -> Change {
        self.progress.iter_mut().for_each(|replica| replica.arrive(moment.now));
        // It is the leader who sees that others are behind.
        let staying = match self.leader_is_up {
            true => self.in_sync.iter().copied().filter(|id| !self.is_late(*id, moment)).collect(),
            false => self.in_sync.clone(),
        };
        let change = self.decide(self.only_in_sync(staying, Election::Clean), moment);
        self.settle(change, moment)
    }

    /// Nodes have come, gone, or hear others than before; or other rules hold.
    pub(crate) fn nodes_changed(&mut self, moment: &Moment<'_>) -> Change {
        self.progress.iter_mut().for_each(|replica| replica.arrive(moment.now));
        let staying = self.in_sync.iter().copied().filter(|id| moment.nodes.is_electable(*id)).collect();
        let change = self.decide(self.only_in_sync(staying, Election::by_itself(&moment.rules)), moment);
        self.settle(change, moment)
    }

    /// A node is back that has not stopped in order: nobody knows whether it still has everything. As Kafka, which does not
    /// care as long as it does not track who may be elected.
    pub(crate) fn came_back_unclean(&mut self, id: i32, moment: &Moment<'_>) -> Change {
        if !moment.rules.tracks_eligible {
            return self.nodes_changed(moment);
        }
        self.progress.iter_mut().for_each(|replica| replica.arrive(moment.now));
        let is_left = |other: &i32| *other != id && moment.nodes.is_electable(*other);
        let staying = self.in_sync.iter().copied().filter(is_left).collect();
        let proposal = self.only_in_sync(staying, Election::by_itself(&moment.rules));
        let change = self.decide(Proposal { unclean: Some(id), ..proposal }, moment);
        self.settle(change, moment)
    }

    /// Somebody asks for an election.
    pub(crate) fn elect(&mut self, election: Election, moment: &Moment<'_>) -> Change {
        let change = self.decide(self.only_in_sync(self.in_sync.clone(), election), moment);
        self.settle(change, moment)
    }

    /// Everything behind `end` is cut off, and a new epoch begins there: the log has lost it, whoever leads.
    pub(crate) fn cut_off(&mut self, end: i64, epoch: i32) {
        self.log_end = end;
        (self.leader_epoch, self.leads_since) = (epoch, epoch);
        self.epoch_start = end;
        self.high_watermark = self.high_watermark.min(end);
        self.progress.iter_mut().for_each(|replica| replica.cut_off(end));
    }

    /// Keeps the high watermark where it is until [`release`](Self::release) is called as often.
    pub(crate) fn hold(&mut self) {
        self.holds += 1;
    }

    /// Lets the high watermark go on.
    pub(crate) fn release(&mut self, rules: &Rules) -> Change {
        self.holds = self.holds.saturating_sub(1);
        Change { high_watermark: self.advance(rules), ..Change::default() }
    }

    /// When something will change though nothing happens.
    pub(crate) fn next_deadline(&self, rules: &Rules) -> Option<Timestamp> {
        let arrivals = self.progress.iter().filter_map(Progress::next_arrival);
        let behind = self.followers_in_sync().filter_map(|(_, _, since)| since).filter(|_| self.leader_is_up);
        arrivals.chain(behind.map(|since| since + rules.max_lag)).min()
    }

    fn is_late(&self, id: i32, moment: &Moment<'_>) -> bool {
        let replica = self.progress.iter().find(|replica| replica.id == id && self.leader != Some(id));
        let since = replica.and_then(|replica| replica.behind_since(self.log_end));
        since.is_some_and(|since| moment.now >= since + moment.rules.max_lag)
    }

    /// What follows from any event: who hears the leader, who has caught up, and what all have. Whoever has caught up
    /// may complete a move, by which another one leads, whom others hear. Better than Kafka, which completes a move
    /// only when somebody else is in sync than before: whoever was elected may do so, too.
    pub(super) fn settle(&mut self, mut change: Change, moment: &Moment<'_>) -> Change {
        loop {
            self.look_who_follows(moment.nodes, moment.now);
            change.high_watermark |= self.advance(&moment.rules);
            let caught_up = self.progress.iter().filter(|one| self.may_join(one, moment)).map(|one| one.id);
            let caught_up: Vec<i32> = caught_up.collect();
            if caught_up.is_empty() && self.assignment.completed(&self.in_sync).is_none() {
                return change;
            }
            let joined = [self.in_sync.as_slice(), &caught_up].concat();
            change = change.and(self.decide(self.only_in_sync(joined, Election::Clean), moment));
        }
    }

    fn look_who_follows(&mut self, nodes: &dyn Standing, now: Timestamp) {
        let leader = self.leader.filter(|leader| nodes.is_up(*leader));
        self.leader_is_up = leader.is_some();
        for replica in &mut self.progress {
            let id = replica.id;
            let follows = leader.is_some_and(|leader| leader != id && nodes.is_up(id) && nodes.reach(leader, id));
            replica.follow(follows, nodes.lag(id), self.log_end, now);
        }
    }

    /// As Kafka: whoever has all that consumers see, and all of the epochs before this one, is in sync. Different: not if it
    /// would be out of sync again at once.
    fn may_join(&self, replica: &Progress, moment: &Moment<'_>) -> bool {
        replica.follows
            && !self.in_sync.contains(&replica.id)
            && moment.nodes.is_electable(replica.id)
            && replica.end >= self.high_watermark.max(self.epoch_start)
            && !self.is_late(replica.id, moment)
    }

    /// Moves the high watermark on as far as all replicas in sync have got; whether it has moved.
    fn advance(&mut self, rules: &Rules) -> bool {
        if self.holds > 0 || self.leader.is_none() || !self.are_enough(rules) {
            return false;
        }
        let common = self.in_sync.iter().filter_map(|id| self.end_of(*id)).min();
        let moved = common.filter(|common| *common > self.high_watermark);
        self.high_watermark = moved.unwrap_or(self.high_watermark);
        moved.is_some()
    }
}
