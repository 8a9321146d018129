//! Properties of transactional producers, and the ids that make a restarted one the successor of its predecessor.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use crate::config::{
    KafkaProperties, ResolvedListener,
    client_map::{
        Client, Said, client_id, idempotence_obstacle, millis, producer_properties, said_for_client, said_for_listener,
        set,
    },
    client_rules::last,
    resolved::TRANSACTION_TIMEOUT,
};

/// The names of an application's transactional producers.
///
/// Two producers of one id fence each other, so ids must differ between processes; and one that comes back under its id
/// closes what its predecessor left open. Both hold where each process has a prefix or a `group.instance.id` of its own
/// that it keeps.
#[derive(Debug, Clone)]
pub(crate) struct TransactionalIds {
    prefix: String,
    /// In place of a prefix for producers of templates, which have no group to be told apart by.
    of_templates: String,
    /// In place of all ids of producers of templates.
    of_every_template: Option<String>,
    /// This process by a name that no other has: in containers each is number 1.
    process: String,
    timeout: Duration,
}

impl TransactionalIds {
    pub(crate) fn new(properties: &KafkaProperties) -> Self {
        let said = properties.producer.transaction_id_prefix.clone();
        // The standard library seeds its hashers randomly.
        let process = format!("{:016x}", RandomState::new().build_hasher().finish());
        let of_templates = said.clone().unwrap_or_else(|| format!("kafka-app-{process}-"));
        let timeout = transaction_timeout(&said_for_client(properties, Client::Producer));
        let of_every_template = properties.producer.transactional_id.clone();
        Self { prefix: said.unwrap_or_default(), of_templates, of_every_template, process, timeout }
    }

    /// `<prefix><group>-<listener>-<instance>-<turn>`; after the producer was lost, `-<process>-<how often>` behind it.
    pub(crate) fn of_listener(
        &self,
        properties: &KafkaProperties,
        listener: &ResolvedListener,
        (instance, turn): (u32, usize),
        n_lost: u64,
    ) -> String {
        let id = format!("{}{}{instance}-{turn}", self.prefix, listener_part(properties, listener));
        match n_lost {
            0 => id,
            n_lost => format!("{id}-{}-{n_lost}", self.process),
        }
    }

    /// `<prefix>template-<n>`, or what was said to be the id.
    pub(crate) fn of_template(&self, n: u64) -> String {
        self.of_every_template.clone().unwrap_or_else(|| format!("{}template-{n}", self.of_templates))
    }

    /// Whether all producers of templates have the same one, so that there can be one at a time.
    pub(crate) fn is_one_for_templates(&self) -> bool {
        self.of_every_template.is_some()
    }

    /// `transaction.timeout.ms`.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// `<group>-<listener>-`, and behind it the name of a static member: what tells the producers of a listener from others'.
pub(super) fn listener_part(properties: &KafkaProperties, listener: &ResolvedListener) -> String {
    let said = said_for_listener(properties, listener);
    let property = || last(&said, "group.instance.id").map(|said| said.value.clone());
    let member = listener.group_instance_id.clone().or_else(property);
    let member = member.map_or_else(String::new, |name| format!("{name}-"));
    format!("{}-{}-{member}", listener.group_id, listener.id)
}

/// `transaction.timeout.ms` of the producers.
pub(super) fn transaction_timeout(said: &[Said]) -> Duration {
    let said = last(said, "transaction.timeout.ms").and_then(|said| said.value.trim().parse().ok());
    said.map_or(TRANSACTION_TIMEOUT, Duration::from_millis)
}

/// Everything for a transactional producer of this id.
pub(crate) fn transactional_properties(properties: &KafkaProperties, id: &str) -> BTreeMap<String, String> {
    let said = said_for_client(properties, Client::Producer);
    let mut map = producer_properties(properties);
    let timeout = transaction_timeout(&said);
    set(&mut map, "transactional.id", id);
    set(&mut map, "transaction.timeout.ms", millis(timeout));
    set(&mut map, "enable.idempotence", "true");
    // A record cannot wait longer than its transaction lives.
    let delivery = map.get("delivery.timeout.ms").and_then(|text| text.trim().parse().ok());
    let delivery = delivery.map(Duration::from_millis).filter(|delivery| !delivery.is_zero() && *delivery < timeout);
    set(&mut map, "delivery.timeout.ms", millis(delivery.unwrap_or(timeout)));
    // The first request of a transaction right behind another is told to wait; the default of 100 ms is most of a commit.
    if last(&said, "retry.backoff.ms").is_none() {
        set(&mut map, "retry.backoff.ms", "10");
    }
    // librdkafka 2.12 strikes a broker that has died off its list, and who waits for it as the coordinator of a group's offsets
    // asks for another one only when some connection opens or closes: until then `send_offsets` hangs, without a limit. Over
    // the connections of a producer that hangs nothing goes, so that this closes them.
    if last(&said, "connections.max.idle.ms").is_none() {
        set(&mut map, "connections.max.idle.ms", "10000");
    }
    set(&mut map, "client.id", format!("{}-{id}", client_id(properties, &properties.producer.client, "producer")));
    map
}

/// What was said of producers that transactions cannot be with.
pub(super) fn obstacle(said: &[Said]) -> Option<(&Said, &'static str)> {
    let is_off = |said: &&Said| ["false", "f", "0"].iter().any(|word| said.value.trim().eq_ignore_ascii_case(word));
    if let Some(off) = last(said, "enable.idempotence").filter(is_off) {
        return Some((off, "transactions need an idempotent producer: leave it out"));
    }
    idempotence_obstacle(said).map(|said| (said, "transactions need acks=all, retries and at most 5 in flight"))
}
