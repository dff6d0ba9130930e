//! IAM actions: what a request asks to do.

use std::fmt;

/// An action in the IAM form `service:Operation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action(&'static str);

impl Action {
    /// `ecr:GetAuthorizationToken`
    pub const GET_AUTHORIZATION_TOKEN: Self = Self("ecr:GetAuthorizationToken");
    /// `ecr:CreateRepository`
    pub const CREATE_REPOSITORY: Self = Self("ecr:CreateRepository");
    /// `ecr:DescribeRepositories`
    pub const DESCRIBE_REPOSITORIES: Self = Self("ecr:DescribeRepositories");
    /// `ecr:DeleteRepository`
    pub const DELETE_REPOSITORY: Self = Self("ecr:DeleteRepository");
    /// `ecr:PutImageTagMutability`
    pub const PUT_IMAGE_TAG_MUTABILITY: Self = Self("ecr:PutImageTagMutability");
    /// `ecr:PutImageScanningConfiguration`
    pub const PUT_IMAGE_SCANNING_CONFIGURATION: Self = Self("ecr:PutImageScanningConfiguration");
    /// `ecr:TagResource`
    pub const TAG_RESOURCE: Self = Self("ecr:TagResource");
    /// `ecr:UntagResource`
    pub const UNTAG_RESOURCE: Self = Self("ecr:UntagResource");
    /// `ecr:ListTagsForResource`
    pub const LIST_TAGS_FOR_RESOURCE: Self = Self("ecr:ListTagsForResource");
    /// `ecr:PutImage`
    pub const PUT_IMAGE: Self = Self("ecr:PutImage");
    /// `ecr:BatchGetImage`; also asked for by referrer lists.
    pub const BATCH_GET_IMAGE: Self = Self("ecr:BatchGetImage");
    /// `ecr:DescribeImages`
    pub const DESCRIBE_IMAGES: Self = Self("ecr:DescribeImages");
    /// `ecr:ListImages`
    pub const LIST_IMAGES: Self = Self("ecr:ListImages");
    /// `ecr:BatchDeleteImage`
    pub const BATCH_DELETE_IMAGE: Self = Self("ecr:BatchDeleteImage");
    /// `ecr:BatchCheckLayerAvailability`
    pub const BATCH_CHECK_LAYER_AVAILABILITY: Self = Self("ecr:BatchCheckLayerAvailability");
    /// `ecr:InitiateLayerUpload`
    pub const INITIATE_LAYER_UPLOAD: Self = Self("ecr:InitiateLayerUpload");
    /// `ecr:UploadLayerPart`
    pub const UPLOAD_LAYER_PART: Self = Self("ecr:UploadLayerPart");
    /// `ecr:CompleteLayerUpload`
    pub const COMPLETE_LAYER_UPLOAD: Self = Self("ecr:CompleteLayerUpload");
    /// `ecr:GetDownloadUrlForLayer`
    pub const GET_DOWNLOAD_URL_FOR_LAYER: Self = Self("ecr:GetDownloadUrlForLayer");
    /// `ecr:DescribeRegistry`
    pub const DESCRIBE_REGISTRY: Self = Self("ecr:DescribeRegistry");
    /// `ecr:GetAccountSetting`
    pub const GET_ACCOUNT_SETTING: Self = Self("ecr:GetAccountSetting");
    /// `ecr:PutAccountSetting`
    pub const PUT_ACCOUNT_SETTING: Self = Self("ecr:PutAccountSetting");
    /// `sts:GetCallerIdentity`
    pub const GET_CALLER_IDENTITY: Self = Self("sts:GetCallerIdentity");
    /// `ecru:Verify`: the administration API re-reads the store.
    pub const VERIFY: Self = Self("ecru:Verify");
    /// `ecru:RevokeTokens`: the administration API ends every token at once.
    pub const REVOKE_TOKENS: Self = Self("ecru:RevokeTokens");
    /// `ecru:PutRegistrySetting`: the administration API sets a registry setting that ECR does not have.
    pub const PUT_REGISTRY_SETTING: Self = Self("ecru:PutRegistrySetting");

    /// The action of an operation, as the operation tables of the APIs have it.
    pub const fn of_operation(iam_action: &'static str) -> Self {
        Self(iam_action)
    }

    /// The IAM form.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
