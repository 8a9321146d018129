//! Admin requests about configs, quotas, users and ACLs, which are answered one by one.

use kafka_protocol::messages::*;

use super::error_response;

error_response! {
    DescribeConfigsRequest => DescribeConfigsResponse, |request, _version, code| {
        let resource = |asked: describe_configs_request::DescribeConfigsResource| {
            describe_configs_response::DescribeConfigsResult::default()
                .with_resource_type(asked.resource_type)
                .with_resource_name(asked.resource_name)
                .with_error_code(code)
        };
        DescribeConfigsResponse::default().with_results(request.resources.into_iter().map(resource).collect())
    };
    AlterConfigsRequest => AlterConfigsResponse, |request, _version, code| {
        let resource = |asked: alter_configs_request::AlterConfigsResource| {
            alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(asked.resource_type)
                .with_resource_name(asked.resource_name)
                .with_error_code(code)
        };
        AlterConfigsResponse::default().with_responses(request.resources.into_iter().map(resource).collect())
    };
    IncrementalAlterConfigsRequest => IncrementalAlterConfigsResponse, |request, _version, code| {
        let resource = |asked: incremental_alter_configs_request::AlterConfigsResource| {
            incremental_alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(asked.resource_type)
                .with_resource_name(asked.resource_name)
                .with_error_code(code)
        };
        IncrementalAlterConfigsResponse::default()
            .with_responses(request.resources.into_iter().map(resource).collect())
    };
    AlterClientQuotasRequest => AlterClientQuotasResponse, |request, _version, code| {
        let entity = |asked: alter_client_quotas_request::EntityData| {
            alter_client_quotas_response::EntityData::default()
                .with_entity_type(asked.entity_type)
                .with_entity_name(asked.entity_name)
        };
        let entry = |asked: alter_client_quotas_request::EntryData| {
            alter_client_quotas_response::EntryData::default()
                .with_entity(asked.entity.into_iter().map(entity).collect())
                .with_error_code(code)
        };
        AlterClientQuotasResponse::default().with_entries(request.entries.into_iter().map(entry).collect())
    };
    AlterUserScramCredentialsRequest => AlterUserScramCredentialsResponse, |request, _version, code| {
        let deleted = request.deletions.into_iter().map(|deletion| deletion.name);
        let users = deleted.chain(request.upsertions.into_iter().map(|upsertion| upsertion.name));
        // As Kafka: each user is answered once, whatever is to be done with it.
        let users: std::collections::BTreeSet<_> = users.collect();
        let result = |user| alter_user_scram_credentials_response::AlterUserScramCredentialsResult::default()
            .with_user(user)
            .with_error_code(code);
        AlterUserScramCredentialsResponse::default().with_results(users.into_iter().map(result).collect())
    };
    CreateAclsRequest => CreateAclsResponse, |request, _version, code| {
        let failed = create_acls_response::AclCreationResult::default().with_error_code(code);
        CreateAclsResponse::default().with_results(vec![failed; request.creations.len()])
    };
    DeleteAclsRequest => DeleteAclsResponse, |request, _version, code| {
        let failed = delete_acls_response::DeleteAclsFilterResult::default().with_error_code(code);
        DeleteAclsResponse::default().with_filter_results(vec![failed; request.filters.len()])
    };
    DescribeLogDirsRequest => DescribeLogDirsResponse, |_request, version, code| {
        let response = DescribeLogDirsResponse::default();
        if version >= 3 { response.with_error_code(code) } else { response }
    };
}
