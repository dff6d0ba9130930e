//! Passwords of users, and what the account asks of them (IAM API Reference, `CreateLoginProfile`,
//! `UpdateAccountPasswordPolicy` and their siblings). There is nothing yet that asks for a password.

use ecru_domain::{Error, Timestamp};
use ecru_ports::metadata::{DocumentKind, EntityKind, Lane, NamedDocument, ReadTransaction};
use zeroize::Zeroizing;

use super::passwords::{self, PasswordPolicy};
use super::records::{self, LoginProfileDocument};
use super::targets::Target;
use super::{Iam, refusals};
use crate::access::{Permit, RequestContext};

/// The name of the one login profile of a user, and of the one password policy of an account.
const ONLY: &str = "only";

/// What is told of a login profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginProfileDescription {
    /// Whose.
    pub user: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether the next sign-in must set another password.
    pub reset_required: bool,
}

/// What is to become of a login profile.
#[derive(Clone, Default)]
pub struct LoginProfileChange {
    /// The password.
    pub password: Option<Zeroizing<String>>,
    /// Whether the next sign-in must set another.
    pub reset_required: Option<bool>,
}

impl Iam {
    /// `iam:CreateLoginProfile`
    pub async fn create_login_profile(
        &self,
        context: &RequestContext,
        user: Option<&str>,
        change: LoginProfileChange,
    ) -> Result<LoginProfileDescription, Error> {
        let target = self.user_or_caller(context, user).await?;
        let permit = self
            .permit(context, "iam:CreateLoginProfile", &target)
            .await?;
        let Some(password) = change.password else {
            return Err(refusals::validation("A password is needed."));
        };
        let policy = self.read_password_policy(&permit).await?;
        passwords::check(&password, policy.as_ref())?;
        let now = self.clock.now();
        let profile = LoginProfileDocument {
            password_hash: self.passwords.hash(password).await?,
            reset_required: change.reset_required.unwrap_or(false),
            created_at: now.micros(),
        };
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                let name = records::name_of(&entity)?;
                if find(rows, &entity.id)?.is_some() {
                    return Err(refusals::already_exists(format!(
                        "Login Profile for user {name} already exists."
                    )));
                }
                put(rows, &entity.id, &profile)?;
                Ok(describe(name, &profile))
            })
            .await
    }

    /// `iam:GetLoginProfile`
    pub async fn get_login_profile(
        &self,
        context: &RequestContext,
        user: Option<&str>,
    ) -> Result<LoginProfileDescription, Error> {
        let target = self.user_or_caller(context, user).await?;
        let permit = self.permit(context, "iam:GetLoginProfile", &target).await?;
        self.store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                let name = records::name_of(&entity)?;
                let found = find(rows, &entity.id)?;
                let profile = found.ok_or_else(|| missing(&name))?;
                Ok(describe(name, &profile))
            })
            .await
    }

    /// `iam:UpdateLoginProfile`
    pub async fn update_login_profile(
        &self,
        context: &RequestContext,
        user: &str,
        change: LoginProfileChange,
    ) -> Result<(), Error> {
        let target = Target::named(context, EntityKind::User, user);
        let permit = self
            .permit(context, "iam:UpdateLoginProfile", &target)
            .await?;
        let hash = match change.password {
            Some(password) => {
                let policy = self.read_password_policy(&permit).await?;
                passwords::check(&password, policy.as_ref())?;
                Some(self.passwords.hash(password).await?)
            }
            None => None,
        };
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                let found = find(rows, &entity.id)?;
                let mut profile = found.ok_or_else(|| missing(&target.given))?;
                if let Some(hash) = &hash {
                    profile.password_hash.clone_from(hash);
                }
                if let Some(reset_required) = change.reset_required {
                    profile.reset_required = reset_required;
                }
                put(rows, &entity.id, &profile)
            })
            .await
    }

    /// `iam:DeleteLoginProfile`
    pub async fn delete_login_profile(
        &self,
        context: &RequestContext,
        user: Option<&str>,
    ) -> Result<(), Error> {
        let target = self.user_or_caller(context, user).await?;
        let permit = self
            .permit(context, "iam:DeleteLoginProfile", &target)
            .await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&target.account)?;
                let entity = target.find(rows)?;
                if rows.delete_entity_document(&entity.id, DocumentKind::LoginProfile, ONLY)? {
                    return Ok(());
                }
                Err(missing(&target.given))
            })
            .await
    }

    /// Whether a user of the caller's account has that password; for who lets users sign in.
    pub async fn has_password(
        &self,
        context: &RequestContext,
        user: &str,
        password: Zeroizing<String>,
    ) -> Result<bool, Error> {
        let target = Target::named(context, EntityKind::User, user);
        let permit = self.permit(context, "iam:GetLoginProfile", &target).await?;
        let profile = self
            .store
            .lookup((&permit).into(), move |rows| {
                let entity = target.find(rows)?;
                find(rows, &entity.id)
            })
            .await?;
        match profile {
            Some(profile) => {
                let hash = profile.password_hash;
                self.passwords.is_right(password, hash).await
            }
            None => Ok(false),
        }
    }

    /// `iam:UpdateAccountPasswordPolicy`
    pub async fn update_password_policy(
        &self,
        context: &RequestContext,
        policy: PasswordPolicy,
    ) -> Result<(), Error> {
        let permit = self
            .permit_account(context, "iam:UpdateAccountPasswordPolicy")
            .await?;
        let account = context.principal.account.clone();
        let row = NamedDocument {
            name: ONLY.to_owned(),
            document: records::write(&policy)?,
        };
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&account)?;
                let kind = DocumentKind::PasswordPolicy;
                Ok(rows.put_entity_document(account.as_str(), kind, &row)?)
            })
            .await
    }

    /// `iam:GetAccountPasswordPolicy`
    pub async fn get_password_policy(
        &self,
        context: &RequestContext,
    ) -> Result<PasswordPolicy, Error> {
        let permit = self
            .permit_account(context, "iam:GetAccountPasswordPolicy")
            .await?;
        let found = self.read_password_policy(&permit).await?;
        found.ok_or_else(|| no_password_policy(context))
    }

    /// `iam:DeleteAccountPasswordPolicy`
    pub async fn delete_password_policy(&self, context: &RequestContext) -> Result<(), Error> {
        let permit = self
            .permit_account(context, "iam:DeleteAccountPasswordPolicy")
            .await?;
        let account = context.principal.account.clone();
        let was_there = self
            .store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.change_identities(&account)?;
                let kind = DocumentKind::PasswordPolicy;
                Ok(rows.delete_entity_document(account.as_str(), kind, ONLY)?)
            })
            .await?;
        if was_there {
            return Ok(());
        }
        Err(no_password_policy(context))
    }

    async fn read_password_policy(&self, permit: &Permit) -> Result<Option<PasswordPolicy>, Error> {
        let account = permit.registry().account.clone();
        self.store
            .lookup(permit.into(), move |rows| {
                let kind = DocumentKind::PasswordPolicy;
                let text = rows.entity_document(account.as_str(), kind, ONLY)?;
                text.as_deref().map(records::read_text).transpose()
            })
            .await
    }
}

/// The login profile of a user.
pub(super) fn find(
    rows: &mut dyn ReadTransaction,
    user: &str,
) -> Result<Option<LoginProfileDocument>, Error> {
    let text = rows.entity_document(user, DocumentKind::LoginProfile, ONLY)?;
    text.as_deref().map(records::read_text).transpose()
}

fn put(
    rows: &mut dyn ecru_ports::metadata::WriteTransaction,
    user: &str,
    profile: &LoginProfileDocument,
) -> Result<(), Error> {
    let row = NamedDocument {
        name: ONLY.to_owned(),
        document: records::write(profile)?,
    };
    Ok(rows.put_entity_document(user, DocumentKind::LoginProfile, &row)?)
}

fn describe(user: String, profile: &LoginProfileDocument) -> LoginProfileDescription {
    LoginProfileDescription {
        user,
        created_at: records::time(profile.created_at),
        reset_required: profile.reset_required,
    }
}

fn missing(user: &str) -> Error {
    refusals::no_such(format!("Login Profile for User {user} cannot be found."))
}

fn no_password_policy(context: &RequestContext) -> Error {
    let account = &context.principal.account;
    refusals::no_such(format!(
        "The Password Policy with domain name {account} cannot be found."
    ))
}
