//! What the configs say of ACLs.

use std::collections::BTreeSet;

use crate::config::layers::Configs;

const CLASS: &str = "authorizer.class.name";
const SUPER_USERS: &str = "super.users";
const ALLOW_EVERYONE: &str = "allow.everyone.if.no.acl.found";

/// The one class that is known, which is Kafka's own.
pub(crate) const STANDARD_AUTHORIZER: &str = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

/// Whether a config is about ACLs.
pub(crate) fn is_ours(key: &str) -> bool {
    [CLASS, SUPER_USERS, ALLOW_EVERYONE].contains(&key)
}

/// How requests are judged, where they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AclSettings {
    /// `super.users`: they may do anything.
    pub(crate) super_users: BTreeSet<String>,
    /// `allow.everyone.if.no.acl.found`: what no ACL is about may be done by anybody.
    pub(crate) allow_everyone: bool,
}

impl AclSettings {
    /// Reads the configs; nothing when requests are not judged.
    pub(crate) fn resolve(configs: &Configs) -> Result<Option<Self>, Vec<String>> {
        let said = |key: &str| configs.get(key).map_or("", |value| value.trim());
        match said(CLASS) {
            "" => return Ok(None),
            STANDARD_AUTHORIZER => {}
            other => return Err(vec![format!("{CLASS} can be {STANDARD_AUTHORIZER} only, not {other}")]),
        }
        let users: Vec<&str> = said(SUPER_USERS).split(';').map(str::trim).filter(|user| !user.is_empty()).collect();
        let strangers = users.iter().filter(|user| !user.contains(':'));
        let mistakes: Vec<String> = strangers
            .map(|user| {
                format!("{SUPER_USERS}: expected a string in format principalType:principalName but got {user}")
            })
            .collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        // As Java reads a boolean: whatever is not true is false.
        let allow_everyone = said(ALLOW_EVERYONE).eq_ignore_ascii_case("true");
        Ok(Some(Self { super_users: users.into_iter().map(str::to_owned).collect(), allow_everyone }))
    }
}
