//! What clients may do, and how much of it, after the broker was killed: quotas, credentials, ACLs, features.

use embedded_broker::{EmbeddedBroker, EmbeddedBrokerBuilder};
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterUserScramCredentialsRequest, ApiVersionsRequest, CreateAclsRequest,
    DeleteAclsRequest, DescribeAclsRequest, DescribeClientQuotasRequest, DescribeUserScramCredentialsRequest,
    UpdateFeaturesRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::{killed_now, on};
use crate::client::Client;

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn guarded(dir: &std::path::Path) -> EmbeddedBrokerBuilder {
    on(dir)
        .config("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
        .config("super.users", "User:ANONYMOUS")
}

/// A broker that is killed now and started again.
fn again(dir: &std::path::Path) -> (EmbeddedBroker, tempfile::TempDir) {
    let left = killed_now(dir);
    (guarded(left.path()).start().expect("the broker starts"), left)
}

fn set_quota(client: &mut Client, user: &'static str, rate: Option<f64>) {
    let entity = EntityData::default().with_entity_type(text("user")).with_entity_name(Some(text(user)));
    let op = OpData::default()
        .with_key(text("producer_byte_rate"))
        .with_value(rate.unwrap_or_default())
        .with_remove(rate.is_none());
    let entry = EntryData::default().with_entity(vec![entity]).with_ops(vec![op]);
    let answer = client.call(1, &AlterClientQuotasRequest::default().with_entries(vec![entry]));
    assert_eq!(answer.entries[0].error_code, 0);
}

/// Users and their rates.
fn quotas(client: &mut Client) -> Vec<(String, f64)> {
    let described = client.call(1, &DescribeClientQuotasRequest::default()).entries.expect("quotas");
    let user = |name: &Option<StrBytes>| name.as_deref().unwrap_or_default().to_owned();
    described.iter().map(|entry| (user(&entry.entity[0].entity_name), entry.values[0].value)).collect()
}

#[test]
fn quotas_are_as_they_were_when_the_broker_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let broker = guarded(dir.path()).start().unwrap();
    let mut client = Client::of(&broker);
    set_quota(&mut client, "alice", Some(1000.0));
    set_quota(&mut client, "alice", Some(2000.0));
    set_quota(&mut client, "bob", Some(1.0));
    set_quota(&mut client, "bob", None);
    let (broker, left) = again(dir.path());
    let mut client = Client::of(&broker);
    assert_eq!(quotas(&mut client), [("alice".to_owned(), 2000.0)]);
    set_quota(&mut client, "alice", None);
    assert_eq!(quotas(&mut Client::of(&again(left.path()).0)), []);
}

/// Each user's iterations by mechanism.
fn credentials(client: &mut Client) -> Vec<(String, Vec<(i8, i32)>)> {
    let described = client.call(0, &DescribeUserScramCredentialsRequest::default());
    let infos = |user: &kafka_protocol::messages::describe_user_scram_credentials_response::DescribeUserScramCredentialsResult| {
        user.credential_infos.iter().map(|info| (info.mechanism, info.iterations)).collect()
    };
    described.results.iter().map(|user| (user.user.to_string(), infos(user))).collect()
}

fn upsertion(user: &'static str, mechanism: i8, iterations: i32) -> ScramCredentialUpsertion {
    ScramCredentialUpsertion::default()
        .with_name(text(user))
        .with_mechanism(mechanism)
        .with_iterations(iterations)
        .with_salt(bytes::Bytes::from_static(b"salt"))
        .with_salted_password(bytes::Bytes::from_static(b"salted"))
}

#[test]
fn credentials_are_as_they_were_when_the_broker_was_killed_and_win_over_those_of_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let broker = guarded(dir.path()).start().unwrap();
    let mut client = Client::of(&broker);
    let alter = |client: &mut Client, request: AlterUserScramCredentialsRequest| {
        let answer = client.call(0, &request);
        assert!(answer.results.iter().all(|one| one.error_code == 0), "{:?}", answer.results);
    };
    let both = vec![upsertion("alice", 1, 5000), upsertion("bob", 2, 6000)];
    alter(&mut client, AlterUserScramCredentialsRequest::default().with_upsertions(both));
    let deletion = ScramCredentialDeletion::default().with_name(text("bob")).with_mechanism(2);
    alter(&mut client, AlterUserScramCredentialsRequest::default().with_deletions(vec![deletion]));
    let (broker, left) = again(dir.path());
    assert_eq!(credentials(&mut Client::of(&broker)), [("alice".to_owned(), vec![(1, 5000)])]);
    drop(broker);
    let broker = guarded(left.path()).user("alice", "secret").start().unwrap();
    assert_eq!(credentials(&mut Client::of(&broker)), [("alice".to_owned(), vec![(1, 5000), (2, 4096)])]);
}

fn acl(topic: &'static str) -> AclCreation {
    AclCreation::default()
        .with_resource_type(2)
        .with_resource_pattern_type(3)
        .with_resource_name(text(topic))
        .with_principal(text("User:alice"))
        .with_host(text("*"))
        .with_operation(3)
        .with_permission_type(3)
}

/// The names of the topics that ACLs are about.
fn topics_of_acls(client: &mut Client) -> Vec<String> {
    let all = DescribeAclsRequest::default()
        .with_resource_type_filter(1)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(1)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(1)
        .with_permission_type(1);
    let described = client.call(3, &all);
    assert_eq!(described.error_code, 0);
    described.resources.iter().map(|resource| resource.resource_name.to_string()).collect()
}

#[test]
fn acls_are_as_they_were_when_the_broker_was_killed_also_after_a_start_without_an_authorizer() {
    let dir = tempfile::tempdir().unwrap();
    let broker = guarded(dir.path()).start().unwrap();
    let mut client = Client::of(&broker);
    let request = CreateAclsRequest::default().with_creations(vec![acl("a"), acl("b"), acl("c"), acl("a")]);
    assert!(client.call(3, &request).results.iter().all(|one| one.error_code == 0));
    let of_b = DeleteAclsFilter::default()
        .with_resource_type_filter(2)
        .with_resource_name_filter(Some(text("b")))
        .with_pattern_type_filter(3)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(1)
        .with_permission_type(1);
    let twice = DeleteAclsRequest::default().with_filters(vec![of_b.clone(), of_b]);
    let gone = client.call(3, &twice).filter_results;
    assert_eq!([gone[0].matching_acls.len(), gone[1].matching_acls.len()], [1, 0]);
    let left = killed_now(dir.path());
    on(left.path()).start().unwrap().stop();
    let broker = guarded(left.path()).start().unwrap();
    assert_eq!(topics_of_acls(&mut Client::of(&broker)), ["a", "c"]);
}

/// The finalized level of a feature and whether it is off.
fn level(client: &mut Client, feature: &str) -> i16 {
    let request = ApiVersionsRequest::default()
        .with_client_software_name(text("wire-test"))
        .with_client_software_version(text("1"));
    let answer = client.call(4, &request);
    let found = answer.finalized_features.iter().find(|one| one.name.as_str() == feature);
    found.map_or(0, |one| one.max_version_level)
}

#[test]
fn features_are_at_the_level_they_were_at_when_the_broker_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let broker = guarded(dir.path()).start().unwrap();
    let mut client = Client::of(&broker);
    assert_eq!(level(&mut client, "transaction.version"), 2);
    let update = |name, level| {
        FeatureUpdateKey::default().with_feature(text(name)).with_max_version_level(level).with_upgrade_type(2)
    };
    let down = vec![update("transaction.version", 1), update("group.version", 0)];
    assert_eq!(client.call(1, &UpdateFeaturesRequest::default().with_feature_updates(down)).error_code, 0);
    let (broker, _left) = again(dir.path());
    let mut client = Client::of(&broker);
    assert_eq!((level(&mut client, "transaction.version"), level(&mut client, "group.version")), (1, 0));
}
