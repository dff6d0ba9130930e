//! What IAM tells of users, roles, groups and policies.

use ecru_domain::{Error, Timestamp};
use ecru_ports::metadata::{EntityKind, EntityRecord, LastUse, LinkKind, ReadTransaction};

use super::principals_in_policies::shown_form;
use super::records::{self, NamedDocument, PolicyDocument, RoleDocument};

/// What all that has a name has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityDescription {
    /// Its name, as written.
    pub name: String,
    /// Its path; `/` if it has none.
    pub path: String,
    /// Its unique id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

impl EntityDescription {
    pub(super) fn of(entity: EntityRecord) -> Result<Self, Error> {
        let NamedDocument { name, tags } = records::read(&entity)?;
        let arn = records::identity_arn(&entity.account, entity.kind, &entity.path, &name);
        Ok(Self {
            name,
            path: entity.path,
            id: entity.id,
            arn,
            created_at: entity.created_at,
            tags,
        })
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDescription {
    /// The user.
    pub entity: EntityDescription,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
}

impl UserDescription {
    pub(super) fn load(
        rows: &mut dyn ReadTransaction,
        entity: EntityRecord,
    ) -> Result<Self, Error> {
        let boundary = boundary_of(rows, &entity.id)?;
        Ok(Self {
            entity: EntityDescription::of(entity)?,
            boundary,
        })
    }
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDescription {
    /// The role.
    pub entity: EntityDescription,
    /// What it is for.
    pub description: Option<String>,
    /// Its trust policy, as it is shown.
    pub trust: String,
    /// The longest session, in seconds.
    pub max_session_duration: u32,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// When and where a session of it was last used, to within an hour; `None` if none ever was.
    pub last_used: Option<LastUse>,
}

impl RoleDescription {
    pub(super) fn load(
        rows: &mut dyn ReadTransaction,
        entity: EntityRecord,
    ) -> Result<Self, Error> {
        let role: RoleDocument = records::read(&entity)?;
        Ok(Self {
            trust: shown_form(rows, &role.trust)?,
            last_used: rows.last_use(&entity.id)?,
            boundary: boundary_of(rows, &entity.id)?,
            description: role.description,
            max_session_duration: role.max_session_duration,
            entity: EntityDescription::of(entity)?,
        })
    }
}

/// The ARN of the permissions boundary of a user or role.
pub(super) fn boundary_of(
    rows: &mut dyn ReadTransaction,
    id: &str,
) -> Result<Option<String>, Error> {
    let links = rows.links_from(id, LinkKind::Boundary, None, 1)?;
    let first = links.first();
    Ok(first.map(|target| records::attached_arn(target).to_owned()))
}

/// A managed policy, without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDescription {
    /// The policy.
    pub entity: EntityDescription,
    /// What it is for.
    pub description: Option<String>,
    /// The version in force.
    pub default_version: String,
    /// When a version was last made, or put in force.
    pub updated_at: Timestamp,
    /// To how many users, roles and groups of the account it is attached.
    pub attachments: u64,
    /// How many users and roles of the account it bounds.
    pub boundary_uses: u64,
}

impl PolicyDescription {
    pub(super) fn load(
        rows: &mut dyn ReadTransaction,
        entity: EntityRecord,
    ) -> Result<Self, Error> {
        let policy: PolicyDocument = records::read(&entity)?;
        let arn = records::arn_of(&entity)?;
        Ok(Self {
            attachments: rows.count_links_to(&arn, LinkKind::AttachedPolicy)?,
            boundary_uses: rows.count_links_to(&arn, LinkKind::Boundary)?,
            description: policy.description,
            default_version: version_name(policy.default_version),
            updated_at: records::time(policy.updated_at),
            entity: EntityDescription::of(entity)?,
        })
    }
}

/// A version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersionDescription {
    /// `v` and its number.
    pub name: String,
    /// What it says.
    pub document: String,
    /// Whether it is in force.
    pub is_default: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The name of a version.
pub(super) fn version_name(number: u32) -> String {
    format!("v{number}")
}

/// What users, roles and groups are to those who attach policies to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityKind {
    /// A user.
    User,
    /// A role.
    Role,
    /// A group.
    Group,
}

impl IdentityKind {
    /// The kind of its row.
    pub(super) fn entity(self) -> EntityKind {
        match self {
            Self::User => EntityKind::User,
            Self::Role => EntityKind::Role,
            Self::Group => EntityKind::Group,
        }
    }

    /// The kind of a row; `None` if policies cannot be attached to it.
    pub(super) fn of(kind: EntityKind) -> Option<Self> {
        match kind {
            EntityKind::User => Some(Self::User),
            EntityKind::Role => Some(Self::Role),
            EntityKind::Group => Some(Self::Group),
            _ => None,
        }
    }

    /// One of three names, for a user, a role, a group.
    pub(super) fn choose(self, names: [&'static str; 3]) -> &'static str {
        let [user, role, group] = names;
        match self {
            Self::User => user,
            Self::Role => role,
            Self::Group => group,
        }
    }
}
