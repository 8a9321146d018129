use anyhow::{Context, Result};
use kafka_app::admin::{AlterConfigOp, ConfigResource, ConfigSource};

use kafka_app_tests::TestBroker;

use super::{Case, done, refused};

#[tokio::test]
async fn configs_are_told_with_where_they_come_from() -> Result<()> {
    let case = Case::new()?;
    let topic = case.broker.topic_with("admin-configs", 1, &[("retention.ms", "60000")]).await?;
    let (topic, gone) = (ConfigResource::topic(topic), ConfigResource::topic("admin-no-such-topic"));
    let node = case.admin.describe_cluster().await?.nodes.first().context("a node")?.id;
    let (broker, group) = (ConfigResource::Broker(node), ConfigResource::group("admin-any-group"));
    let asked = [&topic, &gone, &broker, &group].map(Clone::clone);
    let configs = case.admin.describe_configs(asked).await?;
    assert_eq!(refused(&configs, &gone)?, "UNKNOWN_TOPIC_OR_PARTITION");
    let of_topic = done(&configs, &topic)?;
    let retention = &of_topic["retention.ms"];
    assert_eq!(retention.value.as_deref(), Some("60000"));
    assert_eq!(
        (retention.source, retention.is_default, retention.is_sensitive),
        (ConfigSource::DynamicTopic, false, false)
    );
    let synonyms: Vec<_> = retention.synonyms.iter().map(|one| (one.name.as_str(), one.source)).collect();
    assert_eq!(synonyms.first(), Some(&("retention.ms", ConfigSource::DynamicTopic)), "{synonyms:?}");
    assert_eq!(
        (of_topic["cleanup.policy"].source, of_topic["cleanup.policy"].is_default),
        (ConfigSource::Default, true)
    );
    let of_broker = done(&configs, &broker)?;
    assert!(of_broker["node.id"].is_read_only && of_broker["node.id"].value.is_some());
    let of_group = done(&configs, &group)?;
    assert_eq!(of_group["consumer.session.timeout.ms"].value.as_deref(), Some("45000"));
    Ok(())
}

#[tokio::test]
async fn single_configs_are_changed_and_the_others_stay() -> Result<()> {
    let case = Case::new()?;
    let topic =
        case.broker.topic_with("admin-changed", 1, &[("segment.ms", "70000"), ("retention.ms", "60000")]).await?;
    let (topic, gone) = (ConfigResource::topic(topic), ConfigResource::topic("admin-no-such-topic"));
    let alter = async |resource: &ConfigResource, key: &str, op: AlterConfigOp| {
        let altered = case.admin.alter_configs_incrementally([(resource.clone(), vec![(key.to_owned(), op)])]).await?;
        refused(&altered, resource)
    };
    assert_eq!(alter(&topic, "retention.ms", AlterConfigOp::set(80_000)).await?, "NONE");
    assert_eq!(alter(&topic, "segment.ms", AlterConfigOp::Delete).await?, "NONE");
    assert_eq!(alter(&topic, "cleanup.policy", AlterConfigOp::Append("compact".into())).await?, "NONE");
    assert_eq!(alter(&topic, "retention.ms", AlterConfigOp::set("soon")).await?, "INVALID_CONFIG");
    assert_eq!(alter(&gone, "retention.ms", AlterConfigOp::set(1)).await?, "UNKNOWN_TOPIC_OR_PARTITION");

    let value = async |resource: &ConfigResource, key: &str, wanted: &str| {
        let ask = async || {
            let configs = done(&case.admin.describe_configs([resource.clone()]).await?, resource)?;
            Ok(configs.get(key).and_then(|entry| entry.value.clone()))
        };
        assert_eq!(case.once(ask, |told| told.as_deref() == Some(wanted)).await?.as_deref(), Some(wanted), "{key}");
        anyhow::Ok(())
    };
    value(&topic, "retention.ms", "80000").await?;
    value(&topic, "segment.ms", "604800000").await?;
    value(&topic, "cleanup.policy", "delete,compact").await?;
    assert_eq!(alter(&topic, "cleanup.policy", AlterConfigOp::Subtract("delete".into())).await?, "NONE");
    value(&topic, "cleanup.policy", "compact").await?;

    let group = ConfigResource::group(case.broker.name("admin-group"));
    assert_eq!(alter(&group, "consumer.session.timeout.ms", AlterConfigOp::set(46_000)).await?, "NONE");
    value(&group, "consumer.session.timeout.ms", "46000").await?;
    assert_eq!(alter(&group, "consumer.session.timeout.ms", AlterConfigOp::Delete).await?, "NONE");
    Ok(())
}

#[tokio::test]
async fn a_broker_is_changed_while_it_runs() -> Result<()> {
    // A shared cluster stays as it is.
    let case = Case::on(TestBroker::embedded(&[])?)?;
    let node = case.admin.describe_cluster().await?.nodes.first().context("a node")?.id;
    let broker = ConfigResource::Broker(node);
    let alter = async |op: AlterConfigOp| {
        let changes = [(broker.clone(), vec![("message.max.bytes".to_owned(), op)])];
        refused(&case.admin.alter_configs_incrementally(changes).await?, &broker)
    };
    let told = async || -> Result<_> {
        let configs = done(&case.admin.describe_configs([broker.clone()]).await?, &broker)?;
        let entry = configs.get("message.max.bytes").context("brokers have it")?;
        Ok((entry.value.clone(), entry.source))
    };
    assert_eq!(alter(AlterConfigOp::set(2_000_000)).await?, "NONE");
    assert_eq!(told().await?, (Some("2000000".to_owned()), ConfigSource::DynamicBroker));
    assert_eq!(alter(AlterConfigOp::Delete).await?, "NONE");
    assert_eq!(told().await?.1, ConfigSource::Default);
    Ok(())
}
