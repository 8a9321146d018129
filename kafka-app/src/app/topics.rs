//! Topics of a cluster before anything uses them: those that are declared and those that go with others are made, and those
//! that are not there are told.

use std::collections::{BTreeMap, BTreeSet};

use super::{failures::Failures, plan::Planned};
use crate::{
    admin::{self, Companion, Missing, NewTopic},
    config::{self, KafkaProperties, Subscription},
    error::{Error, ErrorKind, Result},
};

/// Makes and checks the topics of a cluster.
///
/// # Errors
/// All together: topics could not be made, with `kafka.admin.fail-fast`; topics are missing where that is fatal.
pub(super) async fn prepare(properties: &KafkaProperties, declared: &[NewTopic], planned: &[&Planned]) -> Result<()> {
    let connection = config::admin_properties(properties);
    let mut failures = Failures::default();
    let companions: Vec<_> = planned.iter().flat_map(|planned| admin::companions(&planned.resolved)).collect();
    failures.note(admin::make_topics(&connection, &properties.admin, declared).await);
    if !failures.are_of_brokers() {
        failures.note(admin::make_companions(&connection, &properties.admin, &companions).await);
    }
    if !failures.are_of_brokers() {
        // A broker may not have heard yet of what another one has just made.
        let made = companions.iter().filter(|_| properties.admin.auto_create).map(Companion::topic).collect();
        failures.note(check(&connection, properties, planned, &made).await);
    }
    failures.into_result()
}

/// Fails for topics that do not exist, where a listener says that this is fatal; those that others read are named in the log.
async fn check(
    connection: &BTreeMap<String, String>,
    properties: &KafkaProperties,
    planned: &[&Planned],
    made: &BTreeSet<&str>,
) -> Result<()> {
    let fatal = || planned.iter().filter(|planned| planned.resolved.missing_topics_fatal);
    let readers = fatal().flat_map(|planned| planned.stages.iter().chain([*planned]));
    let is_asked = |topic: &String| !made.contains(topic.as_str());
    let read: Vec<_> = readers.flat_map(read_by_name).filter(is_asked).collect();
    let sent: Vec<_> = fatal().flat_map(|planned| sent_to(planned)).filter(is_asked).collect();
    if read.is_empty() && sent.is_empty() {
        return Ok(());
    }
    let missing = admin::missing_topics(connection, &properties.admin, &read, &sent).await?;
    match text(&missing) {
        None => Ok(()),
        Some(text) => Err(Error::new(ErrorKind::Config, text)),
    }
}

fn read_by_name(planned: &Planned) -> Vec<String> {
    match &planned.resolved.subscription {
        Subscription::Topics(topics) => topics.clone(),
        Subscription::Pattern(_) => Vec::new(),
    }
}

fn sent_to(planned: &Planned) -> Vec<String> {
    planned.resolved.send_to.iter().cloned().chain(planned.resolved.dead_letter_topics()).collect()
}

fn text(missing: &Missing) -> Option<String> {
    const CURE: &str =
        "create them, declare them with `KafkaApp::topics`, or set `kafka.listener.missing-topics-fatal = false`";
    let read = ("topics that listeners read do not exist", &missing.read);
    let sent = ("topics that listeners send to do not exist, and brokers make none when they are used", &missing.sent);
    let sentence =
        |(what, topics): (&str, &Vec<String>)| (!topics.is_empty()).then(|| format!("{what}: {}", topics.join(", ")));
    let sentences: Vec<_> = [read, sent].into_iter().filter_map(sentence).collect();
    (!sentences.is_empty()).then(|| format!("{}; {CURE}", sentences.join("; ")))
}
