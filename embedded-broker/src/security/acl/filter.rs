//! Which ACLs are meant when they are described or deleted.

use super::binding::Acl;
use super::kinds::{ANY, MATCH, Operation, PatternType, Permission, ResourceType};
use crate::error::{Error, ErrorCode};

/// What all ACLs that are meant have in common; what is absent counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AclFilter {
    resource: Option<ResourceType>,
    name: Option<String>,
    pattern: PatternFilter,
    principal: Option<String>,
    host: Option<String>,
    operation: Option<Operation>,
    permission: Option<Permission>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PatternFilter {
    Any,
    /// The patterns that stand for the name of the filter.
    Match,
    Exactly(PatternType),
}

/// A filter as a request names it, with numbers for words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsAsked<'a> {
    pub(crate) resource: i8,
    pub(crate) name: Option<&'a str>,
    pub(crate) pattern: i8,
    pub(crate) principal: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    pub(crate) operation: i8,
    pub(crate) permission: i8,
}

impl AsAsked<'_> {
    /// Whether a number is missing, which no client sends.
    pub(crate) fn is_incomplete(&self) -> bool {
        [self.resource, self.pattern, self.operation, self.permission].contains(&0)
    }
}

impl AclFilter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST`, with Kafka's words, when it has a number that stands for no word.
    pub(crate) fn of(asked: AsAsked<'_>) -> Result<Self, Error> {
        let pattern = match asked.pattern {
            ANY => Some(PatternFilter::Any),
            MATCH => Some(PatternFilter::Match),
            number => PatternType::from_wire(number).map(PatternFilter::Exactly),
        };
        let pattern = word(asked.resource, ResourceType::from_wire).zip(pattern);
        let entry = word(asked.operation, Operation::from_wire).zip(word(asked.permission, Permission::from_wire));
        let unknown = |what: &str| Error::with_code(ErrorCode::InvalidRequest, format!("Unknown {what}."));
        let (resource, pattern) = pattern.ok_or_else(|| unknown("patternFilter"))?;
        let (operation, permission) = entry.ok_or_else(|| unknown("entryFilter"))?;
        Ok(Self {
            resource,
            name: asked.name.map(str::to_owned),
            pattern,
            principal: asked.principal.map(str::to_owned),
            host: asked.host.map(str::to_owned),
            operation,
            permission,
        })
    }

    pub(crate) fn matches(&self, acl: &Acl) -> bool {
        self.resource.is_none_or(|resource| resource == acl.resource)
            && self.matches_pattern(acl)
            && self.principal.as_ref().is_none_or(|principal| *principal == acl.principal)
            && self.host.as_ref().is_none_or(|host| *host == acl.host)
            && self.operation.is_none_or(|operation| operation == acl.operation)
            && self.permission.is_none_or(|permission| permission == acl.permission)
    }

    fn matches_pattern(&self, acl: &Acl) -> bool {
        let same_name = self.name.as_ref().is_none_or(|name| *name == acl.name);
        match (self.pattern, &self.name) {
            (PatternFilter::Exactly(pattern), _) => pattern == acl.pattern && same_name,
            (PatternFilter::Any, _) | (PatternFilter::Match, None) => same_name,
            (PatternFilter::Match, Some(name)) => match acl.pattern {
                PatternType::Literal => same_name || acl.name == "*",
                PatternType::Prefixed => name.starts_with(&acl.name),
            },
        }
    }
}

/// A word, none where all are meant, or nothing where there is no such word.
#[expect(clippy::option_option, reason = "no word and every word are different things")]
fn word<T>(number: i8, from_wire: impl Fn(i8) -> Option<T>) -> Option<Option<T>> {
    if number == ANY { Some(None) } else { from_wire(number).map(Some) }
}
