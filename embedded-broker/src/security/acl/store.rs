//! All ACLs, so that those for one name are found at once.

use std::collections::{BTreeSet, HashMap};

use super::binding::Acl;
use super::filter::AclFilter;
use super::kinds::{PatternType, ResourceType};

/// All ACLs: each once, and beside it what is needed to find those for a name.
#[derive(Debug, Default)]
pub(super) struct Acls {
    all: BTreeSet<Acl>,
    literal: HashMap<ResourceType, HashMap<String, Vec<Acl>>>,
    prefixed: HashMap<ResourceType, HashMap<String, Vec<Acl>>>,
}

impl Acls {
    /// Adds an ACL; one that is there already changes nothing.
    pub(super) fn insert(&mut self, acl: Acl) {
        if self.all.insert(acl.clone()) {
            self.index(acl.pattern).entry(acl.resource).or_default().entry(acl.name.clone()).or_default().push(acl);
        }
    }

    pub(super) fn has(&self, acl: &Acl) -> bool {
        self.all.contains(acl)
    }

    /// Takes these away.
    pub(super) fn remove(&mut self, acls: &BTreeSet<Acl>) {
        for acl in acls {
            self.all.remove(acl);
            if let Some(by_name) = self.index(acl.pattern).get_mut(&acl.resource)
                && let Some(named) = by_name.get_mut(&acl.name)
            {
                named.retain(|one| one != acl);
                if named.is_empty() {
                    by_name.remove(&acl.name);
                }
            }
        }
    }

    pub(super) fn matching(&self, filter: &AclFilter) -> impl Iterator<Item = &Acl> {
        self.all.iter().filter(|acl| filter.matches(acl))
    }

    pub(super) fn of_type(&self, resource: ResourceType) -> impl Iterator<Item = &Acl> {
        self.all.iter().filter(move |acl| acl.resource == resource)
    }

    /// Those whose pattern stands for this name.
    pub(super) fn standing_for<'a>(&'a self, resource: ResourceType, name: &'a str) -> impl Iterator<Item = &'a Acl> {
        let literal = self.literal.get(&resource);
        let own = literal.and_then(|by_name| by_name.get(name));
        let of_all = literal.and_then(|by_name| by_name.get("*")).filter(|_| name != "*");
        let prefixes = self.prefixed.get(&resource).filter(|by_prefix| !by_prefix.is_empty());
        let prefixed = prefixes.into_iter().flat_map(move |by_prefix| {
            let ends = (1..=name.len()).filter(|&end| name.is_char_boundary(end));
            ends.filter_map(|end| by_prefix.get(&name[..end]))
        });
        own.into_iter().chain(of_all).chain(prefixed).flatten()
    }

    fn index(&mut self, pattern: PatternType) -> &mut HashMap<ResourceType, HashMap<String, Vec<Acl>>> {
        match pattern {
            PatternType::Literal => &mut self.literal,
            PatternType::Prefixed => &mut self.prefixed,
        }
    }
}
