//! Which handler answers which ECR operation: the table of contents of the API.

use ecru_aws_model::ecr::Operation;

use crate::body_budget::BufferedBody;
use crate::call::Call;
use crate::ecr::{
    authorization, batch_get, images, layers, policies, referrers, registry_settings, repositories,
    repository_settings, resource_tags, uploads,
};
use crate::run::{self, Answer};

/// Answers an operation of an authenticated caller.
#[expect(
    clippy::too_many_lines,
    reason = "one line for each operation of the model"
)]
pub(crate) async fn answer(call: &Call<'_>, operation: Operation, body: BufferedBody) -> Answer {
    use Operation as Op;
    match operation {
        Op::GetAuthorizationToken => run::json(call, body, authorization::get_token).await,
        Op::CreateRepository => run::json(call, body, repositories::create).await,
        Op::DescribeRepositories => run::json(call, body, repositories::describe).await,
        Op::DeleteRepository => run::json(call, body, repositories::delete).await,
        Op::PutImageTagMutability => {
            run::json(call, body, repository_settings::put_mutability).await
        }
        Op::PutImageScanningConfiguration => {
            run::json(call, body, repository_settings::put_scanning).await
        }
        Op::SetRepositoryPolicy => run::json(call, body, policies::set_repository).await,
        Op::GetRepositoryPolicy => run::json(call, body, policies::get_repository).await,
        Op::DeleteRepositoryPolicy => run::json(call, body, policies::delete_repository).await,
        Op::PutRegistryPolicy => run::json(call, body, policies::put_registry).await,
        Op::GetRegistryPolicy => run::json(call, body, policies::get_registry).await,
        Op::DeleteRegistryPolicy => run::json(call, body, policies::delete_registry).await,
        Op::TagResource => run::json(call, body, resource_tags::tag).await,
        Op::UntagResource => run::json(call, body, resource_tags::untag).await,
        Op::ListTagsForResource => run::json(call, body, resource_tags::list).await,
        Op::PutImage => run::json(call, body, images::put).await,
        Op::BatchGetImage => run::json_stream(call, body, batch_get::batch_get).await,
        Op::DescribeImages => run::json(call, body, images::describe).await,
        Op::ListImages => run::json(call, body, images::list).await,
        Op::BatchDeleteImage => run::json(call, body, images::batch_delete).await,
        Op::ListImageReferrers => run::json(call, body, referrers::list).await,
        Op::BatchCheckLayerAvailability => run::json(call, body, layers::check).await,
        Op::GetDownloadUrlForLayer => run::json(call, body, layers::get_download_url).await,
        Op::InitiateLayerUpload => run::json(call, body, uploads::initiate).await,
        Op::UploadLayerPart => run::json(call, body, uploads::upload_part).await,
        Op::CompleteLayerUpload => run::json(call, body, uploads::complete).await,
        Op::DescribeRegistry => run::json(call, body, registry_settings::describe).await,
        Op::GetAccountSetting => run::json(call, body, registry_settings::get_account).await,
        Op::PutAccountSetting => run::json(call, body, registry_settings::put_account).await,
        Op::BatchGetRepositoryScanningConfiguration
        | Op::CreatePullThroughCacheRule
        | Op::CreateRepositoryCreationTemplate
        | Op::DeleteLifecyclePolicy
        | Op::DeletePullThroughCacheRule
        | Op::DeleteRepositoryCreationTemplate
        | Op::DeleteSigningConfiguration
        | Op::DeregisterPullTimeUpdateExclusion
        | Op::DescribeImageReplicationStatus
        | Op::DescribeImageScanFindings
        | Op::DescribeImageSigningStatus
        | Op::DescribePullThroughCacheRules
        | Op::DescribeReplicationBackfillResults
        | Op::DescribeRepositoryCreationTemplates
        | Op::GetLifecyclePolicy
        | Op::GetLifecyclePolicyPreview
        | Op::GetRegistryScanningConfiguration
        | Op::GetSigningConfiguration
        | Op::ListPullTimeUpdateExclusions
        | Op::ListReplicationBackfills
        | Op::PutLifecyclePolicy
        | Op::PutRegistryScanningConfiguration
        | Op::PutReplicationConfiguration
        | Op::PutSigningConfiguration
        | Op::RegisterPullTimeUpdateExclusion
        | Op::StartImageScan
        | Op::StartLifecyclePolicyPreview
        | Op::StartReplicationBackfill
        | Op::StopReplicationBackfill
        | Op::UpdateImageStorageClass
        | Op::UpdatePullThroughCacheRule
        | Op::UpdateRepositoryCreationTemplate
        | Op::ValidatePullThroughCacheRule => Err(run::not_built(
            "UnknownOperationException",
            operation.name(),
        )),
    }
}
