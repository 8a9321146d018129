//! [`Mailbox`]: what wakes a pump and what it is told.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use parking_lot::{Condvar, Mutex};

use super::{
    pauses::Pauses,
    promises::{Promise, Promises},
    transaction::{Answer, Positions},
};
use crate::{client::Signal, error::Error, record::TopicPartition};

/// The pump's own condition variable with a queue of commands. Anything may wake it: records, events, finished work,
/// freed capacity, commands.
#[derive(Default)]
pub(crate) struct Mailbox {
    commands: Mutex<Vec<Command>>,
    /// Set by the first wake since the pump last looked, so that a busy pump costs its wakers one atomic swap.
    woken: AtomicBool,
    awake: Condvar,
    /// What those wait for who told it something.
    pub(crate) promises: Promises,
}

/// What a pump can be told.
pub(crate) enum Command {
    /// Acknowledged with the wish to know when it is committed.
    Confirm { epoch: u64, seq: u64, reply: Promise },
    /// Deliver again from the first unfinished record on, not before this time.
    Rewind { epoch: u64, not_before: Instant },
    /// The `Ack` of a record was dropped unused: the same, at once.
    Forgotten { epoch: u64, seq: u64 },
    /// A lane cannot go on; the listener must stop.
    Failed { error: Error },
    /// A call of a transaction ended.
    Transaction(Answer),
    /// What is committed, as it was asked for.
    Positions(Positions),
    /// Hand over nothing more of these until told otherwise.
    Pauses(Pauses),
    /// Go on at this offset.
    Seek { partition: TopicPartition, offset: i64, reply: Promise },
    /// Where partitions ended when their listener started.
    Ends(Vec<(TopicPartition, i64)>),
    /// Finish what runs, at the latest by then, and leave the group.
    Stop { deadline: Instant },
}

impl Mailbox {
    pub(crate) fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            // Taking the lock orders this with a pump that has just found nothing and is about to wait.
            drop(self.commands.lock());
            self.awake.notify_one();
        }
    }

    pub(crate) fn send(&self, command: Command) {
        self.commands.lock().push(command);
        self.wake();
    }

    pub(crate) fn take(&self) -> Vec<Command> {
        std::mem::take(&mut *self.commands.lock())
    }

    /// Waits for a wake, at most until `deadline`. What comes after the return wakes the next call.
    pub(crate) fn wait_until(&self, deadline: Instant) {
        let mut commands = self.commands.lock();
        while !self.woken.swap(false, Ordering::SeqCst) {
            if self.awake.wait_until(&mut commands, deadline).timed_out() {
                self.woken.store(false, Ordering::SeqCst);
                return;
            }
        }
    }
}

impl Signal for Mailbox {
    fn signal(&self) {
        self.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;

    #[test]
    fn a_wake_before_the_wait_is_not_lost() {
        let mailbox = Mailbox::default();
        mailbox.wake();
        let start = Instant::now();
        mailbox.wait_until(Instant::now() + Duration::from_secs(60));
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_command_wakes_a_waiting_pump() {
        let mailbox = Arc::new(Mailbox::default());
        let waiting = {
            let mailbox = Arc::clone(&mailbox);
            std::thread::spawn(move || mailbox.wait_until(Instant::now() + Duration::from_secs(60)))
        };
        mailbox.send(Command::Pauses(Pauses::default()));
        waiting.join().expect("it does not panic");
        assert!(matches!(mailbox.take().as_slice(), [Command::Pauses(_)]));
    }
}
