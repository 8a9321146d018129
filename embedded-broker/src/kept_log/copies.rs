//! All copies of one partition's log: one for each replica whose node is up, in that node's directory.

use std::io;

use super::{Home, KeptLog, NewBatch};
use crate::log::{LogConfig, PartitionLog, Restoring};
use crate::persist::partition_dir::PartitionDir;
use crate::replication::{self, Remembered, Standing};

/// The copies of a log.
#[derive(Debug)]
pub(crate) struct Copies {
    home: Home,
    all: Vec<Copy>,
}

/// One replica's.
#[derive(Debug)]
struct Copy {
    node: i32,
    /// Absent while the node is down: nobody touches its files.
    kept: Option<KeptLog>,
    /// It could not be written, and is left alone until its node is down.
    has_failed: bool,
    /// It was there before.
    is_known: bool,
}

/// The copy of a node could not be read or written: what the node has on its disk, nobody knows any more.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) node: i32,
    pub(crate) error: io::Error,
}

/// What a partition begins with, or goes on with after a restart.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) copies: Copies,
    pub(crate) log: PartitionLog,
    /// Who leads, and who follows; nobody knows yet of a new partition.
    pub(crate) remembered: Option<Remembered>,
    /// Where the log of each replica ends that is there.
    pub(crate) ends: Vec<(i32, i64)>,
    /// Those of a new partition that could not be made.
    pub(crate) failed: Vec<Failed>,
    /// The epoch of the leader.
    pub(crate) leader_epoch: i32,
}

impl Copies {
    /// Opens what there is of the replicas whose nodes are up: `past` says what was remembered of them, and nothing of a
    /// partition that is new.
    ///
    /// # Errors
    ///
    /// Files cannot be read or written.
    pub(crate) fn open(
        home: Home,
        assignment: &[i32],
        standing: &dyn Standing,
        past: Option<Remembered>,
        config: &LogConfig,
    ) -> io::Result<Opened> {
        let mut copies = Self { home, all: Vec::with_capacity(assignment.len()) };
        let (mut logs, mut failed) = (Vec::new(), Vec::new());
        for &node in assignment {
            let place = copies.home.place(node).filter(|_| standing.is_up(node));
            let mut copy = Copy { node, kept: None, has_failed: false, is_known: place.is_some() || past.is_some() };
            match place.map(|place| KeptLog::open(&place, config)).transpose() {
                Ok(found) => {
                    copy.kept = found.map(|found| {
                        logs.push((node, found.log, found.was_there));
                        found.kept
                    });
                }
                // What there is of one that is not new has to be found before anybody can say who may lead.
                Err(error) if past.is_some() || !copies.are_of_several() => return Err(error),
                Err(error) => failed.push(copy.fail(error)),
            }
            copies.all.push(copy);
        }
        match past {
            Some(past) => copies.go_on(logs, &past, config),
            None => Ok(copies.begin(logs, failed)),
        }
    }

    fn begin(self, logs: Vec<(i32, PartitionLog, bool)>, failed: Vec<Failed>) -> Opened {
        let log = logs.into_iter().next().map_or_else(|| self.empty(), |(_, log, _)| log);
        Opened { copies: self, log, remembered: None, ends: Vec::new(), failed, leader_epoch: 0 }
    }

    fn empty(&self) -> PartitionLog {
        Restoring::new(self.home.clock.wall_ms()).finish(&[], &[], (0, 0))
    }

    /// Chooses one of the logs that were found, and makes the others like it.
    fn go_on(
        mut self,
        mut logs: Vec<(i32, PartitionLog, bool)>,
        past: &Remembered,
        config: &LogConfig,
    ) -> io::Result<Opened> {
        let found: Vec<_> = logs
            .iter()
            .map(|(node, log, _)| replication::Found {
                node: *node,
                newest_epoch: log.newest_batch_epoch(),
                end: log.end_offset(),
            })
            .collect();
        let choice = past.choose(&found);
        let newest = logs.iter().filter_map(|(_, log, _)| log.epochs().newest()).max();
        let longest = found.iter().map(|one| one.end).max().unwrap_or(0);
        let chosen = logs.iter().position(|(node, ..)| Some(*node) == choice.log_of);
        let (mut log, was_there) = chosen
            .map(|at| logs.remove(at))
            .map_or_else(|| (self.empty(), true), |(_, log, was_there)| (log, was_there));
        self.tell_of_losses(&logs, choice.leader.filter(|_| !was_there), (longest, log.end_offset()));
        log.show_all();
        for (node, mut own, _) in logs {
            if let Some(kept) = self.kept_mut(node) {
                kept.keep_what_is_like(&log, &mut own, config)?;
            }
        }
        let mut leader_epoch = newest.map_or(0, |newest| newest.saturating_add(1));
        if self.home.root.is_of_several() {
            leader_epoch = leader_epoch.max(past.leader_epoch.saturating_add(1));
        }
        let ends: Vec<_> = self.all.iter().filter_map(|one| Some((one.node, one.kept.as_ref()?.end()))).collect();
        let has_all = |id: i32| ends.iter().any(|(node, end)| *node == id && *end >= log.end_offset());
        let remembered = past.next(choice.leader, leader_epoch, has_all);
        Ok(Opened { copies: self, log, remembered: Some(remembered), ends, failed: Vec::new(), leader_epoch })
    }

    /// Nothing is lost in silence: neither a replica, nor records that none of those has that may lead.
    fn tell_of_losses(&self, others: &[(i32, PartitionLog, bool)], empty: Option<i32>, (longest, end): (i64, i64)) {
        let (topic, partition) = (&*self.home.topic, self.home.index);
        for (node, ..) in others.iter().filter(|(_, _, was_there)| !was_there) {
            tracing::warn!(topic, partition, node, "the directory of a replica is gone: it begins anew");
        }
        if let Some(node) = empty {
            tracing::error!(
                topic,
                partition,
                node,
                "the records of a partition are gone: the directory of its leader is not there, and nobody else was in sync"
            );
        }
        if longest > end {
            tracing::error!(
                topic,
                partition,
                from = end,
                until = longest,
                "records are cut off that only replicas have that may not lead"
            );
        }
    }

    fn kept_mut(&mut self, node: i32) -> Option<&mut KeptLog> {
        self.all.iter_mut().find(|one| one.node == node).and_then(|one| one.kept.as_mut())
    }

    fn open_mut(&mut self) -> impl Iterator<Item = (i32, &mut KeptLog)> {
        self.all.iter_mut().filter_map(|one| Some((one.node, one.kept.as_mut()?)))
    }

    /// Whether each node has a directory of its own, which fails alone.
    pub(crate) fn are_of_several(&self) -> bool {
        self.home.root.is_of_several()
    }

    /// The nodes whose copies have failed, and which are not known to be down yet.
    pub(crate) fn failed(&self) -> impl Iterator<Item = i32> {
        self.all.iter().filter(|one| one.has_failed).map(|one| one.node)
    }

    /// Has those that have failed be opened again once their nodes are up that everybody takes for down now.
    pub(crate) fn forgive(&mut self, standing: &dyn Standing) {
        let is_down = |node: i32| !standing.is_up(node) && !standing.is_electable(node);
        self.all.iter_mut().for_each(|one| one.has_failed &= !is_down(one.node));
    }

    /// Does something to each copy that is there. One that fails is left alone from then on.
    fn each(&mut self, mut change: impl FnMut(i32, &mut KeptLog) -> io::Result<()>) -> Vec<Failed> {
        let failed = |one: &mut Copy| {
            let error = change(one.node, one.kept.as_mut()?).err()?;
            Some(one.fail(error))
        };
        self.all.iter_mut().filter_map(failed).collect()
    }

    /// Has every copy follow what has become of the log, and that of the leader get a batch that was just appended. Returns
    /// those that cannot be written.
    pub(crate) fn follow(
        &mut self,
        log: &mut PartitionLog,
        new: Option<NewBatch<'_>>,
        leader: Option<i32>,
        config: &LogConfig,
    ) -> Vec<Failed> {
        let changes = log.changes_mut().take();
        self.each(|node, kept| {
            kept.follow(log, &changes, config)?;
            new.filter(|_| leader == Some(node)).map_or(Ok(()), |new| kept.append(log, new, config))
        })
    }

    /// Has every copy get what its replica has got meanwhile; `new` is the batch that was appended last. Returns those that
    /// cannot be written.
    pub(crate) fn advance(
        &mut self,
        log: &mut PartitionLog,
        new: Option<NewBatch<'_>>,
        end_of: impl Fn(i32) -> Option<i64>,
        config: &LogConfig,
    ) -> Vec<Failed> {
        self.each(|node, kept| {
            let Some(to) = end_of(node).filter(|to| *to > kept.end()) else { return Ok(()) };
            match new.filter(|new| kept.takes_at_once(new, to)) {
                Some(new) => kept.append(log, new, config),
                None => kept.advance(log, to, config),
            }
        })
    }

    /// Has a copy for each of these replicas whose node is up. Returns where those end that were there before and are opened
    /// again, and those that cannot be read or written.
    pub(crate) fn align(
        &mut self,
        assignment: &[i32],
        standing: &dyn Standing,
        log: &mut PartitionLog,
        config: &LogConfig,
    ) -> (Vec<(i32, i64)>, Vec<Failed>) {
        for &node in assignment.iter().filter(|node| !self.all.iter().any(|one| one.node == **node)).collect::<Vec<_>>()
        {
            self.all.push(Copy { node, kept: None, has_failed: false, is_known: false });
        }
        let Self { home, all } = self;
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for one in all {
            match one.align(home, standing.is_up(one.node), log, config) {
                Ok(end) => found.extend(end.map(|end| (one.node, end))),
                Err(error) => failed.push(one.fail(error)),
            }
        }
        (found, failed)
    }

    /// Takes away what is left of replicas that are other nodes' now.
    pub(crate) fn leave_those_out_of(&mut self, assignment: &[i32]) {
        let Self { home, all } = self;
        all.retain(|one| {
            let stays = assignment.contains(&one.node);
            if !stays {
                remove(home, one);
            }
            stays
        });
    }

    /// Damages the batch that holds `offset`, in the copy of the leader.
    ///
    /// # Errors
    ///
    /// There is no such offset in it, or no such copy.
    pub(crate) fn corrupt(&self, leader: Option<i32>, offset: i64) -> io::Result<()> {
        let own = self.all.iter().find(|one| Some(one.node) == leader).and_then(|one| one.kept.as_ref());
        own.map_or_else(|| Err(io::Error::other("nobody leads the partition")), |kept| kept.corrupt(offset))
    }

    /// Leaves everything on the disk.
    ///
    /// # Errors
    ///
    /// The disk does not take it.
    pub(crate) fn close(&mut self, log: &PartitionLog) -> io::Result<()> {
        self.open_mut().try_for_each(|(_, kept)| kept.close(log))
    }

    /// Takes all of them away: the topic was deleted.
    pub(crate) fn delete(&self) {
        self.all.iter().for_each(|one| remove(&self.home, one));
    }
}

impl Copy {
    fn fail(&mut self, error: io::Error) -> Failed {
        (self.kept, self.has_failed) = (None, true);
        Failed { node: self.node, error }
    }

    /// Is there if its node is up. Returns where it ends, if it was there before and is opened again.
    fn align(
        &mut self,
        home: &Home,
        is_up: bool,
        log: &mut PartitionLog,
        config: &LogConfig,
    ) -> io::Result<Option<i64>> {
        let (topic, partition, node) = (&*home.topic, home.index, self.node);
        if let Some(mut kept) = self.kept.take_if(|_| !is_up)
            && let Err(error) = kept.close(log)
        {
            tracing::warn!(topic, partition, node, %error, "a replica was not closed in order: it is checked when its node is back");
        }
        let is_wanted = is_up && !self.has_failed && self.kept.is_none();
        let Some(place) = home.place(node).filter(|_| is_wanted) else { return Ok(None) };
        let mut opened = KeptLog::open(&place, config)?;
        if self.is_known && !opened.was_there {
            tracing::warn!(topic, partition, node, "the directory of a replica is gone: it begins anew");
        }
        log.show_all();
        opened.kept.keep_what_is_like(log, &mut opened.log, config)?;
        let end = self.is_known.then(|| opened.kept.end());
        (self.kept, self.is_known) = (Some(opened.kept), true);
        Ok(end)
    }
}

fn remove(home: &Home, copy: &Copy) {
    if let Err(error) = PartitionDir::delete_at(home.root.disk(), &home.path(copy.node)) {
        tracing::warn!(%error, "the directory of a replica that is not needed any more is left behind");
    }
}
