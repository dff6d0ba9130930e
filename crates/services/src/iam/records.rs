//! What stands in the documents of identities: everything but what the store itself looks at.
//!
//! The form is for ever: a field is added with a default, and none is given another meaning.

use ecru_domain::{AccountId, Error, Timestamp};
use ecru_ports::metadata::{EntityKind, EntityRecord};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Key and value of a tag.
pub(crate) type Tag = (String, String);

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserDocument {
    /// As written; the row's key has its letters in lower case.
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupDocument {
    pub(crate) name: String,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleDocument {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// The trust policy, its principals as unique ids.
    pub(crate) trust: String,
    /// The longest session, in seconds.
    pub(crate) max_session_duration: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

/// A managed policy of an account. Its versions are documents of the entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyDocument {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Number of the version in force.
    pub(crate) default_version: u32,
    /// Number of the last version made: none is given twice.
    pub(crate) last_version: u32,
    /// Microseconds since 1970.
    pub(crate) updated_at: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

/// A version of a managed policy; its name is `v` and its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyVersionDocument {
    pub(crate) document: String,
    /// Microseconds since 1970.
    pub(crate) created_at: i64,
}

/// An instance profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstanceProfileDocument {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

/// The alias of an account. Its id holds the alias, so that no two accounts have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountAliasDocument {
    pub(crate) name: String,
}

/// How a user signs in to the console.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LoginProfileDocument {
    /// The password's hash, in the PHC form that names its parameters.
    pub(crate) password_hash: String,
    #[serde(default)]
    pub(crate) reset_required: bool,
    /// Microseconds since 1970.
    pub(crate) created_at: i64,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountDocument {
    pub(crate) name: String,
    pub(crate) email: String,
    /// Whether it was closed: nobody of it may do anything.
    #[serde(default)]
    pub(crate) is_closed: bool,
    /// The management account of its organization, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) management_account: Option<String>,
    /// When it joined; microseconds since 1970.
    #[serde(default)]
    pub(crate) joined_at: i64,
    /// Whether the organization made it, or it was there before.
    #[serde(default)]
    pub(crate) was_created: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

/// A unit of an organization; its id is `ou-…`, its key the id of what it is in and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrganizationalUnitDocument {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

/// What became of a request to create an account; its id is `car-…`, its path the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountCreationDocument {
    pub(crate) account_name: String,
    /// The account, if there is one now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// Why there is none, in the model's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

/// An organization. Its entity belongs to the management account; its id is `o-…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrganizationDocument {
    /// `r-…`
    pub(crate) root_id: String,
    /// Whether control policies are possible (`ALL`), or accounts are only billed together.
    pub(crate) has_all_features: bool,
    /// `SERVICE_CONTROL_POLICY` and `RESOURCE_CONTROL_POLICY`, where enabled.
    #[serde(default)]
    pub(crate) enabled_policy_types: Vec<String>,
    /// The tags of the root: an organization itself has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

/// A service or resource control policy of an organization; its id is `p-…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrganizationPolicyDocument {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    /// `SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`.
    pub(crate) kind: String,
    pub(crate) content: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

/// An `OpenID` Connect provider. Its key is the issuer without `https://`, its case kept: URLs have one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OidcProviderDocument {
    /// The issuer with its scheme, as tokens name it: `https://token.actions.githubusercontent.com`.
    pub(crate) url: String,
    /// Audiences that tokens may be for.
    #[serde(default)]
    pub(crate) client_ids: Vec<String>,
    /// Kept for those who ask for them; the certificates of an issuer are checked against trusted authorities.
    #[serde(default)]
    pub(crate) thumbprints: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
    /// The issuer's keys (a JSON Web Key Set), where it cannot be asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwks: Option<String>,
}

/// Reads what an entity is.
pub(crate) fn read<T: DeserializeOwned>(entity: &EntityRecord) -> Result<T, Error> {
    read_text(&entity.document)
}

/// Reads a document of an entity.
pub(crate) fn read_text<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::internal)
}

/// What documents have, whatever they are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct NamedDocument {
    /// Empty where the key is the name.
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
}

/// The name of an entity, as written. A provider is named by its key.
pub(crate) fn name_of(entity: &EntityRecord) -> Result<String, Error> {
    if entity.kind == EntityKind::OidcProvider {
        return Ok(entity.key.clone());
    }
    Ok(read::<NamedDocument>(entity)?.name)
}

/// The ARN of an entity.
pub(crate) fn arn_of(entity: &EntityRecord) -> Result<String, Error> {
    let name = name_of(entity)?;
    Ok(identity_arn(
        &entity.account,
        entity.kind,
        &entity.path,
        &name,
    ))
}

/// Gives an entity other tags.
pub(crate) fn set_tags(entity: &mut EntityRecord, tags: &[Tag]) -> Result<(), Error> {
    let tags = serde_json::to_value(tags).map_err(Error::internal)?;
    set_field(entity, "tags", tags)
}

/// Gives an entity another name.
pub(crate) fn set_name(entity: &mut EntityRecord, name: &str) -> Result<(), Error> {
    set_field(entity, "name", name.into())
}

/// Sets what documents of all named kinds have.
fn set_field(
    entity: &mut EntityRecord,
    field: &str,
    value: serde_json::Value,
) -> Result<(), Error> {
    let mut document: serde_json::Map<String, serde_json::Value> = read(entity)?;
    document.insert(field.to_owned(), value);
    entity.document = write(&document)?;
    Ok(())
}

/// Writes a document.
pub(crate) fn write(document: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(document).map_err(Error::internal)
}

/// The key under which a name is unique: IAM does not tell names apart by the case of their letters.
pub(crate) fn name_key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The ARN of an identity: `arn:aws:iam::ACCOUNT:user/path/name`.
pub(crate) fn identity_arn(
    account: &AccountId,
    kind: EntityKind,
    path: &str,
    name: &str,
) -> String {
    format!("arn:aws:iam::{account}:{}{path}{name}", kind.as_str())
}

/// Finds account, kind and key of an identity's ARN; `None` if it is not one of IAM.
pub(crate) fn parse_identity_arn(arn: &str) -> Option<(AccountId, EntityKind, String)> {
    let rest = arn.strip_prefix("arn:aws:iam::")?;
    let (account, resource) = rest.split_once(':')?;
    let (kind, path) = resource.split_once('/')?;
    let kind = EntityKind::parse(kind)?;
    let key = match kind {
        EntityKind::OidcProvider => path.to_owned(),
        _ => name_key(path.rsplit('/').next()?),
    };
    Some((AccountId::parse(account).ok()?, kind, key))
}

/// Finds account and key in the ARN of a kind of entity.
pub(crate) fn parse_arn(arn: &str, kind: EntityKind) -> Option<(AccountId, String)> {
    let (account, found, key) = parse_identity_arn(arn)?;
    (found == kind && !key.is_empty()).then_some((account, key))
}

/// Where a managed policy's links end: at its ARN, and for a policy of AWS at the account besides, so that each account
/// knows to what of its own it is attached.
pub(crate) fn attachment_target(account: &AccountId, arn: &str) -> String {
    if super::managed_policies::is_of_aws(arn) {
        format!("{arn}@{account}")
    } else {
        arn.to_owned()
    }
}

/// The ARN of the policy at which a link ends.
pub(crate) fn attached_arn(target: &str) -> &str {
    if !super::managed_policies::is_of_aws(target) {
        return target;
    }
    target.split_once('@').map_or(target, |(arn, _)| arn)
}

/// A time of a document.
pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A new unique id, never given twice: four letters that tell the kind (`AIDA`, `AROA` …) and seventeen drawn.
pub(crate) fn unique_id(prefix: &str, random: [u8; 16]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut rest = u128::from_be_bytes(random);
    let mut id = prefix.to_owned();
    for _ in 0..17 {
        let digit = usize::try_from(rest % 32).unwrap_or_default();
        id.extend(ALPHABET.get(digit).copied().map(char::from));
        rest /= 32;
    }
    id
}
