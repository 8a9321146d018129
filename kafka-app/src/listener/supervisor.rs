//! [`Supervisor`]: a consumer's thread: makes the client, turns its pump, and makes another after a fatal error.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::watch};

use super::{
    dispatch::ChunkRunner,
    events::ListenerEvent,
    lane::{LaneSpec, Lanes},
    mailbox::{Command, Mailbox},
    pulse::Pulse,
    pump::{ConsumerStatus, Exit, Legacy, Pump, PumpConfig, StopReport, Turn},
    transaction::{TransactionSpec, Turns},
};
use crate::{
    client::{Brokers, ConsumerClient, FaultKind, Signal},
    config::Subscription,
    error::{Error, ErrorKind, Result},
};

/// Makes a consumer's client, which says which brokers it cannot reach; called again after a fatal error.
pub(crate) type Connect = Arc<dyn Fn(u32, &Brokers, Arc<dyn Signal>) -> Result<Box<dyn ConsumerClient>> + Send + Sync>;

/// Before a consumer is made anew after a fatal error; doubles up to the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// One consumer of a container.
pub(crate) struct Supervisor {
    pub(crate) instance: u32,
    pub(crate) config: PumpConfig,
    pub(crate) subscription: Subscription,
    pub(crate) lanes: LaneSpec,
    pub(crate) runner: Arc<dyn ChunkRunner>,
    pub(crate) runtime: Handle,
    pub(crate) connect: Connect,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Tells whether this thread comes back from the calls of its client.
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) status: watch::Sender<ConsumerStatus>,
    pub(crate) legacy: Legacy,
    /// Exactly once.
    pub(crate) transactions: Option<TransactionSpec>,
}

/// How a consumer ended.
pub(crate) type End = Result<StopReport>;

impl Supervisor {
    /// Runs until stopped or failed; on a thread of its own.
    pub(crate) fn run(mut self) -> End {
        let listener_id = Arc::clone(&self.config.listener_id);
        catch_unwind(AssertUnwindSafe(|| self.supervise())).unwrap_or_else(|_| {
            let text = format!("listener `{listener_id}`: its pump panicked; this is a fault of kafka-app");
            Err(Error::new(ErrorKind::Listener, text))
        })
    }

    fn supervise(&mut self) -> End {
        let mut back_off = BACK_OFF.0;
        loop {
            let started = Instant::now();
            let fault = match self.run_pump()? {
                Exit::Stopped(report) => return Ok(report),
                Exit::Failed(error) => return Err(error),
                Exit::Fatal(fault) => fault,
            };
            let listener = &*self.config.listener_id;
            if fault.kind == FaultKind::Config {
                return Err(fault.to_error(&format!("listener `{listener}`: the group does not take its consumer")));
            }
            if started.elapsed() > BACK_OFF.1 {
                back_off = BACK_OFF.0;
            }
            let consumer = self.instance;
            self.config.events.tell(|listener| ListenerEvent::ConsumerReplaced {
                listener,
                consumer,
                reason: fault.to_string(),
            });
            tracing::error!(listener, back_off_s = back_off.as_secs(), "its consumer failed and is made anew: {fault}");
            if self.is_stopped_within(back_off) {
                return Ok(StopReport::default());
            }
            back_off = (back_off * 2).min(BACK_OFF.1);
        }
    }

    fn run_pump(&mut self) -> Result<Exit> {
        self.pulse.works(Instant::now());
        let mut client = (self.connect)(self.instance, &self.config.brokers, Arc::clone(&self.mailbox) as _)?;
        client.subscribe(&self.subscription)?;
        let lanes = Lanes::new(self.runtime.clone(), Arc::clone(&self.runner), self.lanes);
        let (config, mailbox, status) = (self.config.clone(), Arc::clone(&self.mailbox), self.status.clone());
        let transactions = match self.transactions.clone() {
            Some(spec) => Some(Turns::new(spec, &mailbox)?),
            None => None,
        };
        let mut pump = Pump::new(config, client, lanes, mailbox, status, self.legacy.clone(), Instant::now())
            .with_transactions(transactions);
        loop {
            let now = Instant::now();
            self.pulse.works(now);
            match pump.turn(now) {
                Turn::Again(at) => {
                    self.pulse.rests();
                    self.mailbox.wait_until(at);
                }
                Turn::Ended(exit) => {
                    self.legacy = pump.into_legacy();
                    return Ok(exit);
                }
            }
        }
    }

    /// Waits out a back-off, unless told to stop meanwhile.
    fn is_stopped_within(&mut self, back_off: Duration) -> bool {
        self.pulse.rests();
        let until = Instant::now() + back_off;
        while Instant::now() < until {
            self.mailbox.wait_until(until);
            for command in self.mailbox.take() {
                match command {
                    Command::Stop { .. } => return true,
                    Command::Pauses(pauses) => self.legacy.pauses = pauses,
                    // Of an assignment that is gone; dropping a reply tells the one who waits.
                    Command::Confirm { .. }
                    | Command::Rewind { .. }
                    | Command::Forgotten { .. }
                    | Command::Failed { .. }
                    | Command::Transaction(_)
                    | Command::Positions(_)
                    | Command::Ends(_)
                    | Command::Seek { .. } => {}
                }
            }
        }
        false
    }
}
