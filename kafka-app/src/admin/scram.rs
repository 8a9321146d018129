//! SCRAM credentials of users.

use std::fmt;

use super::{AdminClient, PerItem, topics::distinct};
use crate::{
    client::{AlterScramCredentials, DescribeScramCredentials, is_built_with},
    config::Secret,
    error::{Error, ErrorKind, Result},
};

/// By which hash a password is checked; shown by Kafka's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScramMechanism {
    /// `SCRAM-SHA-256`.
    Sha256,
    /// `SCRAM-SHA-512`.
    Sha512,
    /// One that librdkafka has no name for.
    Unknown,
}

impl ScramMechanism {
    /// By Kafka's number.
    pub(crate) fn of(number: i32) -> Self {
        match number {
            1 => Self::Sha256,
            2 => Self::Sha512,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for ScramMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
            Self::Unknown => "UNKNOWN",
        })
    }
}

/// A credential of a user: everything but the secret; Kafka's `ScramCredentialInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScramCredential {
    /// By which hash the password is checked.
    pub mechanism: ScramMechanism,
    /// How often it is hashed.
    pub iterations: i32,
}

/// A change of a user's credentials; Kafka's `UserScramCredentialAlteration`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScramAlteration {
    /// Makes it or puts it in the place of the one there is.
    Upsert {
        /// Whose it is.
        user: String,
        /// By which hash the password is checked.
        mechanism: ScramMechanism,
        /// How often it is hashed: 4096 to 16384.
        iterations: i32,
        /// It never leaves the client.
        password: Secret,
    },
    /// Deletes it.
    Delete {
        /// Whose it is.
        user: String,
        /// Which of the user's.
        mechanism: ScramMechanism,
    },
}

/// Kafka's least, and its tools' default.
const ITERATIONS: i32 = 4096;

impl ScramAlteration {
    /// Sets a password, hashed 4096 times.
    pub fn upsert(user: impl Into<String>, mechanism: ScramMechanism, password: impl Into<Secret>) -> Self {
        Self::Upsert { user: user.into(), mechanism, iterations: ITERATIONS, password: password.into() }
    }

    /// Deletes a credential.
    pub fn delete(user: impl Into<String>, mechanism: ScramMechanism) -> Self {
        Self::Delete { user: user.into(), mechanism }
    }

    /// Whose it is.
    #[must_use]
    pub fn user(&self) -> &str {
        match self {
            Self::Upsert { user, .. } | Self::Delete { user, .. } => user,
        }
    }

    fn is_upsert(&self) -> bool {
        matches!(self, Self::Upsert { .. })
    }
}

/// What setting a password takes.
const NO_OPENSSL: &str = "this build cannot set SCRAM credentials: librdkafka hashes passwords with OpenSSL; \
                          use the feature `tls-system` or `tls-vendored` of kafka-app";

impl AdminClient {
    /// The credentials of users, of all of them if none is named. Of one who has none, `RESOURCE_NOT_FOUND`.
    ///
    /// # Errors
    /// No broker answered in time, or it refused.
    pub async fn describe_scram_credentials<U: Into<String>>(
        &self,
        users: impl IntoIterator<Item = U>,
    ) -> Result<PerItem<String, Vec<ScramCredential>>> {
        self.ask("listing credentials", DescribeScramCredentials(distinct(users))).await
    }

    /// Sets and deletes credentials. All changes of a user are made, or none.
    ///
    /// ```no_run
    /// use kafka_app::admin::{AdminClient, ScramAlteration, ScramMechanism};
    ///
    /// # async fn example(admin: AdminClient, password: String) -> kafka_app::Result<()> {
    /// let alice = ScramAlteration::upsert("alice", ScramMechanism::Sha512, password);
    /// admin.alter_scram_credentials(&[alice]).await?.remove("alice").unwrap()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time; or a password is to be set and the client was built without OpenSSL, which the features
    /// `tls-system` and `tls-vendored` bring.
    pub async fn alter_scram_credentials(&self, alterations: &[ScramAlteration]) -> Result<PerItem<String, ()>> {
        if alterations.is_empty() {
            return Ok(PerItem::new());
        }
        if alterations.iter().any(ScramAlteration::is_upsert) && !is_built_with("ssl") {
            return Err(Error::new(ErrorKind::Config, NO_OPENSSL));
        }
        self.ask("changing credentials", AlterScramCredentials(alterations.to_vec())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mechanisms_are_shown_by_kafkas_names() {
        let shown = [0, 1, 2].map(|number| ScramMechanism::of(number).to_string());
        assert_eq!(shown, ["UNKNOWN", "SCRAM-SHA-256", "SCRAM-SHA-512"]);
    }

    #[test]
    fn a_password_is_never_shown() {
        let alice = ScramAlteration::upsert("alice", ScramMechanism::Sha256, "wonderland");
        assert!(!format!("{alice:?}").contains("wonderland"));
        assert_eq!((alice.user(), alice.is_upsert()), ("alice", true));
    }
}
