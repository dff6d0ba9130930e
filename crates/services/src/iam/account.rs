//! What IAM tells of an account as a whole: its alias, and how much it has of everything.

use ecru_domain::Error;
use ecru_ports::metadata::{EntityKind, EntityList, EntityRecord, Lane, ReadTransaction};

use super::records::{self, AccountAliasDocument};
use super::{Iam, quotas, refusals};
use crate::access::RequestContext;

/// How much an account has of everything (IAM API Reference, `GetAccountSummary`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountSummary {
    /// Users.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Roles.
    pub roles: u64,
    /// Managed policies of the account.
    pub policies: u64,
    /// Instance profiles.
    pub instance_profiles: u64,
    /// Identity providers.
    pub providers: u64,
    /// Whether the root user has an access key.
    pub has_root_key: bool,
}

impl Iam {
    /// `iam:GetAccountSummary`
    pub async fn account_summary(&self, context: &RequestContext) -> Result<AccountSummary, Error> {
        let permit = self
            .permit_account(context, "iam:GetAccountSummary")
            .await?;
        let account = context.principal.account.clone();
        let has_root_key = self.identity.has_root_key(&account).await?;
        self.store
            .lookup((&permit).into(), move |rows| {
                let mut count = |kind| rows.count_entities(&account, kind);
                Ok(AccountSummary {
                    users: count(EntityKind::User)?,
                    groups: count(EntityKind::Group)?,
                    roles: count(EntityKind::Role)?,
                    policies: count(EntityKind::Policy)?,
                    instance_profiles: count(EntityKind::InstanceProfile)?,
                    providers: count(EntityKind::OidcProvider)?,
                    has_root_key,
                })
            })
            .await
    }

    /// `iam:ListAccountAliases`: none or one.
    pub async fn list_account_aliases(
        &self,
        context: &RequestContext,
    ) -> Result<Vec<String>, Error> {
        let permit = self
            .permit_account(context, "iam:ListAccountAliases")
            .await?;
        let account = context.principal.account.clone();
        self.store
            .lookup((&permit).into(), move |rows| {
                let alias = alias_of(rows, &account)?;
                alias.iter().map(records::name_of).collect()
            })
            .await
    }

    /// `iam:CreateAccountAlias`: in place of the one that there was. No two accounts have the same.
    pub async fn create_account_alias(
        &self,
        context: &RequestContext,
        alias: &str,
    ) -> Result<(), Error> {
        let permit = self
            .permit_account(context, "iam:CreateAccountAlias")
            .await?;
        let document = AccountAliasDocument {
            name: alias.to_owned(),
        };
        let entity = EntityRecord {
            account: context.principal.account.clone(),
            kind: EntityKind::AccountAlias,
            key: alias.to_owned(),
            id: format!("account-alias {alias}"),
            path: "/".to_owned(),
            document: records::write(&document)?,
            created_at: self.clock.now(),
        };
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&entity.account)?;
                if let Some(old) = alias_of(rows, &entity.account)? {
                    rows.delete_entity(&old.id)?;
                }
                if rows.insert_entity(&entity)? {
                    return Ok(());
                }
                Err(refusals::taken(entity.kind, &entity.key))
            })
            .await
    }

    /// `iam:DeleteAccountAlias`
    pub async fn delete_account_alias(
        &self,
        context: &RequestContext,
        alias: &str,
    ) -> Result<(), Error> {
        let permit = self
            .permit_account(context, "iam:DeleteAccountAlias")
            .await?;
        let (account, alias) = (context.principal.account.clone(), alias.to_owned());
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&account)?;
                let found = rows.find_entity(&account, EntityKind::AccountAlias, &alias)?;
                let entity = found.ok_or_else(|| {
                    refusals::no_such(format!("The account alias {alias} cannot be found."))
                })?;
                rows.delete_entity(&entity.id)?;
                Ok(())
            })
            .await
    }
}

impl AccountSummary {
    /// The quotas beside it, as the API names them.
    pub fn quotas() -> [(&'static str, u64); 12] {
        let size = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        [
            ("UsersQuota", quotas::USERS),
            ("GroupsQuota", quotas::GROUPS),
            ("RolesQuota", quotas::ROLES),
            ("PoliciesQuota", quotas::POLICIES),
            ("InstanceProfilesQuota", quotas::INSTANCE_PROFILES),
            ("GroupsPerUserQuota", size(quotas::GROUPS_PER_USER)),
            ("AccessKeysPerUserQuota", size(quotas::ACCESS_KEYS)),
            ("AttachedPoliciesPerUserQuota", size(quotas::ATTACHED)),
            ("AttachedPoliciesPerGroupQuota", size(quotas::ATTACHED)),
            ("AttachedPoliciesPerRoleQuota", size(quotas::ATTACHED)),
            ("VersionsPerPolicyQuota", size(quotas::VERSIONS)),
            (
                "PolicySizeQuota",
                size(ecru_policy::validate::MAX_MANAGED_POLICY),
            ),
        ]
    }
}

fn alias_of(
    rows: &mut dyn ReadTransaction,
    account: &ecru_domain::AccountId,
) -> Result<Option<EntityRecord>, Error> {
    let one = EntityList {
        account,
        kind: EntityKind::AccountAlias,
        path_prefix: "/",
        after: None,
        limit: 1,
    };
    Ok(rows.list_entities(one)?.pop())
}
