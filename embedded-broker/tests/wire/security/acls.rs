//! ACLs as clients make, see and delete them.

use embedded_broker::{EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest};

use super::*;
use crate::each_broker::unique;
use crate::patience::ask_until;

pub(super) const TOPIC: i8 = 2;
pub(super) const GROUP: i8 = 3;
pub(super) const CLUSTER: i8 = 4;
pub(super) const TRANSACTIONAL_ID: i8 = 5;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
pub(super) const READ: i8 = 3;
pub(super) const WRITE: i8 = 4;
pub(super) const CREATE: i8 = 5;
pub(super) const DELETE: i8 = 6;
pub(super) const ALTER: i8 = 7;
pub(super) const DESCRIBE: i8 = 8;
pub(super) const CLUSTER_ACTION: i8 = 9;
pub(super) const DESCRIBE_CONFIGS: i8 = 10;
pub(super) const ALTER_CONFIGS: i8 = 11;
pub(super) const IDEMPOTENT_WRITE: i8 = 12;
const DENY: i8 = 2;
const ALLOW: i8 = 3;
const ANY: i8 = 1;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(super) fn allow(user: &str, operation: i8, resource: i8, name: &str) -> AclCreation {
    AclCreation::default()
        .with_resource_type(resource)
        .with_resource_pattern_type(LITERAL)
        .with_resource_name(text(name))
        .with_principal(text(&format!("User:{user}")))
        .with_host(text("*"))
        .with_operation(operation)
        .with_permission_type(ALLOW)
}

/// The error code and text of each ACL.
fn create(client: &mut Client, version: i16, acls: Vec<AclCreation>) -> Vec<String> {
    let response = client.call(version, &CreateAclsRequest::default().with_creations(acls));
    let shown = response.results.iter().map(|one| format!("{} {:?}", one.error_code, one.error_message.as_deref()));
    shown.collect()
}

/// Makes ACLs and waits until the broker goes by them.
pub(super) fn grant(client: &mut Client, acls: &[AclCreation]) {
    for acl in acls {
        assert_eq!(create(client, 3, vec![acl.clone()]), ["0 Some(\"\")"]);
    }
    let known = |client: &mut Client, acl: &AclCreation| {
        let filter = by_name(&acl.resource_name)
            .with_operation(acl.operation)
            .with_principal_filter(Some(acl.principal.clone()));
        !describe(client, 3, &filter).1.is_empty()
    };
    for acl in acls {
        ask_until(|| known(client, acl), |known| *known);
    }
}

pub(super) fn by_name(name: &str) -> DescribeAclsRequest {
    DescribeAclsRequest::default()
        .with_resource_type_filter(ANY)
        .with_resource_name_filter(Some(text(name)))
        .with_pattern_type_filter(ANY)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY)
}

/// The error code and text, and each ACL as its numbers and names, sorted.
fn describe(client: &mut Client, version: i16, filter: &DescribeAclsRequest) -> (String, Vec<String>) {
    let response = client.call(version, filter);
    let mut acls = Vec::new();
    for resource in &response.resources {
        for acl in &resource.acls {
            let (kind, pattern, name) = (resource.resource_type, resource.pattern_type, &resource.resource_name);
            let (who, host) = (&acl.principal, &acl.host);
            acls.push(format!("{kind}/{pattern}/{name} {who} {host} {}/{}", acl.operation, acl.permission_type));
        }
    }
    acls.sort();
    (format!("{} {:?}", response.error_code, response.error_message.as_deref()), acls)
}

fn delete(client: &mut Client, version: i16, filter: &DescribeAclsRequest) -> (String, usize) {
    let filter = DeleteAclsFilter::default()
        .with_resource_type_filter(filter.resource_type_filter)
        .with_resource_name_filter(filter.resource_name_filter.clone())
        .with_pattern_type_filter(filter.pattern_type_filter)
        .with_principal_filter(filter.principal_filter.clone())
        .with_host_filter(filter.host_filter.clone())
        .with_operation(filter.operation)
        .with_permission_type(filter.permission_type);
    let response = client.call(version, &DeleteAclsRequest::default().with_filters(vec![filter]));
    let result = &response.filter_results[0];
    (format!("{} {:?}", result.error_code, result.error_message.as_deref()), result.matching_acls.len())
}

#[test]
fn acls_are_made_described_and_deleted_in_every_version() {
    on_each_secured_broker(|client, _| {
        for version in 1..=3 {
            let name = unique("topic");
            let prefixed =
                allow("bob", WRITE, TOPIC, &name).with_resource_pattern_type(PREFIXED).with_host(text("::1"));
            let denied = allow("*", READ, GROUP, &name).with_permission_type(DENY);
            grant(client, &[allow("alice", READ, TOPIC, &name), prefixed, denied]);
            assert_eq!(create(client, version, vec![allow("alice", READ, TOPIC, &name)]), ["0 Some(\"\")"], "again");
            let (outcome, acls) = describe(client, version, &by_name(&name));
            assert_eq!(outcome, "0 Some(\"\")");
            let expected = [
                format!("2/3/{name} User:alice * 3/3"),
                format!("2/4/{name} User:bob ::1 4/3"),
                format!("3/3/{name} User:* * 3/2"),
            ];
            assert_eq!(acls, expected);
            let longer =
                by_name(&format!("{name}-longer")).with_pattern_type_filter(2).with_resource_type_filter(TOPIC);
            assert_eq!(describe(client, version, &longer).1, [format!("2/4/{name} User:bob ::1 4/3")]);
            assert_eq!(delete(client, version, &by_name(&name)), ("0 None".to_owned(), 3));
            assert_eq!(delete(client, version, &by_name(&name)), ("0 None".to_owned(), 0));
        }
    });
}

#[test]
fn an_acl_that_is_not_exact_is_refused_in_kafkas_words() {
    on_each_secured_broker(|client, _| {
        let good = || allow("alice", READ, TOPIC, "t");
        let asked = vec![
            good().with_resource_type(CLUSTER),
            good().with_resource_name(text("")),
            good().with_resource_type(99),
            good().with_resource_pattern_type(99),
            good().with_operation(99),
            good().with_permission_type(99),
            good().with_principal(text("alice")),
        ];
        let expected = [
            "42 Some(\"The only valid name for the CLUSTER resource is kafka-cluster\")",
            "42 Some(\"Invalid empty resource name\")",
            "42 Some(\"Invalid resourceType UNKNOWN\")",
            "42 Some(\"Invalid patternType UNKNOWN\")",
            "42 Some(\"Invalid operation UNKNOWN\")",
            "42 Some(\"Invalid permissionType UNKNOWN\")",
            "42 Some(\"Could not parse principal from `alice` (no colon is present separating the principal type from the \
             principal name)\")",
        ];
        assert_eq!(create(client, 3, asked), expected);
    });
}

#[test]
fn words_that_only_filters_may_say_spoil_a_whole_request() {
    on_each_secured_broker(|client, _| {
        let good = || allow("alice", READ, TOPIC, "t");
        for bad in [
            good().with_resource_type(ANY),
            good().with_resource_pattern_type(2),
            good().with_operation(ANY),
            good().with_permission_type(ANY),
        ] {
            assert_eq!(create(client, 3, vec![good(), bad]), ["-1 None", "-1 None"]);
        }
    });
}

#[test]
fn a_word_nobody_knows_is_one_that_no_acl_has() {
    on_each_secured_broker(|client, _| {
        let unknown = by_name("t").with_operation(99);
        assert_eq!(describe(client, 3, &unknown), ("0 Some(\"\")".to_owned(), Vec::new()));
        assert_eq!(delete(client, 3, &unknown), ("42 Some(\"Unknown entryFilter.\")".to_owned(), 0));
        let unknown = by_name("t").with_resource_type_filter(99);
        assert_eq!(delete(client, 3, &unknown), ("42 Some(\"Unknown patternFilter.\")".to_owned(), 0));
    });
}

#[test]
fn a_number_that_is_missing_closes_the_connection() {
    on_each_secured_broker(|_, address| {
        let mut client = logged_in(address, "admin");
        client.send(3, &CreateAclsRequest::default().with_creations(vec![allow("a", 0, TOPIC, "t")]));
        assert!(client.is_closed());
        let mut client = logged_in(address, "admin");
        client.send(3, &by_name("t").with_operation(0));
        assert!(client.is_closed());
    });
}

#[test]
fn who_may_not_see_or_change_acls_is_refused() {
    on_each_secured_broker(|_, address| {
        let mut client = logged_in(address, "alice");
        assert!(describe(&mut client, 3, &by_name("t")).0.starts_with("31 "));
        assert!(create(&mut client, 3, vec![allow("alice", READ, TOPIC, "t")])[0].starts_with("31 "));
        assert!(delete(&mut client, 3, &by_name("t")).0.starts_with("31 "));
    });
}

#[test]
fn without_an_authorizer_security_is_disabled() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let mut client = Client::of(&broker);
    let code = ErrorCode::SecurityDisabled.code();
    let described = describe(&mut client, 3, &by_name("t"));
    assert_eq!(described.0, format!("{code} Some(\"No Authorizer is configured on the broker\")"));
    let disabled = format!("{code} Some(\"No Authorizer is configured.\")");
    assert_eq!(create(&mut client, 3, vec![allow("alice", READ, TOPIC, "t")]), std::slice::from_ref(&disabled));
    assert_eq!(delete(&mut client, 3, &by_name("t")), (disabled, 0));
}
