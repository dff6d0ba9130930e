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
    /// `ecr:SetRepositoryPolicy`
    pub const SET_REPOSITORY_POLICY: Self = Self("ecr:SetRepositoryPolicy");
    /// `ecr:GetRepositoryPolicy`
    pub const GET_REPOSITORY_POLICY: Self = Self("ecr:GetRepositoryPolicy");
    /// `ecr:DeleteRepositoryPolicy`
    pub const DELETE_REPOSITORY_POLICY: Self = Self("ecr:DeleteRepositoryPolicy");
    /// `ecr:PutRegistryPolicy`
    pub const PUT_REGISTRY_POLICY: Self = Self("ecr:PutRegistryPolicy");
    /// `ecr:GetRegistryPolicy`
    pub const GET_REGISTRY_POLICY: Self = Self("ecr:GetRegistryPolicy");
    /// `ecr:DeleteRegistryPolicy`
    pub const DELETE_REGISTRY_POLICY: Self = Self("ecr:DeleteRegistryPolicy");
    /// `sts:GetCallerIdentity`
    pub const GET_CALLER_IDENTITY: Self = Self("sts:GetCallerIdentity");
    /// `sts:AssumeRole`
    pub const ASSUME_ROLE: Self = Self("sts:AssumeRole");
    /// `sts:AssumeRoleWithWebIdentity`
    pub const ASSUME_ROLE_WITH_WEB_IDENTITY: Self = Self("sts:AssumeRoleWithWebIdentity");
    /// `sts:TagSession`: also asked for by requests that pass session tags.
    pub const TAG_SESSION: Self = Self("sts:TagSession");
    /// `sts:SetSourceIdentity`: also asked for by requests whose session has a source identity.
    pub const SET_SOURCE_IDENTITY: Self = Self("sts:SetSourceIdentity");
    /// `sts:GetFederationToken`
    pub const GET_FEDERATION_TOKEN: Self = Self("sts:GetFederationToken");
    /// `sts:GetSessionToken`
    pub const GET_SESSION_TOKEN: Self = Self("sts:GetSessionToken");
    /// `sts:GetAccessKeyInfo`
    pub const GET_ACCESS_KEY_INFO: Self = Self("sts:GetAccessKeyInfo");
    /// `ecru:PutOidcProviderKeys`: the administration API is told the keys of an identity provider.
    pub const PUT_OIDC_PROVIDER_KEYS: Self = Self("ecru:PutOidcProviderKeys");
    /// `ecru:Verify`: the administration API re-reads the store.
    pub const VERIFY: Self = Self("ecru:Verify");
    /// `ecru:Explain`: the administration API says why a request would be allowed or denied.
    pub const EXPLAIN: Self = Self("ecru:Explain");
    /// `ecru:VerifyAudit`: the administration API re-reads the audit log.
    pub const VERIFY_AUDIT: Self = Self("ecru:VerifyAudit");
    /// `ecru:RevokeTokens`: the administration API ends every token at once.
    pub const REVOKE_TOKENS: Self = Self("ecru:RevokeTokens");
    /// `ecru:PutRegistrySetting`: the administration API sets a registry setting that ECR does not have.
    pub const PUT_REGISTRY_SETTING: Self = Self("ecru:PutRegistrySetting");

    /// The action of that name, which stands in an operation table: `iam:CreateUser`.
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }

    /// The IAM form.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// Every action of ECR, those without an operation included (Service Authorization Reference, "Actions defined by
/// Amazon ECR"): a policy of a repository or registry names no others.
pub const ECR_ACTIONS: [&str; 64] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchDeleteImage",
    "ecr:BatchGetImage",
    "ecr:BatchGetRepositoryScanningConfiguration",
    "ecr:BatchImportUpstreamImage",
    "ecr:CompleteLayerUpload",
    "ecr:CreatePullThroughCacheRule",
    "ecr:CreateRepository",
    "ecr:CreateRepositoryCreationTemplate",
    "ecr:DeleteLifecyclePolicy",
    "ecr:DeletePullThroughCacheRule",
    "ecr:DeleteRegistryPolicy",
    "ecr:DeleteRepository",
    "ecr:DeleteRepositoryCreationTemplate",
    "ecr:DeleteRepositoryPolicy",
    "ecr:DeleteSigningConfiguration",
    "ecr:DeregisterPullTimeUpdateExclusion",
    "ecr:DescribeImageReplicationStatus",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeImageSigningStatus",
    "ecr:DescribeImages",
    "ecr:DescribePullThroughCacheRules",
    "ecr:DescribeRegistry",
    "ecr:DescribeReplicationBackfillResults",
    "ecr:DescribeRepositories",
    "ecr:DescribeRepositoryCreationTemplates",
    "ecr:GetAccountSetting",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetImageCopyStatus",
    "ecr:GetLifecyclePolicy",
    "ecr:GetLifecyclePolicyPreview",
    "ecr:GetRegistryPolicy",
    "ecr:GetRegistryScanningConfiguration",
    "ecr:GetRepositoryPolicy",
    "ecr:GetSigningConfiguration",
    "ecr:InitiateLayerUpload",
    "ecr:ListImages",
    "ecr:ListPullTimeUpdateExclusions",
    "ecr:ListReplicationBackfills",
    "ecr:ListTagsForResource",
    "ecr:PutAccountSetting",
    "ecr:PutImage",
    "ecr:PutImageScanningConfiguration",
    "ecr:PutImageTagMutability",
    "ecr:PutLifecyclePolicy",
    "ecr:PutRegistryPolicy",
    "ecr:PutRegistryScanningConfiguration",
    "ecr:PutReplicationConfiguration",
    "ecr:PutSigningConfiguration",
    "ecr:RegisterPullTimeUpdateExclusion",
    "ecr:ReplicateImage",
    "ecr:SetRepositoryPolicy",
    "ecr:StartImageScan",
    "ecr:StartLifecyclePolicyPreview",
    "ecr:StartReplicationBackfill",
    "ecr:StopReplicationBackfill",
    "ecr:TagResource",
    "ecr:UntagResource",
    "ecr:UpdateImageStorageClass",
    "ecr:UpdatePullThroughCacheRule",
    "ecr:UpdateRepositoryCreationTemplate",
    "ecr:UploadLayerPart",
    "ecr:ValidatePullThroughCacheRule",
];

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
