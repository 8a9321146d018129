//! The transaction coordinator's settings, by Kafka's names.

use std::time::Duration;

/// What an operator may set of transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionConfig {
    /// `transaction.max.timeout.ms`: the longest timeout a producer may ask for.
    pub(crate) max_timeout_ms: i32,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`: how often open transactions are looked at.
    pub(crate) timeout_scan_interval: Duration,
    /// `transactional.id.expiration.ms`: an id that is not used for this long is forgotten.
    pub(crate) id_expiration: Duration,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`: how often unused ids are looked for.
    pub(crate) id_scan_interval: Duration,
    /// `add.partitions.to.txn.retry.backoff.max.ms`: how long a produce waits for the markers of the transaction before.
    pub(crate) add_partitions_patience: Duration,
}

impl Default for TransactionConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            max_timeout_ms: 15 * 60 * 1_000,
            timeout_scan_interval: Duration::from_secs(10),
            id_expiration: Duration::from_secs(7 * 24 * 3_600),
            id_scan_interval: Duration::from_secs(3_600),
            add_partitions_patience: Duration::from_millis(100),
        }
    }
}

/// How often partitions look for silent producers (Kafka's `producer.id.expiration.check.interval.ms`, which is internal).
pub(crate) const PRODUCER_SCAN_INTERVAL: Duration = Duration::from_secs(600);
