//! Inputs of the awsJson dialect: an input is taken exactly if the model, read by another reader, allows it.
//!
//! Input: the name of an operation on the first line; then the body.
#![no_main]

use ecru_aws_gateway::json_protocol;
use ecru_aws_model::ecr::{self, Operation};
use ecru_aws_model::constraint::MAX_VIOLATIONS;
use ecru_aws_model::{Decode, DecodeError};
use ecru_fuzz::model;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let (head, body) = data.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let name = std::str::from_utf8(head).unwrap_or_default();
    objects(body);
    let Some(operation) = Operation::from_name(name) else {
        return;
    };
    assert_eq!(operation.name(), name);
    let taken = match read_input(operation, body) {
        Ok(()) => true,
        Err(refused) => {
            is_harmless(&refused);
            false
        }
    };
    if let Some(allowed) = judge(name, body) {
        assert_eq!(taken, allowed, "{name}");
    }
});

/// Bodies of operations that no model describes are objects.
fn objects(body: &[u8]) {
    let Ok(read) = json_protocol::decode_object::<Value>(body) else {
        return;
    };
    assert!(read.is_object());
    let typed = json_protocol::decode_object::<Map<String, Value>>(body);
    assert_eq!(typed.ok().map(Value::Object), Some(read));
}

/// What the model says; `None` where the judge's own reader has narrower limits than the decoder.
fn judge(name: &str, body: &[u8]) -> Option<bool> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Some(false);
    };
    let text = text.trim_ascii();
    if text.is_empty() {
        return Some(model::ECR.allows(name, &Value::Object(Map::new())));
    }
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Some(false);
    }
    let document: Value = serde_json::from_str(text).ok()?;
    Some(model::ECR.allows(name, &document))
}

/// Messages are echoed to clients and go into logs.
fn is_harmless(refused: &DecodeError) {
    let message = refused.to_string();
    assert!(message.len() < MAX_VIOLATIONS * 8_000);
    assert!(!message.chars().any(char::is_control));
}

fn read<T: Decode>(body: &[u8]) -> Result<(), DecodeError> {
    T::from_json(body).map(drop)
}

fn read_input(operation: Operation, body: &[u8]) -> Result<(), DecodeError> {
    match operation {
        Operation::BatchCheckLayerAvailability => {
            read::<ecr::BatchCheckLayerAvailabilityRequest>(body)
        }
        Operation::BatchDeleteImage => read::<ecr::BatchDeleteImageRequest>(body),
        Operation::BatchGetImage => read::<ecr::BatchGetImageRequest>(body),
        Operation::BatchGetRepositoryScanningConfiguration => {
            read::<ecr::BatchGetRepositoryScanningConfigurationRequest>(body)
        }
        Operation::CompleteLayerUpload => read::<ecr::CompleteLayerUploadRequest>(body),
        Operation::CreatePullThroughCacheRule => {
            read::<ecr::CreatePullThroughCacheRuleRequest>(body)
        }
        Operation::CreateRepository => read::<ecr::CreateRepositoryRequest>(body),
        Operation::CreateRepositoryCreationTemplate => {
            read::<ecr::CreateRepositoryCreationTemplateRequest>(body)
        }
        Operation::DeleteLifecyclePolicy => read::<ecr::DeleteLifecyclePolicyRequest>(body),
        Operation::DeletePullThroughCacheRule => {
            read::<ecr::DeletePullThroughCacheRuleRequest>(body)
        }
        Operation::DeleteRegistryPolicy => read::<ecr::DeleteRegistryPolicyRequest>(body),
        Operation::DeleteRepository => read::<ecr::DeleteRepositoryRequest>(body),
        Operation::DeleteRepositoryCreationTemplate => {
            read::<ecr::DeleteRepositoryCreationTemplateRequest>(body)
        }
        Operation::DeleteRepositoryPolicy => read::<ecr::DeleteRepositoryPolicyRequest>(body),
        Operation::DeleteSigningConfiguration => {
            read::<ecr::DeleteSigningConfigurationRequest>(body)
        }
        Operation::DeregisterPullTimeUpdateExclusion => {
            read::<ecr::DeregisterPullTimeUpdateExclusionRequest>(body)
        }
        Operation::DescribeImageReplicationStatus => {
            read::<ecr::DescribeImageReplicationStatusRequest>(body)
        }
        Operation::DescribeImageScanFindings => read::<ecr::DescribeImageScanFindingsRequest>(body),
        Operation::DescribeImageSigningStatus => {
            read::<ecr::DescribeImageSigningStatusRequest>(body)
        }
        Operation::DescribeImages => read::<ecr::DescribeImagesRequest>(body),
        Operation::DescribePullThroughCacheRules => {
            read::<ecr::DescribePullThroughCacheRulesRequest>(body)
        }
        Operation::DescribeRegistry => read::<ecr::DescribeRegistryRequest>(body),
        Operation::DescribeReplicationBackfillResults => {
            read::<ecr::DescribeReplicationBackfillResultsRequest>(body)
        }
        Operation::DescribeRepositories => read::<ecr::DescribeRepositoriesRequest>(body),
        Operation::DescribeRepositoryCreationTemplates => {
            read::<ecr::DescribeRepositoryCreationTemplatesRequest>(body)
        }
        Operation::GetAccountSetting => read::<ecr::GetAccountSettingRequest>(body),
        Operation::GetAuthorizationToken => read::<ecr::GetAuthorizationTokenRequest>(body),
        Operation::GetDownloadUrlForLayer => read::<ecr::GetDownloadUrlForLayerRequest>(body),
        Operation::GetLifecyclePolicy => read::<ecr::GetLifecyclePolicyRequest>(body),
        Operation::GetLifecyclePolicyPreview => read::<ecr::GetLifecyclePolicyPreviewRequest>(body),
        Operation::GetRegistryPolicy => read::<ecr::GetRegistryPolicyRequest>(body),
        Operation::GetRegistryScanningConfiguration => {
            read::<ecr::GetRegistryScanningConfigurationRequest>(body)
        }
        Operation::GetRepositoryPolicy => read::<ecr::GetRepositoryPolicyRequest>(body),
        Operation::GetSigningConfiguration => read::<ecr::GetSigningConfigurationRequest>(body),
        Operation::InitiateLayerUpload => read::<ecr::InitiateLayerUploadRequest>(body),
        Operation::ListImageReferrers => read::<ecr::ListImageReferrersRequest>(body),
        Operation::ListImages => read::<ecr::ListImagesRequest>(body),
        Operation::ListPullTimeUpdateExclusions => {
            read::<ecr::ListPullTimeUpdateExclusionsRequest>(body)
        }
        Operation::ListReplicationBackfills => read::<ecr::ListReplicationBackfillsRequest>(body),
        Operation::ListTagsForResource => read::<ecr::ListTagsForResourceRequest>(body),
        Operation::PutAccountSetting => read::<ecr::PutAccountSettingRequest>(body),
        Operation::PutImage => read::<ecr::PutImageRequest>(body),
        Operation::PutImageScanningConfiguration => {
            read::<ecr::PutImageScanningConfigurationRequest>(body)
        }
        Operation::PutImageTagMutability => read::<ecr::PutImageTagMutabilityRequest>(body),
        Operation::PutLifecyclePolicy => read::<ecr::PutLifecyclePolicyRequest>(body),
        Operation::PutRegistryPolicy => read::<ecr::PutRegistryPolicyRequest>(body),
        Operation::PutRegistryScanningConfiguration => {
            read::<ecr::PutRegistryScanningConfigurationRequest>(body)
        }
        Operation::PutReplicationConfiguration => {
            read::<ecr::PutReplicationConfigurationRequest>(body)
        }
        Operation::PutSigningConfiguration => read::<ecr::PutSigningConfigurationRequest>(body),
        Operation::RegisterPullTimeUpdateExclusion => {
            read::<ecr::RegisterPullTimeUpdateExclusionRequest>(body)
        }
        Operation::SetRepositoryPolicy => read::<ecr::SetRepositoryPolicyRequest>(body),
        Operation::StartImageScan => read::<ecr::StartImageScanRequest>(body),
        Operation::StartLifecyclePolicyPreview => {
            read::<ecr::StartLifecyclePolicyPreviewRequest>(body)
        }
        Operation::StartReplicationBackfill => read::<ecr::StartReplicationBackfillRequest>(body),
        Operation::StopReplicationBackfill => read::<ecr::StopReplicationBackfillRequest>(body),
        Operation::TagResource => read::<ecr::TagResourceRequest>(body),
        Operation::UntagResource => read::<ecr::UntagResourceRequest>(body),
        Operation::UpdateImageStorageClass => read::<ecr::UpdateImageStorageClassRequest>(body),
        Operation::UpdatePullThroughCacheRule => {
            read::<ecr::UpdatePullThroughCacheRuleRequest>(body)
        }
        Operation::UpdateRepositoryCreationTemplate => {
            read::<ecr::UpdateRepositoryCreationTemplateRequest>(body)
        }
        Operation::UploadLayerPart => read::<ecr::UploadLayerPartRequest>(body),
        Operation::ValidatePullThroughCacheRule => {
            read::<ecr::ValidatePullThroughCacheRuleRequest>(body)
        }
    }
}
