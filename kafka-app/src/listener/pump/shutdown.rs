//! The end of a pump: no more pulls, what runs finishes, positions are stored, the group is left, each with a deadline.

use std::time::{Duration, Instant};

use super::{
    Exit, Pump,
    rebalance::{is_busy, leave},
};
use crate::{
    client::Fault,
    config::{Delivery, OnRevoke},
    error::{Error, ErrorKind, Result},
    record::TopicPartition,
};

/// While the group is left the client is asked this often: its last step makes no event.
const CLOSE_POLL: Duration = Duration::from_millis(2);
/// Of the time for a stop, at most this much is kept for leaving the group.
const CLOSE_SHARE: Duration = Duration::from_secs(2);

/// What a stop had to cut off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StopReport {
    /// Partitions in which a handler was still running, with the offset of the first record that was not finished.
    pub(crate) cut_off: Vec<(TopicPartition, Option<i64>)>,
    /// The group could not be left in time: its broker does not answer. Others get the partitions when the session ends.
    pub(crate) abandoned: bool,
    /// The broker did not confirm the last offsets in time: their records may be handled again.
    pub(crate) uncommitted: bool,
}

impl StopReport {
    /// What several consumers cut off, as one.
    pub(crate) fn merge(&mut self, other: Self) {
        self.cut_off.extend(other.cut_off);
        self.abandoned |= other.abandoned;
        self.uncommitted |= other.uncommitted;
    }

    /// Whether everything ended in time.
    pub(crate) fn is_clean(&self) -> bool {
        self.cut_off.is_empty() && !self.abandoned && !self.uncommitted
    }

    /// An error that says what was cut off, if anything was.
    pub(crate) fn into_result(self, listener_id: &str) -> Result<()> {
        if self.is_clean() {
            return Ok(());
        }
        let mut text = format!("listener `{listener_id}` did not stop in time:");
        for (partition, offset) in &self.cut_off {
            let offset = offset.map_or_else(|| "unknown".to_owned(), |offset| offset.to_string());
            text.push_str(&format!(" the handler of {partition} at offset {offset} was cut off;"));
        }
        if self.uncommitted {
            text.push_str(" its last offsets were not committed, their records may be handled again;");
        }
        if self.abandoned {
            text.push_str(" its group could not be left;");
        }
        Err(Error::new(ErrorKind::Listener, text.trim_end_matches(';')))
    }
}

/// Where a pump is in its life.
#[derive(Debug)]
pub(crate) enum Phase {
    Running,
    /// Handlers finish.
    Draining {
        until: Instant,
        deadline: Instant,
    },
    /// What they finished is committed. Leaving the group would commit it too, but says nothing of a failure, and fails in
    /// the middle of a rebalance.
    Committing {
        until: Instant,
        deadline: Instant,
        report: StopReport,
    },
    /// The group is left.
    Closing {
        deadline: Instant,
        report: StopReport,
    },
}

impl Phase {
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running)
    }

    pub(crate) fn is_closing(&self) -> bool {
        matches!(self, Self::Closing { .. })
    }

    pub(crate) fn next_look(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::Running => None,
            Self::Draining { until, .. } | Self::Committing { until, .. } => Some(*until),
            Self::Closing { .. } => Some(now + CLOSE_POLL),
        }
    }
}

impl Pump {
    /// Hands nothing more over. A second call can only bring the deadline nearer.
    pub(super) fn begin_stop(&mut self, deadline: Instant, now: Instant) {
        let total = deadline.saturating_duration_since(now);
        let until = deadline - CLOSE_SHARE.min(total / 4);
        match &mut self.phase {
            Phase::Running => {
                for entry in self.assignment.iter_mut() {
                    leave(entry, self.config.delivery, OnRevoke::Drain);
                }
                self.phase = Phase::Draining { until, deadline };
            }
            Phase::Draining { until: current_until, deadline: current }
            | Phase::Committing { until: current_until, deadline: current, .. } => {
                *current_until = until.min(*current_until);
                *current = deadline.min(*current);
            }
            Phase::Closing { deadline: current, .. } => *current = deadline.min(*current),
        }
    }

    pub(super) fn continue_stop(&mut self, now: Instant) -> Option<Exit> {
        if let Phase::Draining { until, deadline } = self.phase {
            self.flush_key_states();
            let is_drained = self.assignment.iter().all(|entry| !is_busy(&entry.data, self.config.delivery));
            if !is_drained && now < until {
                return None;
            }
            self.commit_last(until, deadline, now);
        }
        if let Phase::Committing { until, .. } = self.phase
            && (self.is_committed() || now >= until)
        {
            self.close(now);
        }
        match &mut self.phase {
            // Nothing of the consumer is left to do, or nothing can be done about it.
            Phase::Closing { deadline, report } if self.client.is_closed() || now >= *deadline => {
                let mut report = std::mem::take(report);
                report.abandoned = !self.client.is_closed();
                Some(self.exit(report))
            }
            _ => None,
        }
    }

    /// The consumer is of no more use: nothing of it counts any more. It is made anew, unless it was about to end: a stop
    /// is told to one pump only.
    pub(super) fn abandon(&mut self, fault: Fault) -> Exit {
        let report = match std::mem::replace(&mut self.phase, Phase::Running) {
            Phase::Running => None,
            Phase::Draining { .. } => Some(self.cut_off()),
            Phase::Committing { report, .. } | Phase::Closing { report, .. } => Some(report),
        };
        for entry in self.assignment.iter() {
            entry.data.assigned.retire();
        }
        match (self.failure.take(), report.filter(|_| self.renewal.is_none())) {
            (Some(error), _) => Exit::Failed(error),
            (None, Some(report)) => {
                tracing::warn!(listener = &*self.config.listener_id, "its consumer failed while it stopped: {fault}");
                Exit::Stopped(report)
            }
            (None, None) => Exit::Fatal(fault),
        }
    }

    /// Drops handlers that still run, and says which.
    fn cut_off(&self) -> StopReport {
        let mut report = StopReport::default();
        for entry in self.assignment.iter() {
            if is_busy(&entry.data, self.config.delivery) {
                entry.data.assigned.cancel();
                let offset = entry.data.tracker.front_offset();
                tracing::warn!(
                    listener = &*self.config.listener_id,
                    offset,
                    "{}: a handler still runs and is cut off",
                    entry.partition
                );
                report.cut_off.push((entry.partition.clone(), offset));
            }
        }
        report
    }

    /// Stores what is finished and has it committed.
    fn commit_last(&mut self, until: Instant, deadline: Instant, now: Instant) {
        self.advance(now);
        let report = self.cut_off();
        self.close_turn();
        if !report.cut_off.is_empty() {
            self.abort_turns(); // What was dropped in the middle may have sent something.
        }
        self.continue_transactions(now);
        self.store(now);
        self.phase = Phase::Committing { until, deadline, report };
        // At most once has committed before it handed over. Who finished nothing has nothing to commit, and perhaps no broker.
        let is_stored = self.assignment.iter().any(|entry| entry.data.stored.is_some());
        if self.config.delivery == Delivery::AtLeastOnce && is_stored {
            self.schedule.want();
            self.commit(now);
        }
    }

    fn is_committed(&self) -> bool {
        match self.config.delivery {
            Delivery::AtMostOnce => true,
            Delivery::AtLeastOnce => self.schedule.is_settled(),
            Delivery::ExactlyOnce => self.has_no_transaction(),
        }
    }

    /// Starts to leave the group.
    fn close(&mut self, now: Instant) {
        let Phase::Committing { deadline, report, .. } = &mut self.phase else { return };
        let (deadline, mut report) = (*deadline, std::mem::take(report));
        report.uncommitted = !self.is_committed();
        // After a fatal error there is no group to leave.
        let deadline = match self.client.close() {
            Ok(()) => deadline,
            Err(error) => {
                tracing::debug!(listener = &*self.config.listener_id, %error, "the consumer cannot leave its group");
                now
            }
        };
        self.phase = Phase::Closing { deadline, report };
    }

    fn exit(&mut self, report: StopReport) -> Exit {
        if report.abandoned {
            tracing::warn!(
                listener = &*self.config.listener_id,
                "the group could not be left in time; its broker will notice when the session ends"
            );
        }
        match (self.failure.take(), self.renewal.take()) {
            (Some(error), _) => Exit::Failed(error),
            (None, Some(fault)) => Exit::Fatal(fault),
            (None, None) => Exit::Stopped(report),
        }
    }
}
