//! Encryption configuration of a repository (`spec` term: `EncryptionConfiguration`).

/// How many layers, and whose key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncryptionType {
    /// A key that the registry itself owns.
    Aes256,
    /// A key of the KMS API.
    Kms,
    /// Two layers under a key of the KMS API.
    KmsDsse,
}

impl EncryptionType {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms => "KMS",
            Self::KmsDsse => "KMS_DSSE",
        }
    }

    /// The type of that wire value.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "AES256" => Some(Self::Aes256),
            "KMS" => Some(Self::Kms),
            "KMS_DSSE" => Some(Self::KmsDsse),
            _ => None,
        }
    }

    /// Whether objects are sealed twice.
    pub fn is_double(self) -> bool {
        self == Self::KmsDsse
    }
}

/// What a repository's content is sealed with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Encryption {
    /// Layers and ownership.
    pub kind: EncryptionType,
    /// The id of the key in the key table.
    pub key_id: String,
}
