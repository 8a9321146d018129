//! Passwords that brokers keep for SCRAM.

use bytes::Bytes;
use embedded_broker::client_side::salted_password;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, DescribeUserScramCredentialsRequest,
    alter_user_scram_credentials_request::{ScramCredentialDeletion, ScramCredentialUpsertion},
    describe_user_scram_credentials_request::UserName,
    describe_user_scram_credentials_response::DescribeUserScramCredentialsResult,
};

use super::{Cluster, KafkaError, Target, WireError, settled::settled, text};

/// That a user has no password.
const RESOURCE_NOT_FOUND: i16 = 91;

/// A SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mechanism {
    Sha256,
    Sha512,
}

impl Mechanism {
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha512].into_iter().find(|mechanism| mechanism.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    fn code(self) -> i8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }
}

/// What is told of a password: its mechanism, if it is known, and how often it was hashed.
pub(crate) type Credential = (Option<Mechanism>, i32);

/// A password that is to be.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NewCredential {
    pub(crate) mechanism: Mechanism,
    pub(crate) iterations: u32,
    pub(crate) password: String,
}

impl std::fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCredential").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// What is known of the passwords of users; of all users, if none are named. Users without any are left out.
///
/// # Errors
/// No node answers, or it refuses. Errors of single users are in the answer.
pub(crate) async fn describe_credentials(
    cluster: &Cluster,
    users: &[String],
) -> Result<Vec<(String, Result<Vec<Credential>, KafkaError>)>, WireError> {
    let user = |name: &String| UserName::default().with_name(text(name));
    let ask = async || {
        let users = (!users.is_empty()).then(|| users.iter().map(user).collect());
        let request = |_| DescribeUserScramCredentialsRequest::default().with_users(users);
        let answer = cluster.send(Target::Any, request).await?;
        KafkaError::check(answer.error_code, answer.error_message.as_ref())?;
        Ok(answer)
    };
    let answer = cluster.retrying("describeUserScramCredentials", ask).await?;
    let of_user = |result: &DescribeUserScramCredentialsResult| {
        let mechanism =
            |code: i8| [Mechanism::Sha256, Mechanism::Sha512].into_iter().find(|known| known.code() == code);
        let credentials = KafkaError::check(result.error_code, result.error_message.as_ref()).map(|()| {
            result.credential_infos.iter().map(|info| (mechanism(info.mechanism), info.iterations)).collect()
        });
        (result.user.as_str().to_owned(), credentials)
    };
    let told = answer.results.iter().filter(|result| result.error_code != RESOURCE_NOT_FOUND);
    Ok(told.map(of_user).collect())
}

/// Sets passwords of a user, hashed here with new salt, and deletes others.
///
/// # Errors
/// The controller refuses.
pub(crate) async fn alter_credentials(
    cluster: &Cluster,
    user: &str,
    new: &[NewCredential],
    gone: &[Mechanism],
) -> Result<(), WireError> {
    let upsertion = |credential: &NewCredential| {
        let NewCredential { mechanism, iterations, password } = credential;
        // What is random in it is 122 bits.
        let salt = uuid::Uuid::new_v4().simple().to_string();
        let salted = salted_password(mechanism.name(), password, salt.as_bytes(), *iterations).unwrap_or_default();
        ScramCredentialUpsertion::default()
            .with_name(text(user))
            .with_mechanism(mechanism.code())
            .with_iterations(i32::try_from(*iterations).unwrap_or(i32::MAX))
            .with_salt(Bytes::from(salt))
            .with_salted_password(Bytes::from(salted))
    };
    let deletion = |mechanism: &Mechanism| {
        ScramCredentialDeletion::default().with_name(text(user)).with_mechanism(mechanism.code())
    };
    let ask = async || {
        let request = |_| {
            AlterUserScramCredentialsRequest::default()
                .with_upsertions(new.iter().map(upsertion).collect())
                .with_deletions(gone.iter().map(deletion).collect())
        };
        let answer = cluster.send(Target::Controller, request).await?;
        settled(answer.results.iter().map(|changed| (changed.error_code, changed.error_message.as_ref())))
    };
    Ok(cluster.retrying("alterUserScramCredentials", ask).await??)
}
