//! Decisions, rule by rule.

use super::authorizer::{Authorizer, Client};
use super::binding::{Acl, AclCreation};
use super::filter::{AclFilter, AsAsked};
use super::kinds::{Operation, PatternType, Permission, ResourceType};
use super::resource::Resource;
use super::settings::{AclSettings, STANDARD_AUTHORIZER};
use crate::security::principal::Principal;

/// An ACL as `allow Read Topic:orders User:alice [host]`; a name that ends in `>` is a prefix.
fn acl(text: &str) -> Acl {
    let mut words = text.split(' ');
    let mut next = || words.next().unwrap_or("*");
    let permission = if next() == "deny" { Permission::Deny } else { Permission::Allow };
    let operation = next();
    let operation = (0..16).filter_map(Operation::from_wire).find(|known| format!("{known:?}") == operation).unwrap();
    let (resource, name) = next().split_once(':').unwrap();
    let resource = (0..8).filter_map(ResourceType::from_wire).find(|known| format!("{known:?}") == resource).unwrap();
    let (name, pattern) =
        name.strip_suffix('>').map_or((name, PatternType::Literal), |name| (name, PatternType::Prefixed));
    let (principal, host) = (next().to_owned(), next().to_owned());
    Acl { resource, pattern, name: name.to_owned(), principal, host, operation, permission }
}

fn authorizer(allow_everyone: bool, acls: &[&str]) -> Authorizer {
    let super_users = ["User:root".to_owned()].into();
    let authorizer = Authorizer::new(AclSettings { super_users, allow_everyone });
    authorizer.create(acls.iter().copied().map(acl));
    authorizer
}

fn may(authorizer: &Authorizer, user: &str, operation: Operation, resource: Resource<'_>) -> bool {
    authorizer.authorize(Client { principal: &Principal::user(user), host: "10.0.0.1" }, operation, resource)
}

fn alice_may_read(acls: &[&str], topic: &str) -> bool {
    may(&authorizer(false, acls), "alice", Operation::Read, Resource::Topic(topic))
}

const T: Resource<'static> = Resource::Topic("orders");

#[test]
fn names_are_literal_prefixed_or_a_star() {
    let literal = ["allow Read Topic:orders User:alice"];
    assert!(alice_may_read(&literal, "orders"));
    assert!(!alice_may_read(&literal, "orders2"));
    let prefixed = ["allow Read Topic:ord> User:alice"];
    assert!(alice_may_read(&prefixed, "orders") && alice_may_read(&prefixed, "ord"));
    assert!(!alice_may_read(&prefixed, "or"));
    assert!(alice_may_read(&["allow Read Topic:* User:alice"], "anything"));
    assert!(!alice_may_read(&["allow Read Topic:*> User:alice"], "anything"), "a star is a letter in a prefix");
    assert!(alice_may_read(&["allow Read Topic:ö> User:alice"], "öl"));
}

#[test]
fn an_acl_is_for_a_user_and_a_host_or_for_all() {
    assert!(!alice_may_read(&["allow Read Topic:orders User:bob"], "orders"));
    assert!(!alice_may_read(&["allow Read Topic:orders Group:alice"], "orders"));
    assert!(alice_may_read(&["allow Read Topic:orders User:*"], "orders"));
    assert!(alice_may_read(&["allow Read Topic:orders User:alice 10.0.0.1"], "orders"));
    assert!(!alice_may_read(&["allow Read Topic:orders User:alice 10.0.0.2"], "orders"));
    assert!(!alice_may_read(&["allow Read Group:orders User:alice"], "orders"), "another type");
}

#[test]
fn what_denies_wins_wherever_it_stands() {
    for deny in ["deny Read Topic:orders User:alice", "deny All Topic:* User:*", "deny Read Topic:o> User:alice"] {
        assert!(!alice_may_read(&["allow All Topic:orders User:alice", deny], "orders"), "{deny}");
    }
    assert!(alice_may_read(&["allow All Topic:* User:alice", "deny Read Topic:x User:alice"], "orders"));
}

#[test]
fn what_may_be_changed_may_be_seen_but_what_is_denied_hides_only_itself() {
    for (held, implied) in [
        ("Read", Operation::Describe),
        ("Write", Operation::Describe),
        ("Delete", Operation::Describe),
        ("Alter", Operation::Describe),
        ("AlterConfigs", Operation::DescribeConfigs),
    ] {
        let authorizer = authorizer(false, &[&format!("allow {held} Topic:orders User:alice")]);
        assert!(may(&authorizer, "alice", implied, T), "{held}");
    }
    for other in ["Create", "AlterConfigs", "DescribeConfigs"] {
        let authorizer = authorizer(false, &[&format!("allow {other} Topic:orders User:alice")]);
        assert!(!may(&authorizer, "alice", Operation::Describe, T), "{other}");
    }
    let denied = authorizer(false, &["deny Read Topic:orders User:alice", "allow Describe Topic:orders User:alice"]);
    assert!(may(&denied, "alice", Operation::Describe, T));
}

#[test]
fn super_users_may_do_what_is_denied() {
    let authorizer = authorizer(false, &["deny All Topic:* User:*"]);
    assert!(may(&authorizer, "root", Operation::Write, T));
    assert!(!may(&authorizer, "alice", Operation::Write, T));
}

#[test]
fn what_no_acl_is_about_goes_by_the_config() {
    assert!(!may(&authorizer(false, &[]), "alice", Operation::Read, T));
    let open = authorizer(true, &["allow Read Topic:other User:bob"]);
    assert!(may(&open, "alice", Operation::Read, T));
    assert!(!may(&open, "alice", Operation::Read, Resource::Topic("other")), "an ACL for somebody else is one");
}

fn may_write_somewhere(acls: &[&str]) -> bool {
    let client = Principal::user("alice");
    authorizer(false, acls).authorize_any_topic(Client { principal: &client, host: "h" }, Operation::Write)
}

#[test]
fn a_topic_to_write_to_is_one_that_is_allowed_and_not_denied() {
    assert!(!may_write_somewhere(&[]));
    assert!(may_write_somewhere(&["allow Write Topic:a User:alice"]));
    assert!(may_write_somewhere(&["allow All Topic:a> User:*"]));
    assert!(!may_write_somewhere(&["allow Read Topic:a User:alice"]));
    assert!(!may_write_somewhere(&["allow Write Topic:a User:alice", "deny Write Topic:a User:alice"]));
    assert!(!may_write_somewhere(&["allow Write Topic:ab> User:alice", "deny Write Topic:a> User:alice"]));
    assert!(may_write_somewhere(&["allow Write Topic:a> User:alice", "deny Write Topic:ab> User:alice"]));
    assert!(!may_write_somewhere(&["allow Write Topic:a User:alice", "deny Write Topic:* User:alice"]));
    assert!(may_write_somewhere(&["allow Write Topic:* User:alice", "deny Write Topic:a User:alice"]));
}

const EVERYTHING: AsAsked<'static> =
    AsAsked { resource: 1, name: None, pattern: 1, principal: None, host: None, operation: 1, permission: 1 };

fn found(filter: AsAsked<'_>) -> Vec<String> {
    let authorizer = authorizer(
        false,
        &[
            "allow Read Topic:orders User:alice",
            "allow Read Topic:ord> User:alice",
            "deny Write Topic:* User:bob 10.0.0.1",
            "allow Read Group:orders User:alice",
        ],
    );
    let filter = AclFilter::of(filter).unwrap();
    let described = authorizer.describe(&filter);
    authorizer.delete(&described.iter().cloned().collect());
    assert!(authorizer.describe(&filter).is_empty());
    described.into_iter().map(|acl| format!("{:?}:{:?}:{}", acl.resource, acl.pattern, acl.name)).collect()
}

#[test]
fn filters_mean_all_that_have_what_they_say() {
    assert_eq!(found(EVERYTHING).len(), 4);
    assert_eq!(found(AsAsked { resource: 3, ..EVERYTHING }), ["Group:Literal:orders"]);
    assert_eq!(found(AsAsked { resource: 2, name: Some("orders"), ..EVERYTHING }), ["Topic:Literal:orders"]);
    assert_eq!(found(AsAsked { pattern: 4, ..EVERYTHING }), ["Topic:Prefixed:ord"]);
    assert_eq!(found(AsAsked { pattern: 3, name: Some("*"), ..EVERYTHING }), ["Topic:Literal:*"]);
    let standing_for = found(AsAsked { resource: 2, pattern: 2, name: Some("orders"), ..EVERYTHING });
    assert_eq!(standing_for, ["Topic:Literal:*", "Topic:Literal:orders", "Topic:Prefixed:ord"]);
    for bobs in [
        AsAsked { principal: Some("User:bob"), ..EVERYTHING },
        AsAsked { host: Some("10.0.0.1"), ..EVERYTHING },
        AsAsked { operation: 4, ..EVERYTHING },
        AsAsked { permission: 2, ..EVERYTHING },
    ] {
        assert_eq!(found(bobs), ["Topic:Literal:*"], "{bobs:?}");
    }
}

#[test]
fn filters_with_words_nobody_knows_are_refused() {
    for (filter, why) in [
        (AsAsked { resource: 8, ..EVERYTHING }, "Unknown patternFilter."),
        (AsAsked { pattern: 9, ..EVERYTHING }, "Unknown patternFilter."),
        (AsAsked { operation: 99, ..EVERYTHING }, "Unknown entryFilter."),
        (AsAsked { permission: -1, ..EVERYTHING }, "Unknown entryFilter."),
    ] {
        assert_eq!(AclFilter::of(filter).unwrap_err().message(), why);
    }
    assert!(AsAsked { operation: 0, ..EVERYTHING }.is_incomplete());
    assert!(!EVERYTHING.is_incomplete());
}

#[test]
fn an_acl_says_exactly_what_it_is_about() {
    let good = AclCreation {
        resource: 2,
        pattern: 3,
        name: "orders",
        principal: "User:alice",
        host: "*",
        operation: 3,
        permission: 3,
    };
    assert_eq!(Acl::of(good).unwrap(), acl("allow Read Topic:orders User:alice"));
    for (asked, why) in [
        (AclCreation { resource: 4, ..good }, "The only valid name for the CLUSTER resource is kafka-cluster"),
        (AclCreation { name: "", ..good }, "Invalid empty resource name"),
        (AclCreation { resource: 8, ..good }, "Invalid resourceType UNKNOWN"),
        (AclCreation { pattern: 9, ..good }, "Invalid patternType UNKNOWN"),
        (AclCreation { operation: 99, ..good }, "Invalid operation UNKNOWN"),
        (AclCreation { permission: 9, ..good }, "Invalid permissionType UNKNOWN"),
        (
            AclCreation { principal: "alice", ..good },
            "Could not parse principal from `alice` (no colon is present separating the principal type from the \
             principal name)",
        ),
    ] {
        assert_eq!(Acl::of(asked).unwrap_err().message(), why);
    }
}

#[test]
fn what_lacks_a_number_or_is_like_a_filter_is_seen() {
    let good = AclCreation { resource: 2, pattern: 3, name: "", principal: "", host: "", operation: 3, permission: 3 };
    assert!(!good.is_incomplete() && !good.is_like_a_filter());
    assert!(AclCreation { operation: 0, ..good }.is_incomplete());
    for like_a_filter in [
        AclCreation { resource: 1, ..good },
        AclCreation { pattern: 2, ..good },
        AclCreation { operation: 1, ..good },
        AclCreation { permission: 1, ..good },
    ] {
        assert!(like_a_filter.is_like_a_filter(), "{like_a_filter:?}");
    }
}

#[test]
fn requests_are_judged_when_there_is_an_authorizer() {
    let resolve = |pairs: &[(&str, &str)]| {
        AclSettings::resolve(&pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect())
    };
    assert_eq!(resolve(&[("super.users", "User:a")]), Ok(None));
    let class = ("authorizer.class.name", STANDARD_AUTHORIZER);
    let settings =
        resolve(&[class, ("super.users", "User:a; User:CN=b,O=c ;"), ("allow.everyone.if.no.acl.found", "TRUE")]);
    let super_users = ["User:a".to_owned(), "User:CN=b,O=c".to_owned()].into();
    assert_eq!(settings, Ok(Some(AclSettings { super_users, allow_everyone: true })));
    assert!(resolve(&[class, ("super.users", "alice")]).is_err());
    assert!(resolve(&[("authorizer.class.name", "com.example.Mine")]).is_err());
}
