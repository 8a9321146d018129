//! DescribeUserScramCredentials, version 0: the mechanisms and iterations of users, never a salt or a key.
//!
//! As Kafka: no names ask for all users; a name that comes twice is DUPLICATE_RESOURCE, one that is unknown
//! RESOURCE_NOT_FOUND.

use kafka_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use kafka_protocol::messages::{DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse};

use super::answer::{count, outcome};
use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::security::sasl::scram::ScramHash;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeUserScramCredentialsRequest,
) -> Result<DescribeUserScramCredentialsResponse, Refusal> {
    if let Err(denied) = cx.require(Operation::Describe, Resource::Cluster) {
        let refused =
            DescribeUserScramCredentialsResult::default().with_error_code(denied.code()).with_error_message(None);
        let results = request.users.into_iter().flatten().map(|_| refused.clone()).collect();
        let response = DescribeUserScramCredentialsResponse::default().with_error_code(denied.code());
        return Ok(response.with_error_message(None).with_results(results));
    }
    let credentials = cx.cluster.scram.read();
    let known = credentials.by_user();
    let asked: Vec<StrBytes> = request.users.into_iter().flatten().map(|user| user.name).collect();
    let results: Vec<_> = if asked.is_empty() {
        known.iter().map(|(user, infos)| result(StrBytes::from_string((*user).to_owned()), Ok(infos))).collect()
    } else {
        let mut counts: Vec<(StrBytes, usize)> = count(asked).into_iter().collect();
        counts.sort();
        let describe = |(user, times): (StrBytes, usize)| {
            let found = find(&known, &user, times);
            result(user, found)
        };
        counts.into_iter().map(describe).collect()
    };
    Ok(DescribeUserScramCredentialsResponse::default()
        .with_error_message(Some(StrBytes::default()))
        .with_results(results))
}

type Infos = Vec<(ScramHash, u32)>;

fn find<'a>(known: &'a std::collections::BTreeMap<&str, Infos>, user: &str, times: usize) -> Result<&'a Infos, Error> {
    if times > 1 {
        let why = format!("Cannot describe SCRAM credentials for the same user twice in a single request: {user}");
        return Err(Error::with_code(ErrorCode::DuplicateResource, why));
    }
    known.get(user).ok_or_else(|| {
        let why = format!("Attempt to describe a user credential that does not exist: {user}");
        Error::with_code(ErrorCode::ResourceNotFound, why)
    })
}

fn result(user: StrBytes, found: Result<&Infos, Error>) -> DescribeUserScramCredentialsResult {
    let (code, message) = outcome(&found);
    let infos = found.iter().flat_map(|infos| infos.iter()).map(|(hash, iterations)| {
        CredentialInfo::default()
            .with_mechanism(hash.wire())
            .with_iterations(i32::try_from(*iterations).unwrap_or(i32::MAX))
    });
    DescribeUserScramCredentialsResult::default()
        .with_user(user)
        .with_error_code(code)
        // As Kafka: empty, and not null, where there is no error.
        .with_error_message(Some(message.unwrap_or_default()))
        .with_credential_infos(infos.collect())
}
