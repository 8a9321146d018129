//! AlterUserScramCredentials, version 0: removes and stores credentials, user by user.
//!
//! As Kafka: a user may be named once; between 4096 and 16384 iterations are taken. Users are answered in the order of the
//! request, where Kafka has none.

use std::collections::BTreeSet;

use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::{AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse};

use super::answer::outcome;
use super::{Refusal, RequestContext};
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::security::sasl::scram::credentials::{Deletion, Upsertion};

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: AlterUserScramCredentialsRequest,
) -> Result<AlterUserScramCredentialsResponse, Refusal> {
    let deletions = request.deletions.iter().map(|one| Deletion { user: &one.name, mechanism: one.mechanism });
    let upsertions = request.upsertions.iter().map(|one| Upsertion {
        user: &one.name,
        mechanism: one.mechanism,
        iterations: one.iterations,
        salt: &one.salt,
        salted_password: &one.salted_password,
    });
    let (deletions, upsertions): (Vec<_>, Vec<_>) = (deletions.collect(), upsertions.collect());
    let results = if cx.may(Operation::Alter, Resource::Cluster) {
        cx.cluster.alter_scram(&deletions, &upsertions)
    } else {
        let users = deletions.iter().map(|one| one.user).chain(upsertions.iter().map(|one| one.user));
        let users: BTreeSet<_> = users.collect();
        users.into_iter().map(|user| (user, Err(Resource::Cluster.denied_error()))).collect()
    };
    let results = results.into_iter().map(|(user, altered)| {
        let (code, message) = outcome(&altered);
        AlterUserScramCredentialsResult::default()
            .with_user(StrBytes::from_string(user.to_owned()))
            .with_error_code(code)
            .with_error_message(message)
    });
    Ok(AlterUserScramCredentialsResponse::default().with_results(results.collect()))
}
