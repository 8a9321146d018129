use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kafka_app::{
    ErrorKind, NewTopic,
    admin::{AdminClient, ConfigResource, GroupFilter, GroupOffsetsQuery, OffsetQuery},
    config::IsolationLevel,
};

use super::{Case, at, refused};

/// A port nobody listens on: bound, its number taken, closed.
fn nobody() -> Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

#[tokio::test]
async fn where_nobody_listens_each_call_ends_in_time_and_names_the_address() -> Result<()> {
    let servers = nobody()?;
    let admin = AdminClient::connect(&servers)?.with_timeout(Duration::from_millis(300));
    let begun = Instant::now();
    let (new, offsets) = ([NewTopic::new("t")], [(at("t", 0), OffsetQuery::Latest)]);
    let (cluster, topics, listed, made, groups, ends, positions) = tokio::join!(
        admin.describe_cluster(),
        admin.describe_topics(["t"]),
        admin.list_topics(),
        admin.create_topics(&new),
        admin.describe_configs([ConfigResource::topic("t")]),
        admin.list_offsets(offsets, IsolationLevel::ReadCommitted),
        admin.list_group_offsets("g", GroupOffsetsQuery::all()),
    );
    let errors = [
        cluster.err(),
        topics.err(),
        listed.err(),
        made.err(),
        groups.err(),
        ends.err(),
        positions.err(),
        admin.list_groups(&GroupFilter::all()).await.err(),
    ];
    for (i, error) in errors.into_iter().enumerate() {
        let error = error.with_context(|| format!("call {i} had an answer"))?;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{i}: {error}");
        assert!(error.to_string().contains(&servers), "{i}: {error}");
    }
    let described = admin.describe_groups(["g"]).await?;
    assert_eq!(refused(&described, &"g".to_owned())?, "_TIMED_OUT");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_node_that_is_not_there_is_answered_for_beside_those_that_are() -> Result<()> {
    let case = Case::new()?;
    let admin = case.admin.with_timeout(Duration::from_secs(2));
    let node = admin.describe_cluster().await?.nodes.first().context("a node")?.id;
    let (there, gone) = (ConfigResource::Broker(node), ConfigResource::Broker(4711));
    let configs = admin.describe_configs([there.clone(), gone.clone()]).await?;
    assert_eq!(refused(&configs, &there)?, "NONE");
    assert_eq!(refused(&configs, &gone)?, "_TIMED_OUT");
    Ok(())
}

#[tokio::test]
async fn calls_at_once_have_their_own_answers() -> Result<()> {
    let case = Case::new()?;
    let mut topics = Vec::new();
    for n in 1..=4 {
        topics.push((case.broker.topic(&format!("admin-at-once-{n}"), n).await?, n));
    }
    let asked: Vec<_> = (0..40)
        .map(|i| {
            let (admin, (topic, n)) = (case.admin.clone(), topics[i % topics.len()].clone());
            tokio::spawn(async move {
                let described = admin.describe_topics([&topic]).await?.remove(&topic).context("an answer")??;
                anyhow::Ok((described.name == topic, described.partitions.len(), usize::try_from(n)?))
            })
        })
        .collect();
    for answer in asked {
        let (is_it, found, wanted) = answer.await??;
        assert!(is_it && found == wanted, "{found} partitions instead of {wanted}");
    }
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_given_up_harms_no_other() -> Result<()> {
    let case = Case::new()?;
    for _ in 0..10 {
        let given_up = tokio::time::timeout(Duration::from_micros(1), case.admin.describe_cluster()).await;
        drop(given_up);
    }
    assert!(!case.admin.describe_cluster().await?.nodes.is_empty());
    // The last handle goes while a call runs.
    let admin = case.admin.clone();
    drop(case);
    drop(tokio::time::timeout(Duration::from_micros(1), admin.list_groups(&GroupFilter::all())).await);
    drop(admin);
    Ok(())
}
