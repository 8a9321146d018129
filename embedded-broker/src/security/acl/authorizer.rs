//! The decision: may this client do that?
//!
//! As Kafka's `StandardAuthorizer`: super users may do anything; an ACL that denies wins over all that allow; what no ACL is
//! about goes by `allow.everyone.if.no.acl.found`; to read, write, delete or alter implies to describe, and to alter configs
//! to describe them, when it is allowed and not when it is denied.

use std::collections::{BTreeSet, HashSet};

use parking_lot::RwLock;

use super::binding::Acl;
use super::filter::AclFilter;
use super::kinds::{Operation, PatternType, Permission, ResourceType};
use super::resource::Resource;
use super::settings::AclSettings;
use super::store::Acls;
use crate::security::principal::Principal;

/// Judges requests.
#[derive(Debug)]
pub(crate) struct Authorizer {
    settings: AclSettings,
    acls: RwLock<Acls>,
}

/// Who asks, and from where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) principal: &'a Principal,
    /// Its address.
    pub(crate) host: &'a str,
}

impl Client<'_> {
    fn is_meant(self, acl: &Acl) -> bool {
        let own = acl.principal.split_once(':');
        let is_principal =
            own.is_some_and(|(kind, name)| *kind == *self.principal.kind && *name == *self.principal.name);
        (is_principal || acl.principal == "User:*") && (acl.host == "*" || acl.host == self.host)
    }
}

impl Authorizer {
    pub(crate) fn new(settings: AclSettings) -> Self {
        Self { settings, acls: RwLock::default() }
    }

    /// Whether the client may do this.
    pub(crate) fn authorize(&self, client: Client<'_>, operation: Operation, resource: Resource<'_>) -> bool {
        let may = self.decide(client, operation, resource);
        if !may {
            let Client { principal, host } = client;
            tracing::debug!(%principal, host, ?operation, ?resource, "denied");
        }
        may
    }

    fn decide(&self, client: Client<'_>, operation: Operation, resource: Resource<'_>) -> bool {
        if self.is_super_user(client.principal) {
            return true;
        }
        let acls = self.acls.read();
        let (mut is_about, mut is_allowed) = (false, false);
        for acl in acls.standing_for(resource.kind(), resource.name()) {
            is_about = true;
            if client.is_meant(acl) && covers(acl, operation) {
                match acl.permission {
                    Permission::Deny => return false,
                    Permission::Allow => is_allowed = true,
                }
            }
        }
        if is_about { is_allowed } else { self.settings.allow_everyone }
    }

    /// Whether there can be a resource of this type to which the client may do this.
    pub(crate) fn authorize_any_topic(&self, client: Client<'_>, operation: Operation) -> bool {
        // As Kafka: a name nobody has shows what goes for all names.
        if self.authorize(client, operation, Resource::Topic("hardcode")) {
            return true;
        }
        let acls = self.acls.read();
        let own: Vec<&Acl> = acls
            .of_type(ResourceType::Topic)
            .filter(|acl| client.is_meant(acl) && [operation, Operation::All].contains(&acl.operation))
            .collect();
        let of = |permission, pattern| {
            own.iter()
                .filter(move |acl| acl.permission == permission && acl.pattern == pattern)
                .map(|acl| acl.name.as_str())
        };
        let denied: HashSet<&str> = of(Permission::Deny, PatternType::Literal).collect();
        let denied_prefixes: HashSet<&str> = of(Permission::Deny, PatternType::Prefixed).collect();
        if denied.contains("*") {
            return false;
        }
        let is_open = |name: &str| {
            let mut prefixes = name.char_indices().map(|(at, char)| &name[..at + char.len_utf8()]);
            !prefixes.any(|prefix| denied_prefixes.contains(prefix))
        };
        of(Permission::Allow, PatternType::Literal).any(|name| name == "*" || (!denied.contains(name) && is_open(name)))
            || of(Permission::Allow, PatternType::Prefixed).any(is_open)
    }

    /// Goes by these as well; one that is there already changes nothing.
    pub(crate) fn create(&self, acls: impl IntoIterator<Item = Acl>) {
        let mut all = self.acls.write();
        acls.into_iter().for_each(|acl| all.insert(acl));
    }

    /// Goes by these no more.
    pub(crate) fn delete(&self, acls: &BTreeSet<Acl>) {
        self.acls.write().remove(acls);
    }

    pub(crate) fn has(&self, acl: &Acl) -> bool {
        self.acls.read().has(acl)
    }

    pub(crate) fn describe(&self, filter: &AclFilter) -> Vec<Acl> {
        self.acls.read().matching(filter).cloned().collect()
    }

    fn is_super_user(&self, principal: &Principal) -> bool {
        let users = &self.settings.super_users;
        users.iter().any(|user| user.split_once(':') == Some((&*principal.kind, &*principal.name)))
    }
}

fn covers(acl: &Acl, operation: Operation) -> bool {
    use Operation::{All, Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};
    if acl.operation == All || acl.operation == operation {
        return true;
    }
    acl.permission == Permission::Allow
        && match operation {
            Describe => [Read, Write, Delete, Alter].contains(&acl.operation),
            DescribeConfigs => acl.operation == AlterConfigs,
            _ => false,
        }
}
