//! What the options of `kafka-acls` stand for: resources, and entries for each.

use std::collections::{BTreeMap, BTreeSet};

use super::options::Options;
use crate::wire::{AclEntry, AclOperation, AclResource, PatternType, Permission, ResourcePattern};

use AclOperation::{
    Alter, AlterConfigs, ClusterAction, Create, CreateTokens, Delete, Describe, DescribeConfigs, DescribeTokens,
    IdempotentWrite, Read, TwoPhaseCommit, Write,
};

/// Entries by resource; none mean all that the resource has, where they are removed.
pub(super) type Wanted = BTreeMap<ResourcePattern, BTreeSet<AclEntry>>;

/// Stands for every address.
const ANY_HOST: &str = "*";
/// The name of the one resource that a cluster is.
const CLUSTER: &str = "kafka-cluster";

/// Why options stand for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// In the words of the script, on standard error.
    Usage(String),
    /// What the script has an `IllegalArgumentException` for, on standard output.
    Illegal(String),
}

/// What is to be added.
///
/// # Errors
/// The options stand for nothing that can be added.
pub(super) fn additions(options: &Options) -> Result<Wanted, Refused> {
    let pattern = pattern_type(options)?;
    if !matches!(pattern, PatternType::Literal | PatternType::Prefixed) {
        let not_valid = "is not valid when adding acls.";
        return Err(Refused::Usage(format!("A '--resource-pattern-type' value of '{pattern}' {not_valid}")));
    }
    let wanted = removals(options)?;
    if wanted.values().any(BTreeSet::is_empty) {
        let who = "You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.";
        return Err(Refused::Usage(who.to_owned()));
    }
    Ok(wanted)
}

/// What is to be removed.
///
/// # Errors
/// The options stand for nothing.
pub(super) fn removals(options: &Options) -> Result<Wanted, Refused> {
    let named = resources(options)?;
    if named.is_empty() {
        let one = "You must provide at least one resource: --topic <topic> or --cluster or --group <group> or \
                   --delegation-token <Delegation Token ID>";
        return Err(Refused::Usage(one.to_owned()));
    }
    let mut wanted = Wanted::new();
    if !options.producer && !options.consumer {
        let operations: Vec<AclOperation> = match &options.operation[..] {
            [] => vec![AclOperation::All],
            names => names.iter().map(|name| operation(name)).collect(),
        };
        let entries = entries(options, &operations)?;
        wanted.extend(named.iter().map(|pattern| (pattern.clone(), entries.clone())));
    }
    let mut add = |resource, operations: &[AclOperation]| {
        let entries = entries(options, operations)?;
        for pattern in named.iter().filter(|pattern| pattern.resource == resource) {
            wanted.entry(pattern.clone()).or_default().extend(entries.iter().cloned());
        }
        Ok(())
    };
    if options.producer {
        add(AclResource::Topic, &[Write, Describe, Create])?;
        add(AclResource::TransactionalId, &[Write, Describe])?;
    }
    if options.consumer {
        add(AclResource::Topic, &[Read, Describe])?;
        add(AclResource::Group, &[Read])?;
    }
    if options.producer && options.idempotent {
        wanted.insert(cluster(), entries(options, &[IdempotentWrite])?);
    }
    wanted.iter().try_for_each(|(pattern, entries)| check_operations(pattern.resource, entries))?;
    Ok(wanted)
}

/// The resources that are named; with patterns of names, the cluster is none.
///
/// # Errors
/// There is no such type of pattern.
pub(super) fn resources(options: &Options) -> Result<BTreeSet<ResourcePattern>, Refused> {
    let pattern = pattern_type(options)?;
    let named = [
        (AclResource::Topic, &options.topic),
        (AclResource::Group, &options.group),
        (AclResource::TransactionalId, &options.transactional_id),
        (AclResource::DelegationToken, &options.delegation_token),
        (AclResource::User, &options.user_principal),
    ];
    let mut resources = BTreeSet::new();
    for (resource, names) in named {
        let one = |name: &String| ResourcePattern { resource, name: Some(name.trim().to_owned()), pattern };
        resources.extend(names.iter().map(one));
    }
    if pattern == PatternType::Literal && (options.cluster || options.idempotent) {
        resources.insert(cluster());
    }
    Ok(resources)
}

fn cluster() -> ResourcePattern {
    ResourcePattern { resource: AclResource::Cluster, name: Some(CLUSTER.to_owned()), pattern: PatternType::Literal }
}

/// The principals that are named.
///
/// # Errors
/// One of them is no principal.
pub(super) fn principals(names: &[String]) -> Result<BTreeSet<String>, Refused> {
    let principal = |name: &String| match name.trim() {
        name if name.contains(':') => Ok(name.to_owned()),
        name => {
            let expected = "expected a string in format principalType:principalName but got";
            Err(Refused::Illegal(format!("{expected} {name}")))
        }
    };
    names.iter().map(principal).collect()
}

fn pattern_type(options: &Options) -> Result<PatternType, Refused> {
    let name = &options.resource_pattern_type;
    let known = PatternType::ALL.iter().find(|pattern| pattern.name().eq_ignore_ascii_case(name));
    match known {
        Some(&pattern) if pattern != PatternType::Unknown => Ok(pattern),
        _ => Err(Refused::Usage(format!("Cannot parse argument '{name}' of option resource-pattern-type"))),
    }
}

/// The operation of a name as `DescribeConfigs`, without regard to case.
fn operation(name: &str) -> AclOperation {
    let is_it = |operation: &&AclOperation| operation.name().replace('_', "").eq_ignore_ascii_case(name.trim());
    AclOperation::ALL.iter().find(is_it).copied().unwrap_or(AclOperation::Unknown)
}

fn entries(options: &Options, operations: &[AclOperation]) -> Result<BTreeSet<AclEntry>, Refused> {
    let mut entries = BTreeSet::new();
    let sides = [
        (Permission::Allow, &options.allow_principal, &options.allow_host),
        (Permission::Deny, &options.deny_principal, &options.deny_host),
    ];
    for (permission, names, hosts) in sides {
        for principal in principals(names)? {
            let any = [ANY_HOST.to_owned()];
            for host in if hosts.is_empty() { &any[..] } else { hosts } {
                let (principal, host) = (principal.clone(), host.trim().to_owned());
                entries.extend(operations.iter().map(|&operation| AclEntry {
                    principal: principal.clone(),
                    host: host.clone(),
                    operation,
                    permission,
                }));
            }
        }
    }
    Ok(entries)
}

fn check_operations(resource: AclResource, entries: &BTreeSet<AclEntry>) -> Result<(), Refused> {
    let known = operations_of(resource);
    let is_known = |entry: &AclEntry| entry.operation == AclOperation::All || known.contains(&entry.operation);
    if entries.iter().all(is_known) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().chain([&AclOperation::All]).map(|operation| operation.name()).collect();
    let names = names.join(", ");
    Err(Refused::Usage(format!("ResourceType {resource} only supports operations [{names}]")))
}

/// What can be done with a resource, but for all of it.
fn operations_of(resource: AclResource) -> &'static [AclOperation] {
    match resource {
        AclResource::Topic => &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs],
        AclResource::Group => &[Read, Describe, Delete, DescribeConfigs, AlterConfigs],
        AclResource::Cluster => {
            &[Create, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, Alter, Describe]
        }
        AclResource::TransactionalId => &[Describe, Write, TwoPhaseCommit],
        AclResource::DelegationToken => &[Describe],
        AclResource::User => &[CreateTokens, DescribeTokens],
        AclResource::Unknown | AclResource::Any => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::{super::options::tests::options, *};

    fn added(said: &str) -> Vec<String> {
        let wanted = additions(&options(&format!("--add {said}"))).unwrap();
        let of = |(pattern, entries): (ResourcePattern, BTreeSet<AclEntry>)| {
            let name = pattern.name.unwrap();
            let entry = |entry: AclEntry| {
                let AclEntry { principal, host, operation, permission } = entry;
                format!("{permission} {principal} {operation} {} {name} from {host}", pattern.resource)
            };
            entries.into_iter().map(entry).collect::<Vec<_>>()
        };
        wanted.into_iter().flat_map(of).collect()
    }

    fn refused(said: &str) -> Refused {
        additions(&options(&format!("--add {said}"))).unwrap_err()
    }

    #[test]
    fn one_operation_is_one_entry() {
        assert_eq!(
            added("--allow-principal User:bob --operation read --topic shop"),
            ["ALLOW User:bob READ TOPIC shop from *"]
        );
        assert_eq!(
            added("--deny-principal User:carol --deny-host 10.0.0.1 --group *"),
            ["DENY User:carol ALL GROUP * from 10.0.0.1"]
        );
    }

    #[test]
    fn a_producer_needs_its_topic_its_transactional_id_and_the_cluster() {
        assert_eq!(
            added("--allow-principal User:bob --producer --idempotent --topic shop --transactional-id pay"),
            [
                "ALLOW User:bob WRITE TOPIC shop from *",
                "ALLOW User:bob CREATE TOPIC shop from *",
                "ALLOW User:bob DESCRIBE TOPIC shop from *",
                "ALLOW User:bob IDEMPOTENT_WRITE CLUSTER kafka-cluster from *",
                "ALLOW User:bob WRITE TRANSACTIONAL_ID pay from *",
                "ALLOW User:bob DESCRIBE TRANSACTIONAL_ID pay from *",
            ]
        );
    }

    #[test]
    fn a_consumer_needs_its_topic_and_its_group() {
        assert_eq!(
            added("--allow-principal User:bob --consumer --topic shop --group g"),
            [
                "ALLOW User:bob READ TOPIC shop from *",
                "ALLOW User:bob DESCRIBE TOPIC shop from *",
                "ALLOW User:bob READ GROUP g from *",
            ]
        );
    }

    #[test]
    fn who_does_both_has_both_on_the_topic() {
        assert_eq!(added("--allow-principal User:bob --consumer --producer --topic shop --group g").len(), 5);
    }

    #[test]
    fn what_cannot_be_added_is_refused() {
        let usage = |text: &str| Refused::Usage(text.to_owned());
        assert_eq!(
            refused("--operation Read --topic shop"),
            usage("You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.")
        );
        assert_eq!(
            refused("--allow-principal User:a --operation Read"),
            usage(
                "You must provide at least one resource: --topic <topic> or --cluster or --group <group> or \
                 --delegation-token <Delegation Token ID>"
            )
        );
        assert_eq!(
            refused("--allow-principal User:a --topic t --resource-pattern-type any"),
            usage("A '--resource-pattern-type' value of 'ANY' is not valid when adding acls.")
        );
        let Refused::Usage(told) = refused("--allow-principal User:a --operation create --group g") else { panic!() };
        assert_eq!(
            told,
            "ResourceType GROUP only supports operations [READ, DESCRIBE, DELETE, DESCRIBE_CONFIGS, ALTER_CONFIGS, ALL]"
        );
        assert_eq!(
            refused("--allow-principal alice --operation Read --topic t"),
            Refused::Illegal("expected a string in format principalType:principalName but got alice".to_owned())
        );
    }

    #[test]
    fn names_of_operations_have_no_underscores() {
        assert_eq!(operation("DescribeConfigs"), DescribeConfigs);
        assert_eq!(operation(" describeconfigs "), DescribeConfigs);
        assert_eq!(operation("DESCRIBE_CONFIGS"), AclOperation::Unknown);
    }

    #[test]
    fn what_is_removed_may_be_all_of_a_resource() {
        let wanted = removals(&options("--remove --topic shop --operation read")).unwrap();
        assert_eq!(wanted.into_values().collect::<Vec<_>>(), [BTreeSet::new()]);
    }
}
