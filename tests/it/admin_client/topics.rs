use anyhow::{Context, Result};
use kafka_app::{
    NewTopic,
    admin::{AclOperation, OffsetQuery, RecordsToDelete},
    config::IsolationLevel,
};
use kafka_app_tests::record;

use super::{Case, at, done, refused};

#[tokio::test]
async fn a_cluster_tells_its_nodes() -> Result<()> {
    let case = Case::new()?;
    let cluster = case.admin.describe_cluster().await?;
    assert!(cluster.authorized_operations.contains(&AclOperation::Describe), "{:?}", cluster.authorized_operations);
    assert!(cluster.cluster_id.is_some_and(|id| !id.is_empty()));
    let controller = cluster.controller.context("a controller")?;
    assert!(cluster.nodes.iter().any(|node| node.id == controller), "{:?}", cluster.nodes);
    let addresses: Vec<_> = cluster.nodes.iter().map(|node| format!("{}:{}", node.host, node.port)).collect();
    let port = case.broker.bootstrap_servers().rsplit(':').next().unwrap_or_default();
    assert!(addresses.iter().any(|address| address.ends_with(port)), "{addresses:?}");
    Ok(())
}

#[tokio::test]
async fn topics_are_made_told_grown_and_deleted_each_with_an_answer_of_its_own() -> Result<()> {
    let case = Case::new()?;
    let (good, huge, lost) =
        (case.broker.name("admin-good"), case.broker.name("admin-huge"), "admin/no/name".to_owned());
    let good_topic = NewTopic::new(&good).partitions(2).replicas(1).config("retention.ms", 60_000);
    let asked = [good_topic.clone(), NewTopic::new(&huge).replicas(99), NewTopic::new(&lost)];
    let made = case.admin.create_topics(&asked).await?;
    assert_eq!(refused(&made, &good)?, "NONE");
    assert_eq!(refused(&made, &huge)?, "INVALID_REPLICATION_FACTOR");
    assert_eq!(refused(&made, &lost)?, "INVALID_TOPIC_EXCEPTION");
    assert_eq!(refused(&case.admin.create_topics(&[good_topic]).await?, &good)?, "TOPIC_ALREADY_EXISTS");

    let listed = async || Ok(case.admin.list_topics().await?.into_iter().find(|topic| topic.name == good));
    let listing = case.once(listed, Option::is_some).await?.context("it is listed")?;
    assert_eq!((listing.n_partitions, listing.is_internal), (2, false));

    let described = async || Ok(case.admin.describe_topics([&good, &huge]).await?);
    let described = case.once(described, |told| told.get(&good).is_some_and(Result::is_ok)).await?;
    assert_eq!(refused(&described, &huge)?, "UNKNOWN_TOPIC_OR_PARTITION");
    let topic = done(&described, &good)?;
    assert_eq!(topic.id.map(|id| id.to_string().len()), Some(22));
    let numbers: Vec<_> = topic.partitions.iter().map(|partition| partition.partition).collect();
    assert_eq!(numbers, [0, 1]);
    for partition in &topic.partitions {
        let leader = partition.leader.context("a leader")?;
        assert_eq!((&partition.replicas, &partition.in_sync_replicas), (&vec![leader], &vec![leader]));
    }

    let grown = case.admin.create_partitions([(&good, 5), (&huge, 5)]).await?;
    assert_eq!(
        (refused(&grown, &good)?, refused(&grown, &huge)?),
        ("NONE".into(), "UNKNOWN_TOPIC_OR_PARTITION".into())
    );
    assert_eq!(refused(&case.admin.create_partitions([(&good, 3)]).await?, &good)?, "INVALID_PARTITIONS");

    let deleted = case.admin.delete_topics([&good, &huge]).await?;
    assert_eq!(
        (refused(&deleted, &good)?, refused(&deleted, &huge)?),
        ("NONE".into(), "UNKNOWN_TOPIC_OR_PARTITION".into())
    );
    Ok(())
}

#[tokio::test]
async fn offsets_are_told_from_both_ends_and_by_time_and_the_oldest_records_deleted() -> Result<()> {
    let case = Case::new()?;
    let topic = case.broker.topic("admin-offsets", 2).await?;
    case.broker
        .produce(&topic, (0..5).map(|i| kafka_app_tests::Record { partition: Some(0), ..record("k", format!("{i}")) }))
        .await?;
    let (full, empty, beyond, gone) = (at(&topic, 0), at(&topic, 1), at(&topic, 9), at("admin-no-such-topic", 0));
    let list = async |query| {
        let asked = [&full, &empty, &beyond, &gone].map(|at| (at.clone(), query));
        case.admin.list_offsets(asked, IsolationLevel::ReadUncommitted).await
    };
    let (first, last) = (list(OffsetQuery::Earliest).await?, list(OffsetQuery::Latest).await?);
    assert_eq!((done(&first, &full)?.offset, done(&last, &full)?.offset), (Some(0), Some(5)));
    assert_eq!((done(&first, &empty)?.offset, done(&last, &empty)?.offset), (Some(0), Some(0)));
    assert_eq!(done(&last, &full)?.leader_epoch, Some(0));
    for unknown in [&beyond, &gone] {
        assert_eq!(refused(&last, unknown)?, "UNKNOWN_TOPIC_OR_PARTITION", "{unknown}");
    }
    let latest = done(&list(OffsetQuery::MaxTimestamp).await?, &full)?;
    let (offset, timestamp) = (latest.offset.context("there is one")?, latest.timestamp.context("it has one")?);
    assert!((0..5).contains(&offset) && timestamp > 0, "{latest:?}");
    assert_eq!(done(&list(OffsetQuery::Timestamp(0)).await?, &full)?.offset, Some(0));
    assert_eq!(done(&list(OffsetQuery::Timestamp(timestamp + 1)).await?, &full)?.offset, None);

    let delete = [(full.clone(), RecordsToDelete::BeforeOffset(3)), (empty.clone(), RecordsToDelete::BeforeOffset(7))];
    let deleted = case.admin.delete_records(delete).await?;
    assert_eq!(done(&deleted, &full)?, 3);
    assert_eq!(refused(&deleted, &empty)?, "OFFSET_OUT_OF_RANGE");
    assert_eq!(done(&list(OffsetQuery::Earliest).await?, &full)?.offset, Some(3));
    assert_eq!(done(&case.admin.delete_records([(full.clone(), RecordsToDelete::All)]).await?, &full)?, 5);
    Ok(())
}

#[tokio::test]
async fn of_partitions_that_none_of_is_there_each_is_answered_for_all_the_same() -> Result<()> {
    let case = Case::new()?;
    let topic = case.broker.topic("admin-beyond", 1).await?;
    let (beyond, gone) = (at(&topic, 9), at("admin-no-such-topic", 0));
    let asked = [&beyond, &gone].map(|at| (at.clone(), OffsetQuery::Latest));
    let ends = case.admin.list_offsets(asked, IsolationLevel::ReadCommitted).await?;
    assert_eq!(refused(&ends, &beyond)?, "UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(refused(&ends, &gone)?, "UNKNOWN_TOPIC_OR_PARTITION");
    let deleted = case.admin.delete_records([(beyond.clone(), RecordsToDelete::All)]).await?;
    assert_eq!(refused(&deleted, &beyond)?, "UNKNOWN_TOPIC_OR_PARTITION");
    Ok(())
}

#[tokio::test]
async fn nothing_asked_is_nothing_answered() -> Result<()> {
    let case = Case::new()?;
    let none: [&str; 0] = [];
    assert!(case.admin.create_topics(&[]).await?.is_empty());
    assert!(case.admin.describe_topics(none).await?.is_empty());
    assert!(case.admin.delete_topics(none).await?.is_empty());
    assert!(case.admin.describe_groups(none).await?.is_empty());
    assert!(case.admin.describe_configs([]).await?.is_empty());
    assert!(case.admin.delete_records([]).await?.is_empty());
    assert!(case.admin.list_offsets([], IsolationLevel::ReadCommitted).await?.is_empty());
    Ok(())
}
