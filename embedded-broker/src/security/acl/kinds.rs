//! The words of ACLs, with Kafka's numbers for them.

use serde::{Deserialize, Serialize};

/// What a filter says for every word.
pub(super) const ANY: i8 = 1;
/// What a filter says for all patterns that stand for its name.
pub(super) const MATCH: i8 = 2;

/// Words that stand for numbers; `ALL` has them in the order of their numbers.
macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) enum $name { $($variant = $number,)* }

        impl $name {
            const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(crate) fn from_wire(number: i8) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.wire() == number)
            }

            pub(crate) const fn wire(self) -> i8 {
                self as i8
            }
        }
    };
}

kinds! {
    /// What an ACL is about.
    ResourceType {
        Topic = 2,
        Group = 3,
        Cluster = 4,
        TransactionalId = 5,
        DelegationToken = 6,
        User = 7,
    }
}

kinds! {
    /// What is done.
    Operation {
        All = 2,
        Read = 3,
        Write = 4,
        Create = 5,
        Delete = 6,
        Alter = 7,
        Describe = 8,
        ClusterAction = 9,
        DescribeConfigs = 10,
        AlterConfigs = 11,
        IdempotentWrite = 12,
        CreateTokens = 13,
        DescribeTokens = 14,
        TwoPhaseCommit = 15,
    }
}

kinds! {
    /// Whether it may be done.
    Permission {
        Deny = 2,
        Allow = 3,
    }
}

kinds! {
    /// How the name of an ACL stands for names of resources.
    PatternType {
        Literal = 3,
        Prefixed = 4,
    }
}
