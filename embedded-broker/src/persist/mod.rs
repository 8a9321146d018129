//! What lies in a data directory: Kafka's own files for the logs, and one compacted log for everything else.
//!
//! ```text
//! DIR/meta.properties                          cluster and node, as Kafka's storage tool writes it
//!     .lock                                    held while a broker has the directory
//!     .kafka_cleanshutdown                     there if the broker before this one was stopped, not killed
//!     state-N.log                              topics, configs, groups, transactions: see `state_log`
//!     TOPIC-PARTITION/partition.metadata       the topic's id
//!                     leader-epoch-checkpoint  where each leader epoch began
//!                     log-start-offset         the first offset that can be read, if it is not 0
//!                     BASE.log .index .timeindex .txnindex .snapshot
//!                     cleaned, swap-BASE-END   a segment that is to take the place of others
//!     TOPIC-PARTITION.ID-delete                of a deleted topic, until it is gone
//! ```
//!
//! Of several nodes each has such a directory, but for the state log, below that of the cluster:
//!
//! ```text
//! DIR/meta.properties                          the cluster, and no node
//!     .lock
//!     state-N.log                              what all nodes know: it stands for the log of Kafka's controllers
//!     node-ID/                                 as above, with the replicas of that node
//! ```
//!
//! Nothing in here knows what a topic or a group is: it reads and writes bytes, and says what of them can be trusted.
//! Without a data directory nothing in here is ever called.

pub(crate) mod checkpoint;
pub(crate) mod dir;
pub(crate) mod disk;
mod offset_index;
pub(crate) mod partition_dir;
pub(crate) mod producer_snapshot;
pub(crate) mod root;
pub(crate) mod scan;
pub(crate) mod segment_file;
pub(crate) mod state_log;
mod time_index;
mod txn_index;
