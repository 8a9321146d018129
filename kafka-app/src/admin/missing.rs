//! [`Missing`]: topics that are used and do not exist.

use std::collections::BTreeMap;

use super::{AdminClient, ConfigResource, declared::sizes};
use crate::{config::AdminProperties, error::Result};

/// Topics that the cluster does not have, each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) read: Vec<String>,
    /// Those that no broker makes when it is first sent to.
    pub(crate) sent: Vec<String>,
}

/// The topics of these that the cluster does not have; none is created by asking.
///
/// # Errors
/// No broker answered in time.
pub(crate) async fn missing_topics(
    connection: &BTreeMap<String, String>,
    properties: &AdminProperties,
    read: &[String],
    sent: &[String],
) -> Result<Missing> {
    let admin = AdminClient::open(connection, properties.operation_timeout)?;
    let existing = sizes(&admin).await?;
    let of = |topics: &[String]| {
        let mut missing: Vec<String> = Vec::new();
        for topic in topics.iter().filter(|topic| !existing.contains_key(*topic)) {
            if !missing.contains(topic) {
                missing.push(topic.clone());
            }
        }
        missing
    };
    let mut missing = Missing { read: of(read), sent: of(sent) };
    if !missing.sent.is_empty() && !brokers_make_none(&admin).await {
        missing.sent.clear();
    }
    Ok(missing)
}

/// Whether it is known that a topic does not come to be by being sent to. Not every application may ask.
async fn brokers_make_none(admin: &AdminClient) -> bool {
    const AUTO_CREATE: &str = "auto.create.topics.enable";
    let Ok(cluster) = admin.describe_cluster().await else { return false };
    let Some(broker) = cluster.nodes.first().map(|node| ConfigResource::Broker(node.id)) else { return false };
    let Ok(configs) = admin.describe_configs([broker.clone()]).await else { return false };
    let said = configs.get(&broker).and_then(|configs| configs.as_ref().ok()?.get(AUTO_CREATE)?.value.as_deref());
    said == Some("false")
}

#[cfg(test)]
mod tests {
    use embedded_broker::EmbeddedBroker;

    use super::*;

    #[tokio::test]
    async fn topics_that_are_read_are_missing_and_those_that_are_sent_to_where_brokers_make_none() {
        let missing = async |broker: EmbeddedBroker, read: &[&str], sent: &[&str]| {
            let owned = |topics: &[&str]| topics.iter().map(|topic| (*topic).to_owned()).collect::<Vec<_>>();
            let connection = BTreeMap::from([("bootstrap.servers".to_owned(), broker.bootstrap_servers().to_owned())]);
            missing_topics(&connection, &AdminProperties::default(), &owned(read), &owned(sent)).await.unwrap()
        };
        let (read, sent) = (["fine", "gone", "gone"], ["fine", "nowhere"]);
        let makes_them = EmbeddedBroker::builder().topic("fine", 1).start().unwrap();
        assert_eq!(
            missing(makes_them, &read, &sent).await,
            Missing { read: vec!["gone".to_owned()], sent: Vec::new() }
        );
        let builder = EmbeddedBroker::builder().topic("fine", 1).config("auto.create.topics.enable", "false");
        let expected = Missing { read: vec!["gone".to_owned()], sent: vec!["nowhere".to_owned()] };
        assert_eq!(missing(builder.start().unwrap(), &read, &sent).await, expected);
    }
}
