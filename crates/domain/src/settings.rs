//! Account settings: per account and region (`spec` terms: `GetAccountSetting`, `PutAccountSetting`).

/// A setting that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountSetting {
    /// Which basic scanner runs.
    BasicScanTypeVersion,
    /// How far a registry policy reaches.
    RegistryPolicyScope,
    /// Whether layers may be mounted from one repository into another.
    BlobMounting,
}

impl AccountSetting {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::BasicScanTypeVersion => "BASIC_SCAN_TYPE_VERSION",
            Self::RegistryPolicyScope => "REGISTRY_POLICY_SCOPE",
            Self::BlobMounting => "BLOB_MOUNTING",
        }
    }

    /// The setting of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::BasicScanTypeVersion,
            Self::RegistryPolicyScope,
            Self::BlobMounting,
        ]
        .into_iter()
        .find(|setting| setting.name() == name)
    }

    /// The values it may take; the first is the default.
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Self::BasicScanTypeVersion => &["AWS_NATIVE"],
            Self::RegistryPolicyScope => &["V2", "V1"],
            Self::BlobMounting => &["ENABLED", "DISABLED"],
        }
    }

    /// The value of a registry that never set it.
    pub fn default_value(self) -> &'static str {
        self.values().first().copied().unwrap_or_default()
    }
}
