use anyhow::{Context, Result};
use kafka_app::{
    KafkaApp,
    admin::{GroupFilter, GroupOffsetsQuery, GroupState, GroupType},
    kafka_listener, listeners,
};
use kafka_app_tests::{PATIENCE, TestBroker, record};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseProducer, Producer},
};

use super::{Case, at, done, refused};

#[kafka_listener(topic = "${it.topic}", group = "${it.group}")]
async fn read(_text: String) {}

async fn a_group_with_a_member(protocol: &str, group_type: GroupType) -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("admin-read", 2).await?;
    let group = broker.name("admin-group");
    broker.produce(&topic, (0..4).map(|i| record(format!("{i}"), "x"))).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("it.topic", &topic)
        .set("it.group", &group)
        .set("kafka.consumer.properties.group.protocol", protocol)
        .listeners(listeners![read])
        .start()
        .await?;
    app.ready().await?;
    broker.until_committed(&group, &topic, |committed| committed.values().sum::<i64>() == 4).await?;
    let admin = app.admin()?;

    let described = admin.describe_groups([&group]).await?;
    let description = done(&described, &group)?;
    assert_eq!((description.state, description.group_type), (GroupState::Stable, group_type));
    assert!(description.coordinator.is_some() && !description.assignor.is_empty(), "{description:?}");
    let [member] = description.members.as_slice() else { anyhow::bail!("one member: {description:?}") };
    assert_eq!(member.assignment, [at(&topic, 0), at(&topic, 1)]);
    assert_eq!(member.target_assignment.is_some(), group_type == GroupType::Consumer);
    assert!(member.client_id.starts_with("kafka-app") && !member.member_id.is_empty(), "{member:?}");
    assert!(member.host.contains("127.0.0.1"), "{member:?}");

    let listed = |filter: GroupFilter| {
        let (admin, group) = (admin.clone(), group.clone());
        async move { anyhow::Ok(admin.list_groups(&filter).await?.all()?.into_iter().find(|one| one.group == group)) }
    };
    let listing = listed(GroupFilter::all()).await?.context("it is listed")?;
    assert_eq!((listing.state, listing.group_type, listing.is_simple), (GroupState::Stable, group_type, false));
    assert!(listed(GroupFilter::all().states([GroupState::Stable]).types([group_type])).await?.is_some());
    assert!(listed(GroupFilter::all().states([GroupState::Empty])).await?.is_none());

    let lag = admin.group_lag(&group).await?;
    let lags = lag.into_values().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(
        lags.iter().map(|one| (one.lag(), one.end_offset)).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1)),
        (0, 4)
    );

    assert_eq!(refused(&admin.delete_groups([&group]).await?, &group)?, "NON_EMPTY_GROUP");
    let altered = admin.alter_group_offsets(&group, [(at(&topic, 0), 0)]).await?;
    assert_eq!(refused(&altered, &at(&topic, 0))?, "UNKNOWN_MEMBER_ID");
    let deleted = admin.delete_group_offsets(&group, [at(&topic, 0)]).await?;
    assert_eq!(refused(&deleted, &at(&topic, 0))?, "GROUP_SUBSCRIBED_TO_TOPIC");

    app.stop().await.into_result()?;
    assert_eq!(done(&admin.describe_groups([&group]).await?, &group)?.state, GroupState::Empty);
    assert_eq!(refused(&admin.delete_groups([&group]).await?, &group)?, "NONE");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_the_classic_protocol_is_told_with_its_members_and_kept_from_harm() -> Result<()> {
    a_group_with_a_member("classic", GroupType::Classic).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_the_consumer_protocol_is_told_with_its_members_and_kept_from_harm() -> Result<()> {
    a_group_with_a_member("consumer", GroupType::Consumer).await
}

#[tokio::test]
async fn positions_of_a_group_without_members_are_set_told_and_forgotten() -> Result<()> {
    let case = Case::new()?;
    let topic = case.broker.topic("admin-positions", 3).await?;
    let group = case.broker.name("admin-positions");
    case.broker.produce(&topic, (0..9).map(|i| record(format!("{i}"), "x"))).await?;
    let none = case.admin.list_group_offsets(&group, GroupOffsetsQuery::all()).await?;
    assert!(none.is_empty(), "{none:?}");

    let set =
        case.admin.alter_group_offsets(&group, [(at(&topic, 0), 1), (at(&topic, 1), 0), (at(&topic, 9), 0)]).await?;
    assert_eq!((refused(&set, &at(&topic, 0))?, refused(&set, &at(&topic, 1))?), ("NONE".into(), "NONE".into()));
    assert_eq!(refused(&set, &at(&topic, 9))?, "UNKNOWN_TOPIC_OR_PARTITION");
    let told = case.admin.list_group_offsets(&group, GroupOffsetsQuery::all().require_stable()).await?;
    assert_eq!(told.keys().cloned().collect::<Vec<_>>(), [at(&topic, 0), at(&topic, 1)]);
    let position = done(&told, &at(&topic, 0))?.context("it has one")?;
    assert_eq!((position.offset, position.metadata.as_str()), (1, ""));
    let asked = GroupOffsetsQuery::of([at(&topic, 0), at(&topic, 2)]);
    assert_eq!(done(&case.admin.list_group_offsets(&group, asked).await?, &at(&topic, 2))?, None);

    let listing = case.admin.list_groups(&GroupFilter::all()).await?.all()?;
    let listing = listing.into_iter().find(|one| one.group == group).context("it is listed")?;
    assert!(listing.is_simple && listing.state == GroupState::Empty, "{listing:?}");
    let lag = case.admin.group_lag(&group).await?;
    assert_eq!(lag.keys().cloned().collect::<Vec<_>>(), [at(&topic, 0), at(&topic, 1)]);
    assert_eq!(done(&lag, &at(&topic, 0))?.committed, Some(1));

    let forgotten = case.admin.delete_group_offsets(&group, [at(&topic, 0)]).await?;
    assert_eq!(refused(&forgotten, &at(&topic, 0))?, "NONE");
    assert_eq!(case.admin.list_group_offsets(&group, GroupOffsetsQuery::all()).await?.len(), 1);
    assert!(case.admin.alter_group_offsets(&group, [(at(&topic, 0), -1)]).await.is_err());
    assert_eq!(refused(&case.admin.delete_groups([&group]).await?, &group)?, "NONE");
    Ok(())
}

#[tokio::test]
async fn of_a_group_that_is_not_there_each_call_says_so_in_kafkas_way() -> Result<()> {
    let case = Case::new()?;
    let group = case.broker.name("admin-nobody");
    let described = done(&case.admin.describe_groups([&group]).await?, &group)?;
    assert_eq!((described.state, described.members.len()), (GroupState::Dead, 0));
    assert_eq!(refused(&case.admin.delete_groups([&group]).await?, &group)?, "GROUP_ID_NOT_FOUND");
    let error = case.admin.delete_group_offsets(&group, [at("any", 0)]).await.err().context("it is not there")?;
    assert_eq!(error.broker_error().map(|error| error.name().to_owned()).as_deref(), Some("GROUP_ID_NOT_FOUND"));
    assert!(error.to_string().contains(&format!("deleting positions of group `{group}` failed")), "{error}");
    assert!(case.admin.group_lag(&group).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_position_that_an_open_transaction_holds_is_told_only_if_it_need_not_be_stable() -> Result<()> {
    let case = Case::new()?;
    let topic = case.broker.topic("admin-held", 1).await?;
    let group = case.broker.name("admin-held");
    let held = at(&topic, 0);
    case.admin.alter_group_offsets(&group, [(held.clone(), 0)]).await?.remove(&held).context("an answer")??;
    let producer: BaseProducer = case.broker.config().set("transactional.id", &group).create()?;
    producer.init_transactions(PATIENCE)?;
    producer.begin_transaction()?;
    let member: BaseConsumer = case.broker.config().set("group.id", &group).create()?;
    let mut positions = TopicPartitionList::new();
    positions.add_partition_offset(&topic, 0, Offset::Offset(5))?;
    let metadata = member.group_metadata().context("it has a group")?;
    producer.send_offsets_to_transaction(&positions, &metadata, PATIENCE)?;

    let stable = case.admin.list_group_offsets(&group, GroupOffsetsQuery::of([held.clone()]).require_stable()).await?;
    assert_eq!(refused(&stable, &held)?, "UNSTABLE_OFFSET_COMMIT");
    let told =
        async || anyhow::Ok(done(&case.admin.list_group_offsets(&group, GroupOffsetsQuery::all()).await?, &held)?);
    assert_eq!(told().await?.map(|position| position.offset), Some(0));
    producer.commit_transaction(PATIENCE)?;
    let stable = case.admin.list_group_offsets(&group, GroupOffsetsQuery::all().require_stable()).await?;
    // The marker may still be on its way.
    assert!(["NONE", "UNSTABLE_OFFSET_COMMIT"].contains(&refused(&stable, &held)?.as_str()));
    Ok(())
}
