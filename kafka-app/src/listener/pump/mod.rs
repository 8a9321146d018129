//! [`Pump`]: one consumer's loop: events, records to lanes, offsets to the client.
//!
//! A turn never waits: not for a handler, not for the network. Its thread sleeps between turns on the [`Mailbox`], woken
//! by records, events, finished work and commands.

mod config;
mod idleness;
mod offsets;
mod pulling;
mod rebalance;
mod rewind;
mod shutdown;
mod transactions;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    assigned::Assigned,
    assignment::Assignment,
    commit::CommitSchedule,
    events::ListenerEvent,
    fault_log::FaultLog,
    idle::Idle,
    key_states::KeyStates,
    lane::Lanes,
    later::later,
    mailbox::{Command, Mailbox},
    pauses::Pauses,
    slot::{Confirm, Ready, Rewind, Slot},
    tracker::Tracker,
    transaction::Turns,
};
pub(crate) use config::PumpConfig;
pub(crate) use shutdown::StopReport;
use {rebalance::Revoking, shutdown::Phase};

use crate::{
    client::{BACK, ConsumerClient, ConsumerEvent, Fault, FaultKind, FoundBroker, LostBrokers},
    config::{AckMode, Delivery},
    error::{Error, ErrorKind, Result},
    record::{RawRecord, TopicPartition},
};

/// Without a wake a pump looks after this long, should a signal ever be missed; also the pace of the watchdog.
const FALLBACK: Duration = Duration::from_secs(1);
/// How often a client is asked whether its own thread still answers.
const TOUCH_EVERY: Duration = Duration::from_secs(5);
/// How long a finished offset may wait until it is stored for the client's next commit.
const STORE_AFTER: Duration = Duration::from_millis(50);
/// How much later than its interval the client's own commit may end before we look whether there was one.
const COMMIT_GRACE: Duration = Duration::from_secs(1);

/// What the outside sees of a consumer.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConsumerStatus {
    /// The group has answered: what is assigned is `partitions`, and that may be nothing.
    pub(crate) has_joined: bool,
    pub(crate) partitions: Vec<TopicPartition>,
    /// Assignments and revocations so far.
    pub(crate) n_rebalances: u64,
    /// It reads to the end, and has handled what it owns. More may be assigned to it.
    pub(crate) is_done: bool,
    /// The latest trouble with the broker; `None` once the group answered.
    pub(crate) trouble: Option<Fault>,
}

/// What comes after a turn.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Another, at the latest by then.
    Again(Instant),
    Ended(Exit),
}

/// Why a pump ended.
#[derive(Debug)]
pub(crate) enum Exit {
    /// It was told to.
    Stopped(StopReport),
    /// Its listener cannot go on.
    Failed(Error),
    /// Its consumer is of no more use; another may be.
    Fatal(Fault),
}

/// One consumer's loop. Slots, with their queues, are declared and so dropped before the client.
pub(crate) struct Pump {
    config: PumpConfig,
    assignment: Assignment<Slot>,
    lanes: Lanes,
    /// Exactly once.
    transactions: Option<Turns>,
    client: Box<dyn ConsumerClient>,
    mailbox: Arc<Mailbox>,
    status: watch::Sender<ConsumerStatus>,
    schedule: CommitSchedule,
    faults: FaultLog,
    lost: LostBrokers,
    phase: Phase,
    pauses: Pauses,
    idle: Idle,
    /// A revoke waits for running handlers; further rebalances wait for it.
    revoking: Option<Revoking>,
    waiting: VecDeque<ConsumerEvent>,
    /// When what is finished is to be stored; `None`: nothing is.
    store_at: Option<Instant>,
    next_fallback: Instant,
    next_touch: Instant,
    failure: Option<Error>,
    /// It ends to be made anew, for this reason.
    renewal: Option<Fault>,
    scratch: Vec<RawRecord>,
}

/// What a pump leaves to the one that takes its place: they have one mailbox.
#[derive(Debug, Clone, Default)]
pub(crate) struct Legacy {
    /// What the user wants.
    pub(crate) pauses: Pauses,
    /// A late word of an assignment of before finds none of the new ones.
    last_epoch: u64,
}

impl Legacy {
    /// Of nobody.
    pub(crate) fn first(pauses: Pauses) -> Self {
        Self { pauses, last_epoch: 0 }
    }
}

impl Pump {
    pub(crate) fn new(
        config: PumpConfig,
        client: Box<dyn ConsumerClient>,
        lanes: Lanes,
        mailbox: Arc<Mailbox>,
        status: watch::Sender<ConsumerStatus>,
        legacy: Legacy,
        now: Instant,
    ) -> Self {
        // At most once commits only before hand-overs, which ask for it; exactly once by transactions.
        let mode = match config.delivery {
            Delivery::AtMostOnce | Delivery::ExactlyOnce => AckMode::Time,
            Delivery::AtLeastOnce => config.ack_mode,
        };
        let schedule = CommitSchedule::new(mode, config.ack_time, config.ack_count, now);
        let idle = Idle::new(config.idle_after, now);
        Self {
            config,
            assignment: Assignment::after(legacy.last_epoch),
            lanes,
            transactions: None,
            client,
            mailbox,
            status,
            schedule,
            faults: FaultLog::default(),
            lost: LostBrokers::default(),
            phase: Phase::Running,
            pauses: legacy.pauses,
            idle,
            revoking: None,
            waiting: VecDeque::new(),
            store_at: None,
            next_fallback: now + FALLBACK,
            next_touch: now + TOUCH_EVERY,
            failure: None,
            renewal: None,
            scratch: Vec::new(),
        }
    }

    /// Exactly once: with these transactions.
    pub(crate) fn with_transactions(mut self, transactions: Option<Turns>) -> Self {
        self.transactions = transactions;
        self
    }

    /// Does all that can be done now.
    pub(crate) fn turn(&mut self, now: Instant) -> Turn {
        for command in self.mailbox.take() {
            self.obey(command, now);
        }
        if let Some(exit) = self.serve_events(now) {
            return Turn::Ended(exit);
        }
        self.advance(now);
        self.continue_transactions(now);
        self.continue_revoke(now);
        self.rewind(now);
        self.tell_idleness(now);
        let is_forced = now >= self.next_fallback;
        let more = self.pull(now, is_forced);
        self.commit(now);
        self.tell_done();
        if more {
            // A full turn goes on at once.
            self.continue_transactions(now);
        }
        if is_forced {
            self.next_fallback = now + FALLBACK;
            self.watch(now);
            self.watch_brokers(now);
            self.client.keep_brokers(now);
            self.touch(now);
        }
        if let Some(exit) = self.continue_stop(now) {
            return Turn::Ended(exit);
        }
        Turn::Again(if more { now } else { self.next_look(now) })
    }

    /// An idle consumer asks nothing of its client, and would not notice that it stands still.
    fn touch(&mut self, now: Instant) {
        if now >= self.next_touch && self.phase.is_running() {
            self.next_touch = now + TOUCH_EVERY;
            self.client.touch();
        }
    }

    pub(crate) fn into_legacy(mut self) -> Legacy {
        Legacy { pauses: std::mem::take(&mut self.pauses), last_epoch: self.assignment.last_epoch() }
    }

    fn pause(&mut self, pauses: Pauses) {
        for entry in self.assignment.iter_mut() {
            entry.data.is_paused = pauses.holds(&entry.partition);
        }
        self.pauses = pauses;
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::Confirm { epoch, seq, reply } => {
                // Of an earlier assignment: dropping the reply tells the one who waits.
                if let Some(entry) = self.assignment.by_epoch(epoch) {
                    entry.data.confirms.push(Confirm { seq, token: None, reply });
                }
            }
            Command::Rewind { epoch, not_before } => self.read_again(epoch, not_before),
            Command::Forgotten { epoch, seq } => {
                if let Some(entry) = self.assignment.by_epoch(epoch) {
                    tracing::warn!(
                        listener = &*self.config.listener_id,
                        topic = &*entry.partition.topic,
                        partition = entry.partition.partition,
                        offset = entry.data.tracker.offset_of(seq),
                        "an Ack was dropped without `ack` or `nack`: its record is delivered again"
                    );
                }
                self.read_again(epoch, now);
            }
            Command::Transaction(answer) => self.note_transaction(answer, now),
            Command::Positions(positions) => self.note_positions(positions, now),
            Command::Failed { error } => self.fail(error, now),
            Command::Pauses(pauses) => self.pause(pauses),
            Command::Seek { partition, offset, reply } => {
                let entry = self.assignment.get_mut(&partition).filter(|entry| !entry.is_leaving);
                let Some(entry) = entry else {
                    let text = format!("cannot seek {partition}: it is not assigned to this consumer");
                    return reply.keep(Err(Error::new(ErrorKind::Refused, text)));
                };
                entry.data.assigned.fence();
                entry.data.forget_waiting();
                let rewind = Rewind { offset: Some(offset), not_before: now, reply: Some(reply) };
                if let Some(earlier) = entry.data.rewind.replace(rewind).and_then(|rewind| rewind.reply) {
                    let text =
                        format!("{partition} did not go where this seek said: another seek came before it was done");
                    earlier.keep(Err(Error::new(ErrorKind::Refused, text)));
                }
                self.close_turn();
            }
            Command::Ends(ends) => {
                for (partition, end) in ends {
                    if let Some(entry) = self.assignment.get_mut(&partition) {
                        entry.data.ends_at(end);
                    }
                }
            }
            Command::Stop { deadline } => {
                self.renewal = None; // Who wants it stopped does not want another.
                self.begin_stop(deadline, now);
            }
        }
    }

    /// Has a partition delivered again from its first unfinished record on, not before this time.
    fn read_again(&mut self, epoch: u64, not_before: Instant) {
        if let Some(entry) = self.assignment.by_epoch(epoch) {
            entry.data.forget_waiting();
            entry.data.read_again_at(not_before);
            self.close_turn();
        }
    }

    /// Serves all events there are: the client wakes us only when its queue was empty.
    fn serve_events(&mut self, now: Instant) -> Option<Exit> {
        while let Some(event) = self.client.poll_event() {
            match event {
                ConsumerEvent::Assign(_) | ConsumerEvent::Revoke { .. } => self.waiting.push_back(event),
                ConsumerEvent::Committed { token, result, partitions } => {
                    self.committed(token, result, &partitions, now);
                }
                ConsumerEvent::Fault(fault) if fault.kind == FaultKind::Unpositioned => self.renew(fault, now),
                ConsumerEvent::Fault(fault) => self.report(fault, now),
                ConsumerEvent::Fatal(fault) => return Some(self.abandon(fault)),
            }
        }
        while self.revoking.is_none() {
            match self.waiting.pop_front() {
                Some(ConsumerEvent::Assign(partitions)) => {
                    if let Err(error) = self.assign(&partitions, now) {
                        let text = format!("it did not take its partitions: {error}");
                        let fault = Fault { kind: FaultKind::Other, text };
                        if self.phase.is_running() {
                            return Some(self.abandon(fault));
                        }
                        self.report(fault, now); // They would be given back anyway.
                    }
                }
                Some(ConsumerEvent::Revoke { partitions, lost }) => self.begin_revoke(partitions, lost, now),
                _ => break,
            }
        }
        None
    }

    /// The listener cannot go on: what runs may finish, then it stops.
    fn fail(&mut self, error: Error, now: Instant) {
        tracing::error!(listener = &*self.config.listener_id, %error, "the listener stops");
        self.failure.get_or_insert(error);
        self.begin_stop(later(now, self.config.drain_timeout), now);
    }

    /// The client does not mend itself, and is well enough to end in order: what runs may finish and is committed, the group is
    /// left, and another consumer comes.
    fn renew(&mut self, fault: Fault, now: Instant) {
        if !self.phase.is_running() {
            return self.report(fault, now); // It ends anyway.
        }
        tracing::warn!(listener = &*self.config.listener_id, "the consumer leaves its group, to be made anew: {fault}");
        self.renewal = Some(fault);
        self.begin_stop(later(now, self.config.drain_timeout), now);
    }

    /// Tells a fault, unless it was told just now.
    fn report(&mut self, fault: Fault, now: Instant) {
        if let Some(n_held_back) = self.faults.observe(&fault, now) {
            let listener = &*self.config.listener_id;
            match fault.kind {
                FaultKind::Unreachable => tracing::warn!(listener, n_held_back, "no broker can be reached: {fault}"),
                FaultKind::BrokerUnreachable => {
                    tracing::warn!(listener, n_held_back, "a broker cannot be reached: {fault}");
                }
                FaultKind::UnknownTopic => tracing::error!(listener, "a topic does not exist: {fault}"),
                FaultKind::Authorization => tracing::error!(listener, "a right is missing: {fault}"),
                FaultKind::SaslAuthentication | FaultKind::SslAuthentication => {
                    tracing::error!(listener, "the broker does not let us in: {fault}")
                }
                _ => tracing::warn!(listener, n_held_back, "the client reports: {fault}"),
            }
            if fault.is_of_brokers() {
                self.lost.told(&fault, now);
                let (consumer, all) = (self.config.consumer, fault.kind == FaultKind::Unreachable);
                self.config.events.tell(|listener| {
                    let reason = fault.text.clone();
                    ListenerEvent::BrokerUnreachable { listener, consumer, all, reason }
                });
            }
        }
        self.status.send_if_modified(|status| {
            let is_news = !status.has_joined && status.trouble.as_ref() != Some(&fault);
            if is_news {
                status.trouble = Some(fault);
            }
            is_news
        });
    }

    /// Says which brokers are lost, and which are back.
    fn watch_brokers(&mut self, now: Instant) {
        for fault in self.config.brokers.take_said() {
            self.report(fault, now);
        }
        let (faults, found) = self.lost.look(&self.config.brokers.unreachable(now), now);
        for fault in faults {
            self.report(fault, now);
        }
        for FoundBroker { name, unreachable_for } in found {
            self.faults.is_back(&name);
            let (listener, consumer) = (&*self.config.listener_id, self.config.consumer);
            tracing::info!(listener, broker = name, ?unreachable_for, "{BACK}");
            self.config.events.tell(|listener| ListenerEvent::BrokerReached {
                listener,
                consumer,
                broker: name,
                unreachable_for,
            });
        }
    }

    fn new_assigned(
        &self,
        partition: &TopicPartition,
        epoch: u64,
        tracker: &Tracker,
        key_states: Arc<KeyStates>,
    ) -> Arc<Assigned> {
        let (mailbox, lease) = (Arc::clone(&self.mailbox), self.client.lease());
        Assigned::new(partition.clone(), epoch, tracker, mailbox, self.config.ack_mode, lease, key_states)
    }

    fn new_slot(&mut self, partition: &TopicPartition, epoch: u64, now: Instant) -> Result<Slot> {
        let ready = Ready::new(Arc::clone(&self.mailbox));
        let queue = self.client.split(partition, Arc::clone(&ready) as _)?;
        let tracker = self.config.new_tracker();
        let assigned = self.new_assigned(partition, epoch, &tracker, Arc::default());
        let mut slot = Slot::new(queue, ready, tracker, assigned, self.lanes.open(), &self.config, now);
        slot.is_paused = self.pauses.holds(partition);
        Ok(slot)
    }

    /// Says which records do not get finished.
    fn watch(&mut self, now: Instant) {
        if let Some(error) = self.config.guards.brake.as_ref().and_then(|brake| brake.look(now))
            && self.phase.is_running()
        {
            self.fail(error, now);
        }
        // While the circuit is not closed records wait for the one that tries, and that is told by itself.
        let breaker = &self.config.guards.breaker;
        let (is_closed, trying) = (breaker.is_closed(), breaker.trying());
        for entry in self.assignment.iter_mut() {
            let slot = &mut entry.data;
            let seq = match &trying {
                Some((at, offset)) if *at == entry.partition => slot.tracker.seq_of(*offset),
                None if is_closed => slot.front_at_work(),
                _ => None,
            };
            if let Some(elapsed) = slot.watchdog.observe(seq, now) {
                let offset = seq.and_then(|seq| slot.tracker.offset_of(seq));
                tracing::warn!(
                    listener = &*self.config.listener_id,
                    topic = &*entry.partition.topic,
                    partition = entry.partition.partition,
                    offset,
                    elapsed_s = elapsed.as_secs(),
                    "a record is still not finished: its handler hangs, waits or never acknowledged it"
                );
                self.config.events.tell(|listener| ListenerEvent::StuckHandler {
                    listener,
                    partition: entry.partition.clone(),
                    offset,
                    elapsed,
                });
            }
        }
    }

    /// When to look again, if nothing wakes us before.
    fn next_look(&self, now: Instant) -> Instant {
        let slots = self.assignment.iter().filter(|entry| !entry.is_leaving).flat_map(|entry| {
            let due_at = entry.data.due_at().filter(|_| !entry.data.is_paused);
            let rewind_at = entry.data.rewind.as_ref().map(|rewind| rewind.not_before);
            [due_at, rewind_at, entry.data.placement.next_look(), entry.data.idle.next_look()]
        });
        [
            self.store_at,
            self.schedule.next_look(),
            self.standing_due_at(),
            self.idle.next_look(),
            self.revoking.as_ref().map(Revoking::deadline),
            self.phase.next_look(now),
            self.config.guards.breaker.open_until(now),
            self.transactions.as_ref().and_then(|turns| turns.cycle.next_look()),
            self.config.guards.limiter.as_ref().and_then(|limiter| limiter.next_at(now)),
        ]
        .into_iter()
        .chain(slots)
        .flatten()
        // What is overdue waits for something that will wake us; it must not make us spin.
        .filter(|at| *at > now)
        .fold(self.next_fallback, Instant::min)
    }
}

impl Drop for Pump {
    /// Lanes may outlive their pump: what they report from here on counts for nothing.
    fn drop(&mut self) {
        for entry in self.assignment.iter() {
            entry.data.assigned.retire();
        }
        self.status.send_modify(|status| {
            status.partitions.clear();
            status.is_done = false;
        });
    }
}
