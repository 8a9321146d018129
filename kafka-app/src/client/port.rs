//! [`ConsumerClient`]: what the pump needs of a Kafka client. A double of it tests the pump without a broker.

use std::{any::Any, fmt, sync::Arc, time::Instant};

use super::ffi::GroupMetadata;
use crate::{
    config::Subscription,
    error::{Error, ErrorKind, Result},
    record::{RawRecord, TopicPartition},
};

/// One consumer of a group. All calls come from one thread and none of them waits for the network.
pub(crate) trait ConsumerClient: Send {
    /// Joins the group for these topics; assignments arrive as events.
    fn subscribe(&mut self, subscription: &Subscription) -> Result<()>;
    /// The next event; `None` when there is none now. Tells the group that the application is alive.
    fn poll_event(&mut self) -> Option<ConsumerEvent>;
    /// To be called every second: a client that knows no broker any more starts again.
    fn keep_brokers(&self, now: Instant);
    /// A queue of its own for a partition, before it is assigned, so that no record of it arrives anywhere else.
    /// `signal` is called when records arrive in an empty queue.
    fn split(&mut self, partition: &TopicPartition, signal: Arc<dyn Signal>) -> Result<Box<dyn RecordQueue>>;
    /// Answers [`ConsumerEvent::Assign`]: fetching starts.
    fn assign(&mut self, partitions: &[TopicPartition]) -> Result<()>;
    /// Answers [`ConsumerEvent::Revoke`]: what is stored is committed and the group goes on.
    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<()>;
    /// Marks positions for the next commit. Partitions that are no longer ours are refused, each with its fault.
    fn store(&mut self, offsets: &[StoredOffset]) -> Vec<(TopicPartition, Fault)>;
    /// Starts a commit of what is stored; the result arrives as [`ConsumerEvent::Committed`] with this token.
    fn commit_stored(&mut self, token: u64) -> Result<()>;
    /// Starts a commit of exactly these, also where they lie before what is committed, which the client's own commits
    /// leave out. Nothing keeps it from partitions of others: the caller owns them all, and has not answered a revoke of
    /// any. The result arrives as that of [`ConsumerClient::commit_stored`].
    fn commit_exactly(&mut self, offsets: &[StoredOffset], token: u64) -> Result<()>;
    /// Fetches from this offset on; records of before that are still in the queue never come out of it.
    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<()>;
    /// Starts to leave the group; [`ConsumerClient::is_closed`] turns true after some more events.
    fn close(&mut self) -> Result<()>;
    /// Whether the group is left.
    fn is_closed(&self) -> bool;
    /// Who it is in its group now, to be asked right before the offsets of a transaction are sent, on the thread that
    /// answers revokes: it can name no generation whose partitions were given back already.
    fn group_metadata(&self) -> Result<GroupMetadata>;
    /// Waits for the client's own thread, which answers at once: one that stands still for good never does, and whoever watches
    /// the caller's thread learns of it even though nothing else is asked of the client.
    fn touch(&self) {
        // Whatever it says, it has answered.
        let _answer = self.group_metadata();
    }
    /// Reads committed positions, from any thread.
    fn committed(&self) -> Arc<dyn Committed>;
    /// Held by whoever holds records: the client's memory outlives the last of them.
    fn lease(&self) -> Lease;
}

/// What a group has committed, as the broker has it.
pub(crate) trait Committed: Send + Sync {
    /// The position of each partition, `None` where there is none. Waits for the network, and for transactions that hold
    /// positions of these partitions.
    fn read(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Option<i64>)>>;
}

/// Keeps a client's memory.
pub(crate) type Lease = Arc<dyn Any + Send + Sync>;

/// Records of one partition.
pub(crate) trait RecordQueue: Send {
    /// Moves up to `max` records that are there now to the end of `records`. Less than `max` means that the queue is
    /// empty and its signal is armed.
    fn take(&mut self, max: usize, records: &mut Vec<RawRecord>) -> Taken;
}

/// What [`RecordQueue::take`] saw.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// There may be more now.
    pub(crate) more: bool,
    /// There was no more behind the records: the offset that is looked for next, if the client was told to say so.
    pub(crate) end: Option<i64>,
    /// What the client reported of this partition.
    pub(crate) faults: Vec<Fault>,
}

/// Called from the client's own threads: must be quick and must not call the client.
pub(crate) trait Signal: Send + Sync {
    fn signal(&self);
}

/// A position to be committed: the offset of the next record to be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredOffset {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: i64,
    /// Of the last record handled, so that a truncated log is noticed.
    pub(crate) leader_epoch: Option<i32>,
}

/// What happened to a consumer.
#[derive(Debug)]
pub(crate) enum ConsumerEvent {
    /// The group gave us these; to be answered with `assign`.
    Assign(Vec<TopicPartition>),
    /// The group takes these back; to be answered with `unassign`. `lost`: they are somebody else's already.
    Revoke { partitions: Vec<TopicPartition>, lost: bool },
    /// A commit ended: ours with its token, or one the client made by itself.
    Committed { token: Option<u64>, result: Result<(), Fault>, partitions: Vec<(StoredOffset, Option<Fault>)> },
    /// Something is wrong that may mend itself.
    Fault(Fault),
    /// The consumer is of no more use.
    Fatal(Fault),
}

/// What the client says is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) text: String,
}

/// What can be done about a [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FaultKind {
    /// No broker can be reached.
    Unreachable,
    /// One broker cannot be reached; the text begins with which.
    BrokerUnreachable,
    /// Name or password are wrong.
    SaslAuthentication,
    /// Certificates or TLS do not fit.
    SslAuthentication,
    /// A right on a topic or group is missing.
    Authorization,
    /// A topic does not exist.
    UnknownTopic,
    /// There was nothing to commit.
    NothingToCommit,
    /// A partition has no record at the position it is to be read from, and `auto-offset-reset` says `error`: nothing more of
    /// it comes.
    NoPosition,
    /// The client was not told where its group stands in partitions it was given, and does not ask again: nothing of them
    /// comes, nor of any it is given later, until it is made anew.
    Unpositioned,
    /// The configuration cannot work with this broker; trying again is of no use.
    Config,
    /// Anything else; the client tries again by itself.
    Other,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FaultKind {
    /// What a caller can do about it.
    pub(crate) fn error_kind(self) -> ErrorKind {
        match self {
            Self::Unreachable | Self::BrokerUnreachable | Self::Other | Self::NothingToCommit | Self::Unpositioned => {
                ErrorKind::Unavailable
            }
            Self::SaslAuthentication => ErrorKind::SaslAuthentication,
            Self::SslAuthentication => ErrorKind::SslAuthentication,
            Self::Authorization | Self::UnknownTopic | Self::NoPosition => ErrorKind::Refused,
            Self::Config => ErrorKind::Config,
        }
    }
}

impl Fault {
    /// Whether it is that brokers cannot be reached.
    pub(crate) fn is_of_brokers(&self) -> bool {
        matches!(self.kind, FaultKind::Unreachable | FaultKind::BrokerUnreachable)
    }

    /// Of [`FaultKind::BrokerUnreachable`], which one: its text begins with that.
    pub(crate) fn broker(&self) -> &str {
        self.text.split(": ").next().unwrap_or_default()
    }

    /// The crate's error for it.
    pub(crate) fn to_error(&self, what: &str) -> Error {
        Error::new(self.kind.error_kind(), format!("{what}: {}", self.text))
    }
}
