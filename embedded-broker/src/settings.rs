//! The broker configs that this crate acts on, typed: resolved once when the broker starts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ceilings::Ceilings;
use crate::cluster::balance::BalanceConfig;
use crate::cluster::dynamic;
use crate::config::{check, server_names, topic_defs};
use crate::coordinator::group::config::{GroupConfig, MigrationPolicy};
use crate::coordinator::group::consumer::assignor::Assignor;
use crate::coordinator::transaction::config::TransactionConfig;
use crate::error::{Error, ErrorCode};
use crate::internal_topics::InternalTopic;
use crate::quotas::rate::Windows;
use crate::replication::Rules;
use crate::security::listeners::controller::ControllerListener;
use crate::security::settings::{self as security, SecuritySettings};
use crate::upkeep::UpkeepConfig;

/// Typed broker configs.
#[derive(Debug, Clone)]
pub(crate) struct BrokerSettings {
    /// `node.id`, or `broker.id`, its name in older files.
    pub(crate) node_id: i32,
    /// `num.partitions`: of topics that are made without a number.
    pub(crate) num_partitions: i32,
    /// `default.replication.factor`: of topics that are made without one.
    pub(crate) default_replication_factor: i16,
    /// `delete.topic.enable`.
    pub(crate) delete_topics: bool,
    /// `broker.rack`: where clients are told that the node stands.
    pub(crate) rack: Option<String>,
    /// `auto.create.topics.enable`.
    pub(crate) auto_create_topics: bool,
    /// What `__consumer_offsets` is made of: `offsets.topic.*`.
    pub(crate) offsets_topic: InternalTopic,
    /// What `__transaction_state` is made of: `transaction.state.log.*`.
    pub(crate) transactions_topic: InternalTopic,
    /// What the group coordinator goes by.
    pub(crate) group: GroupConfig,
    /// What the transaction coordinator goes by.
    pub(crate) transactions: TransactionConfig,
    /// How often logs are looked at.
    pub(crate) upkeep: UpkeepConfig,
    /// Whether each change of topics, groups and transactions has to be confirmed by the disk: as records, if
    /// `log.flush.interval.messages` is 1.
    pub(crate) flush_state: bool,
    /// `fetch.max.bytes`: of one answer, whatever the client asks for.
    pub(crate) fetch_max_bytes: usize,
    /// `max.incremental.fetch.session.cache.slots`.
    pub(crate) fetch_session_slots: usize,
    /// `socket.request.max.bytes`: a longer frame closes the connection.
    pub(crate) max_frame_len: usize,
    /// `max.request.partition.size.limit`: partitions in one page of topics, whatever the client asks for.
    pub(crate) described_partitions: i32,
    /// `telemetry.max.bytes`: of one push of a client's metrics.
    pub(crate) telemetry_max_bytes: usize,
    /// Whether clients are told that they may push metrics.
    pub(crate) receives_client_metrics: bool,
    /// Versions up to which requests are served.
    pub(crate) ceilings: Ceilings,
    /// What chance is drawn from for faults.
    pub(crate) fault_seed: u64,
    /// Where clients connect, and how they log in.
    pub(crate) security: SecuritySettings,
    /// `broker.session.timeout.ms`, if it is said: how long nobody notices that a node was lost.
    pub(crate) broker_session_timeout: Option<Duration>,
    /// How long a coordinator reads what is written of a partition that somebody else has led.
    pub(crate) coordinator_load_time: Duration,
    pub(crate) balance: BalanceConfig,
    /// `replica.lag.time.max.ms`: how long a replica may be behind and be in sync.
    pub(crate) replica_max_lag: Duration,
    /// `replica.selector.class` is the one that looks for a replica near the client.
    pub(crate) selects_by_rack: bool,
    /// Where clients are told that the controller is.
    pub(crate) controller: ControllerListener,
    /// `quota.window.num` and `quota.window.size.seconds`.
    pub(crate) quota_windows: Windows,
    /// `controller.quota.window.num` and `controller.quota.window.size.seconds`.
    pub(crate) controller_quota_windows: Windows,
    /// Everything that was set, as it was said.
    pub(crate) configs: BTreeMap<String, String>,
    /// What was set and means nothing in one process, or nothing yet, by name.
    pub(crate) ignored: Vec<String>,
}

impl Default for BrokerSettings {
    fn default() -> Self {
        Self {
            node_id: 1,
            num_partitions: 1,
            default_replication_factor: 1,
            delete_topics: true,
            rack: None,
            auto_create_topics: true,
            offsets_topic: InternalTopic::default(),
            transactions_topic: InternalTopic::default(),
            group: GroupConfig::default(),
            transactions: TransactionConfig::default(),
            upkeep: UpkeepConfig::default(),
            flush_state: false,
            fetch_max_bytes: 55 << 20,
            fetch_session_slots: 1000,
            max_frame_len: 100 << 20,
            described_partitions: 2000,
            telemetry_max_bytes: 1 << 20,
            receives_client_metrics: false,
            ceilings: Ceilings::default(),
            fault_seed: 0,
            security: SecuritySettings::default(),
            broker_session_timeout: None,
            coordinator_load_time: Duration::ZERO,
            balance: BalanceConfig::default(),
            replica_max_lag: Rules::default().max_lag,
            selects_by_rack: false,
            controller: ControllerListener::default(),
            quota_windows: Windows::default(),
            controller_quota_windows: Windows::default(),
            configs: BTreeMap::new(),
            ignored: Vec::new(),
        }
    }
}

impl BrokerSettings {
    /// Reads what was set, by the names of a Kafka `server.properties`, and names every mistake at once.
    pub(crate) fn resolve(configs: &BTreeMap<String, String>) -> Result<Self, Error> {
        let mut settings = Self { configs: configs.clone(), ..Self::default() };
        let mut mistakes: Vec<String> =
            configs.iter().filter_map(|(key, value)| settings.set(key, value).err()).collect();
        match SecuritySettings::resolve(configs) {
            Ok(security) => settings.security = security,
            Err(wrong) => mistakes.extend(wrong),
        }
        settings.controller = ControllerListener::resolve(configs, settings.node_id);
        settings.flush_state =
            configs.get("log.flush.interval.messages").is_some_and(|messages| messages.trim() == "1");
        if mistakes.is_empty() {
            return Ok(settings);
        }
        Err(Error::with_code(ErrorCode::InvalidConfig, mistakes.join("; ")))
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "node.id" | "broker.id" => self.node_id = number(key, value, 0)?,
            "broker.rack" => self.rack = Some(value.trim().to_owned()),
            "broker.session.timeout.ms" => {
                self.broker_session_timeout = Some(Duration::from_millis(number(key, value, 1)?));
            }
            "auto.leader.rebalance.enable" => self.balance.enabled = boolean(key, value)?,
            "leader.imbalance.check.interval.seconds" => {
                self.balance.interval = Duration::from_secs(number(key, value, 1)?);
            }
            "replica.lag.time.max.ms" => self.replica_max_lag = Duration::from_millis(number(key, value, 0)?),
            "replica.selector.class" => self.selects_by_rack = selects_by_rack(key, value)?,
            "num.partitions" => self.num_partitions = number(key, value, 1)?,
            "default.replication.factor" => self.default_replication_factor = number(key, value, 1)?,
            "delete.topic.enable" => self.delete_topics = boolean(key, value)?,
            "auto.create.topics.enable" => self.auto_create_topics = boolean(key, value)?,
            "offsets.topic.num.partitions" => self.offsets_topic.partitions = number(key, value, 1)?,
            "offsets.topic.replication.factor" => self.offsets_topic.replicas = number(key, value, 1)?,
            "offsets.topic.segment.bytes" => self.offsets_topic.segment_bytes = number(key, value, 1)?,
            "transaction.state.log.num.partitions" => self.transactions_topic.partitions = number(key, value, 1)?,
            "transaction.state.log.replication.factor" => self.transactions_topic.replicas = number(key, value, 1)?,
            "transaction.state.log.segment.bytes" => self.transactions_topic.segment_bytes = number(key, value, 1)?,
            "transaction.state.log.min.isr" => self.transactions_topic.min_isr = number(key, value, 1)?,
            "group.initial.rebalance.delay.ms" => {
                self.group.initial_rebalance_delay = Duration::from_millis(number(key, value, 0)?);
            }
            "group.min.session.timeout.ms" => {
                self.group.min_session_timeout = Duration::from_millis(number(key, value, 1)?);
            }
            "group.max.session.timeout.ms" => {
                self.group.max_session_timeout = Duration::from_millis(number(key, value, 1)?);
            }
            "group.max.size" => self.group.max_size = number(key, value, 1)?,
            "group.consumer.max.size" => self.group.consumer_max_size = number(key, value, 1)?,
            "group.coordinator.rebalance.protocols" => {
                self.group.consumer_protocol = has_consumer_protocol(key, value)?
            }
            "group.consumer.assignors" => self.group.consumer_assignors = assignors(key, value)?,
            "group.consumer.migration.policy" => {
                self.group.migration = MigrationPolicy::named(value).ok_or_else(|| {
                    format!("{key} must be bidirectional, upgrade, downgrade or disabled, not {value:?}")
                })?;
            }
            "offsets.retention.minutes" => {
                self.group.offsets_retention = Duration::from_secs(60 * number::<u64>(key, value, 1)?);
            }
            "offsets.retention.check.interval.ms" => {
                self.group.offsets_retention_check_interval = Duration::from_millis(number(key, value, 1)?);
            }
            "group.consumer.session.timeout.ms" => {
                self.group.consumer_session_timeout = Duration::from_millis(number(key, value, 1)?);
            }
            "group.consumer.heartbeat.interval.ms" => {
                self.group.consumer_heartbeat_interval = Duration::from_millis(number(key, value, 1)?);
            }
            "offset.metadata.max.bytes" => self.group.offset_metadata_max_bytes = number(key, value, 0)?,
            "transaction.max.timeout.ms" => self.transactions.max_timeout_ms = number(key, value, 1)?,
            "transaction.abort.timed.out.transaction.cleanup.interval.ms" => {
                self.transactions.timeout_scan_interval = Duration::from_millis(number(key, value, 1)?);
            }
            "transactional.id.expiration.ms" => {
                self.transactions.id_expiration = Duration::from_millis(number(key, value, 1)?);
            }
            "transaction.remove.expired.transaction.cleanup.interval.ms" => {
                self.transactions.id_scan_interval = Duration::from_millis(number(key, value, 1)?);
            }
            "add.partitions.to.txn.retry.backoff.max.ms" => {
                self.transactions.add_partitions_patience = Duration::from_millis(number(key, value, 0)?);
            }
            "log.initial.task.delay.ms" => {
                self.upkeep.initial_delay = Duration::from_millis(number(key, value, 0)?);
            }
            "log.cleaner.enable" => self.upkeep.cleans = boolean(key, value)?,
            "log.retention.check.interval.ms" => {
                self.upkeep.retention_interval = Duration::from_millis(number(key, value, 1)?);
            }
            "fetch.max.bytes" => self.fetch_max_bytes = number(key, value, 1024)?,
            "max.incremental.fetch.session.cache.slots" => self.fetch_session_slots = number(key, value, 0)?,
            "socket.request.max.bytes" => self.max_frame_len = number(key, value, 1)?,
            "quota.window.num" => self.quota_windows.samples = number(key, value, 1)?,
            "quota.window.size.seconds" => self.quota_windows.size = Duration::from_secs(number(key, value, 1)?),
            "controller.quota.window.num" => self.controller_quota_windows.samples = number(key, value, 1)?,
            "controller.quota.window.size.seconds" => {
                self.controller_quota_windows.size = Duration::from_secs(number(key, value, 1)?);
            }
            "max.request.partition.size.limit" => self.described_partitions = number(key, value, 1)?,
            "telemetry.max.bytes" => self.telemetry_max_bytes = number(key, value, 1)?,
            // Resolved and checked together, as each depends on the others.
            _ if security::is_ours(key) => {}
            // Read from the layers of configs, as it may change.
            _ if dynamic::is_ours(key) => server_names::check(key, value)?,
            // Topics take it up where they set none of their own.
            _ if topic_defs::logs_go_by(key) => server_names::check(key, value)?,
            // Legal in a server.properties: it is kept and shown, and said once that nothing here goes by it.
            _ => {
                server_names::check(key, value)?;
                self.ignored.push(key.to_owned());
            }
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr + PartialOrd + Copy + std::fmt::Display>(
    key: &str,
    value: &str,
    min: T,
) -> Result<T, String> {
    match value.trim().parse::<T>() {
        Ok(number) if number >= min => Ok(number),
        Ok(_) => Err(format!("{key} must be at least {min}, not {value}")),
        Err(_) => Err(format!("{key} must be a number of at least {min}, not {value:?}")),
    }
}

/// Whether `consumer` is among the protocols of groups; `classic` has to be.
fn has_consumer_protocol(key: &str, value: &str) -> Result<bool, String> {
    server_names::check(key, value)?;
    let protocols = check::elements(value);
    if !protocols.contains(&"classic") {
        return Err(format!("{key}: disabling the 'classic' protocol is not supported"));
    }
    Ok(protocols.contains(&"consumer"))
}

/// Whether consumers are sent to replicas nearby; Kafka's own way is the only other one there is.
fn selects_by_rack(key: &str, value: &str) -> Result<bool, String> {
    match value.trim() {
        "org.apache.kafka.common.replica.RackAwareReplicaSelector" => Ok(true),
        "org.apache.kafka.common.replica.LeaderSelector" | "" => Ok(false),
        other => Err(format!("{key}: the embedded broker has no class {other}")),
    }
}

fn assignors(key: &str, value: &str) -> Result<Vec<Assignor>, String> {
    let names = check::elements(value);
    let unknown = |name| format!("{key}: the embedded broker has the assignors uniform and range, and not {name}");
    let assignors: Result<Vec<_>, _> =
        names.into_iter().map(|name| Assignor::named(name).ok_or_else(|| unknown(name))).collect();
    match assignors? {
        none if none.is_empty() => Err(format!("{key} must name an assignor")),
        assignors => Ok(assignors),
    }
}

fn boolean(key: &str, value: &str) -> Result<bool, String> {
    value.trim().to_ascii_lowercase().parse().map_err(|_| format!("{key} must be true or false, not {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(configs: &[(&str, &str)]) -> Result<BrokerSettings, String> {
        let configs = configs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        BrokerSettings::resolve(&configs).map_err(|error| error.to_string())
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let refused = resolve(&[("num.partitions", "0"), ("auto.create.topics.enable", "yes"), ("num.partitons", "1")]);
        assert_eq!(
            refused.unwrap_err(),
            "auto.create.topics.enable must be true or false, not \"yes\"; num.partitions must be at least 1, not 0; \
             Kafka has no broker config num.partitons; did you mean num.partitions?"
        );
    }

    #[test]
    fn what_means_nothing_here_is_ignored_by_name_but_must_be_legal() {
        let settings =
            resolve(&[("num.io.threads", "4"), ("log.dirs", "/data"), ("message.max.bytes", "5000")]).unwrap();
        assert_eq!(settings.ignored, ["log.dirs", "num.io.threads"]);
        let of_topics = resolve(&[("compression.lz4.level", "3"), ("log.retention.ms", "5")]).unwrap();
        assert_eq!(of_topics.ignored, ["compression.lz4.level"], "topics take it, and logs do not go by it");
        let refused = resolve(&[("num.io.threads", "none"), ("message.max.bytes", "lots")]).unwrap_err();
        assert_eq!(
            refused,
            "Invalid value lots for configuration message.max.bytes: Not a number of type INT; \
             Invalid value none for configuration num.io.threads: Not a number of type INT"
        );
    }

    #[test]
    fn what_is_set_is_taken() {
        let settings = resolve(&[("num.partitions", "4"), ("group.initial.rebalance.delay.ms", "50")]).unwrap();
        assert_eq!(settings.num_partitions, 4);
        assert_eq!(settings.group.initial_rebalance_delay, Duration::from_millis(50));
    }
}
