use anyhow::{Context, Result};
use embedded_broker::EmbeddedBroker;
use kafka_app::{
    ErrorKind,
    admin::{
        AclBinding, AclBindingFilter, AclOperation, AclResourceType, AdminClient, ElectionType, ScramAlteration,
        ScramMechanism,
    },
};

use super::{Case, at, refused};

#[tokio::test]
async fn a_cluster_that_checks_no_rights_says_so() -> Result<()> {
    let case = Case::new()?;
    let acl = AclBinding::allow("User:admin-a", AclOperation::Read, AclResourceType::Topic, "admin-t");
    let added = case.admin.create_acls(std::slice::from_ref(&acl)).await?;
    assert_eq!(added[0].as_ref().err().map(|error| error.name()), Some("SECURITY_DISABLED"));
    let error = case.admin.describe_acls(&AclBindingFilter::any()).await.err().context("it refuses")?;
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.broker_error().map(|error| error.name()), Some("SECURITY_DISABLED"));
    assert!(error.to_string().contains("authorizer.class.name"), "{error}");
    let deleted = case.admin.delete_acls(&[AclBindingFilter::from(&acl)]).await?;
    assert_eq!(deleted[0].as_ref().err().map(|error| error.name()), Some("SECURITY_DISABLED"));
    Ok(())
}

#[tokio::test]
async fn rights_are_added_found_and_taken_back() -> Result<()> {
    // A shared cluster has no authorizer.
    let broker = EmbeddedBroker::builder().super_user("ANONYMOUS").start()?;
    let admin = AdminClient::connect(broker.bootstrap_servers())?;
    let read = AclBinding::allow("User:billing", AclOperation::Read, AclResourceType::Topic, "orders-").prefixed();
    let write =
        AclBinding::deny("User:*", AclOperation::Write, AclResourceType::Topic, "invoices").from_host("10.0.0.1");
    let nameless = AclBinding::allow("billing", AclOperation::All, AclResourceType::Cluster, "kafka-cluster");
    let added = admin.create_acls(&[read.clone(), nameless, write.clone()]).await?;
    let names: Vec<_> = added.iter().map(|one| one.as_ref().err().map(|error| error.name())).collect();
    assert_eq!(names, [None, Some("INVALID_REQUEST"), None]);

    assert_eq!(admin.describe_acls(&AclBindingFilter::any()).await?.len(), 2);
    let matching = AclBindingFilter::matching(AclResourceType::Topic, "orders-eu");
    assert_eq!(admin.describe_acls(&matching).await?, std::slice::from_ref(&read));
    let of_all = AclBindingFilter::any().principal("User:*");
    assert_eq!(admin.describe_acls(&of_all).await?, std::slice::from_ref(&write));

    let nobody = AclBindingFilter::any().principal("User:nobody");
    let deleted = admin.delete_acls(&[AclBindingFilter::from(&read), nobody]).await?;
    assert_eq!(deleted, [Ok(vec![read]), Ok(Vec::new())]);
    assert_eq!(admin.describe_acls(&AclBindingFilter::any()).await?, [write]);
    Ok(())
}

#[tokio::test]
async fn credentials_are_told_without_their_secrets() -> Result<()> {
    let case = Case::new()?;
    let user = case.broker.name("admin-user");
    let described = case.admin.describe_scram_credentials([&user]).await?;
    assert_eq!(refused(&described, &user)?, "RESOURCE_NOT_FOUND");
    let deleted = case.admin.alter_scram_credentials(&[ScramAlteration::delete(&user, ScramMechanism::Sha256)]).await?;
    assert_eq!(refused(&deleted, &user)?, "RESOURCE_NOT_FOUND");
    match case.admin.alter_scram_credentials(&[ScramAlteration::upsert(&user, ScramMechanism::Sha512, "secret")]).await
    {
        Ok(set) => {
            assert_eq!(refused(&set, &user)?, "NONE");
            let all = async || Ok(case.admin.describe_scram_credentials(Vec::<String>::new()).await?);
            let all = case.once(all, |told| told.contains_key(&user)).await?;
            let own = all.get(&user).context("it is told")?.clone()?;
            assert_eq!((own[0].mechanism, own[0].iterations), (ScramMechanism::Sha512, 4096));
            case.admin.alter_scram_credentials(&[ScramAlteration::delete(&user, ScramMechanism::Sha512)]).await?;
        }
        // Without OpenSSL.
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("tls-system"), "{error}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_election_that_is_not_needed_is_answered_so() -> Result<()> {
    let case = Case::new()?;
    let topic = case.broker.topic("admin-led", 2).await?;
    let (first, gone) = (at(&topic, 0), at("admin-no-such-topic", 0));
    for election in [ElectionType::Preferred, ElectionType::Unclean] {
        let elected = case.admin.elect_leaders(election, [first.clone(), gone.clone()]).await?;
        assert_eq!(refused(&elected, &first)?, "ELECTION_NOT_NEEDED");
        assert_eq!(refused(&elected, &gone)?, "UNKNOWN_TOPIC_OR_PARTITION");
    }
    let all = case.admin.elect_all_leaders(ElectionType::Preferred).await?;
    assert!(!all.contains_key(&first), "{all:?}");
    Ok(())
}

#[tokio::test]
async fn the_first_replica_leads_again_when_it_is_asked_for() -> Result<()> {
    let broker =
        EmbeddedBroker::builder().brokers(3).config("default.replication.factor", "3").topic("led", 1).start()?;
    let admin = AdminClient::connect(broker.bootstrap_servers())?;
    let led =
        async || anyhow::Ok(admin.describe_topics(["led"]).await?.remove("led").context("it is there")??.partitions);
    let before = led().await?;
    let (replicas, at) = (before[0].replicas.clone(), at("led", 0));
    let other = replicas.iter().find(|id| Some(**id) != before[0].leader).context("three replicas")?;
    broker.move_leader("led", 0, *other)?;
    let elected = admin.elect_leaders(ElectionType::Preferred, [at.clone()]).await?;
    assert_eq!(refused(&elected, &at)?, "NONE");
    assert_eq!(led().await?[0].leader, replicas.first().copied());
    Ok(())
}
