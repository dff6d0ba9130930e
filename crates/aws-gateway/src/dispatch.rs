//! Which handler answers which ECR operation: the table of contents of the API.

use bytes::Bytes;
use ecru_aws_model::ecr::Operation;
use ecru_aws_model::{Decode, Request};
use ecru_domain::Error;
use http::Response;

use crate::body_budget::{BodyShare, BufferedBody};
use crate::call::Call;
use crate::ecr::{
    authorization, batch_get, images, layers, policies, referrers, registry_settings, repositories,
    repository_settings, resource_tags, uploads,
};
use crate::errors::Failure;
use crate::exception::Exception;
use crate::json_protocol;
use crate::response::{self, ResponseBody};

type Answer = Result<Response<ResponseBody>, Failure>;

/// Answers an operation of an authenticated caller.
#[expect(
    clippy::too_many_lines,
    reason = "one line for each operation of the model"
)]
pub(crate) async fn answer(call: &Call<'_>, operation: Operation, body: BufferedBody) -> Answer {
    use Operation as Op;
    match operation {
        Op::GetAuthorizationToken => run(call, body, authorization::get_token).await,
        Op::CreateRepository => run(call, body, repositories::create).await,
        Op::DescribeRepositories => run(call, body, repositories::describe).await,
        Op::DeleteRepository => run(call, body, repositories::delete).await,
        Op::PutImageTagMutability => run(call, body, repository_settings::put_mutability).await,
        Op::PutImageScanningConfiguration => {
            run(call, body, repository_settings::put_scanning).await
        }
        Op::SetRepositoryPolicy => run(call, body, policies::set_repository).await,
        Op::GetRepositoryPolicy => run(call, body, policies::get_repository).await,
        Op::DeleteRepositoryPolicy => run(call, body, policies::delete_repository).await,
        Op::PutRegistryPolicy => run(call, body, policies::put_registry).await,
        Op::GetRegistryPolicy => run(call, body, policies::get_registry).await,
        Op::DeleteRegistryPolicy => run(call, body, policies::delete_registry).await,
        Op::TagResource => run(call, body, resource_tags::tag).await,
        Op::UntagResource => run(call, body, resource_tags::untag).await,
        Op::ListTagsForResource => run(call, body, resource_tags::list).await,
        Op::PutImage => run(call, body, images::put).await,
        Op::BatchGetImage => stream(call, body, batch_get::batch_get).await,
        Op::DescribeImages => run(call, body, images::describe).await,
        Op::ListImages => run(call, body, images::list).await,
        Op::BatchDeleteImage => run(call, body, images::batch_delete).await,
        Op::ListImageReferrers => run(call, body, referrers::list).await,
        Op::BatchCheckLayerAvailability => run(call, body, layers::check).await,
        Op::GetDownloadUrlForLayer => run(call, body, layers::get_download_url).await,
        Op::InitiateLayerUpload => run(call, body, uploads::initiate).await,
        Op::UploadLayerPart => run(call, body, uploads::upload_part).await,
        Op::CompleteLayerUpload => run(call, body, uploads::complete).await,
        Op::DescribeRegistry => run(call, body, registry_settings::describe).await,
        Op::GetAccountSetting => run(call, body, registry_settings::get_account).await,
        Op::PutAccountSetting => run(call, body, registry_settings::put_account).await,
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
        | Op::ValidatePullThroughCacheRule => Err(not_built(operation)),
    }
}

/// Decodes, calls, encodes.
async fn run<I, F>(call: &Call<'_>, body: BufferedBody, handler: F) -> Answer
where
    I: Decode + Request<Operation = Operation>,
    F: AsyncFn(&Call<'_>, I) -> Result<I::Response, Error>,
{
    let (input, share) = decode(body)?;
    let output = handler(call, input).await?;
    let response: Response<Bytes> = json_protocol::success(&output, &call.context.request_id);
    // some answers repeat their request
    Ok(response::whole(response).map(|body| body.keeping(share)))
}

/// The same for an operation that writes its answer piece by piece.
async fn stream<I, F>(call: &Call<'_>, body: BufferedBody, handler: F) -> Answer
where
    I: Decode + Request<Operation = Operation>,
    F: AsyncFn(&Call<'_>, I) -> Result<ResponseBody, Error>,
{
    let (input, _share) = decode(body)?;
    let body = handler(call, input).await?;
    Ok(json_protocol::streamed(body, &call.context.request_id))
}

/// Reads the input and frees the body's text; what was read keeps a share of the budget.
fn decode<I>(body: BufferedBody) -> Result<(I, BodyShare), Exception>
where
    I: Decode + Request<Operation = Operation>,
{
    let refusal = I::OPERATION.constraint_exception().name();
    let input = json_protocol::decode(body.as_slice(), refusal)?;
    let length = body.as_slice().len();
    let kept = match I::OPERATION {
        // base64 shrinks by a quarter
        Operation::UploadLayerPart => length / 4 * 3,
        _ => length,
    };
    Ok((input, body.into_share(kept)))
}

/// An operation that the API has and this version has not; `coverage/uncovered.txt` lists them.
fn not_built(operation: Operation) -> Failure {
    let text = format!("This version of Ecru does not have the operation {operation} yet.");
    Exception::new("UnknownOperationException", text).into()
}
