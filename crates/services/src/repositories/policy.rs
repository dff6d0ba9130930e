//! Repository policies: who may do what with one repository, across accounts (ECR API Reference,
//! `SetRepositoryPolicy`; ECR User Guide, "Private repository policies").
//!
//! Principals that live here are stored by their unique ids and shown by their ARNs, so that a namesake made later
//! inherits nothing.

use ecru_domain::action::ECR_ACTIONS;
use ecru_domain::error::RepositoryLabel;
use ecru_domain::{Action, Error, Refusal, Registry, RepositoryName};
use ecru_policy::{Document, DocumentKind, Policy};
use ecru_ports::metadata::ReadTransaction;

use super::Repositories;
use crate::access::{Demand, Permit, REPOSITORY_SOURCE, RequestContext};
use crate::iam::principals_in_policies::{shown_form, stored_form};

/// What ECR calls the parameter.
const MEMBER: &str = "PolicyText";

/// The one action that no policy of a resource can grant.
const GET_TOKEN: &str = "ecr:GetAuthorizationToken";

const LOCKOUT: &str =
    "The new repository policy will prevent you from updating the repository policy in the future.";

/// `ecr:SetRepositoryPolicy`
#[derive(Clone, Debug)]
pub struct SetRepositoryPolicy {
    /// Where.
    pub registry: Registry,
    /// Where.
    pub name: RepositoryName,
    /// The document.
    pub text: String,
    /// Whether to set it even if the caller could not change it afterwards.
    pub force: bool,
}

impl Repositories {
    /// `ecr:SetRepositoryPolicy`: replaces the policy. `InvalidParameter` if it is none, names principals that do not
    /// exist, or would keep the caller from setting another.
    pub async fn set_policy(
        &self,
        context: &RequestContext,
        command: SetRepositoryPolicy,
    ) -> Result<String, Error> {
        let permit = self
            .permit(
                context,
                Action::SET_REPOSITORY_POLICY,
                &command.registry,
                &command.name,
            )
            .await?;
        check_policy(&command.text, DocumentKind::Repository)?;
        self.store.repository(&permit).await?;
        let text = command.text.clone();
        let stored = self.store.lookup((&permit).into(), move |rows| {
            stored_policy(rows, &text, DocumentKind::Repository)
        });
        let stored = stored.await?;
        if !command.force {
            self.check_lockout(context, &permit, &stored).await?;
        }
        self.change(&permit, move |rows, id| {
            Ok(rows.set_repository_policy(id, Some(&stored))?)
        })
        .await?;
        Ok(command.text)
    }

    /// `ecr:GetRepositoryPolicy`, or `RepositoryPolicyNotFound`.
    pub async fn get_policy(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<String, Error> {
        let permit = self
            .permit(context, Action::GET_REPOSITORY_POLICY, registry, name)
            .await?;
        let repository = self.store.repository(&permit).await?;
        let label = permit.label()?;
        self.store
            .lookup((&permit).into(), move |rows| {
                let found = rows.repository_policy(&repository.id)?;
                shown_policy(rows, &found.ok_or_else(|| none(&label))?)
            })
            .await
    }

    /// `ecr:DeleteRepositoryPolicy`: the policy that was there, or `RepositoryPolicyNotFound`.
    pub async fn delete_policy(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
    ) -> Result<String, Error> {
        let permit = self
            .permit(context, Action::DELETE_REPOSITORY_POLICY, registry, name)
            .await?;
        let repository = self.store.repository(&permit).await?;
        let label = permit.label()?;
        let lane = crate::store::lane_of(&repository);
        self.store
            .write((&permit).into(), lane, move |rows| {
                let gone = || Error::from(Refusal::RepositoryNotFound(label.clone()));
                rows.change_repository(&repository.id)?.ok_or_else(gone)?;
                let found = rows.repository_policy(&repository.id)?;
                let stored = found.ok_or_else(|| none(&label))?;
                rows.set_repository_policy(&repository.id, None)?;
                shown_policy(rows, &stored)
            })
            .await
    }

    /// Whoever sets a policy must be able to set the next one under it.
    async fn check_lockout(
        &self,
        context: &RequestContext,
        permit: &Permit,
        stored: &str,
    ) -> Result<(), Error> {
        let policy = Policy::parse(stored).map_err(Error::internal)?;
        let demand = Demand::new(Action::SET_REPOSITORY_POLICY, permit.resource().clone());
        let proposed = Document::new(REPOSITORY_SOURCE, policy);
        let decision = self.access.decide_under(context, &demand, proposed).await?;
        if decision.is_allowed() {
            return Ok(());
        }
        Err(invalid(LOCKOUT).into())
    }
}

fn none(label: &RepositoryLabel) -> Refusal {
    Refusal::RepositoryPolicyNotFound(label.clone())
}

/// Refuses what is no policy of that kind.
pub(crate) fn check_policy(text: &str, kind: DocumentKind) -> Result<(), Error> {
    let validated = ecru_policy::validate(text, kind).map_err(|_| not_a_policy(kind))?;
    let is_unknown = validated.policy.unknown_action(&ECR_ACTIONS).is_some();
    if is_unknown || validated.policy.names_action(GET_TOKEN) {
        return Err(not_a_policy(kind).into());
    }
    Ok(())
}

/// A policy as it is stored; refused if it names principals that do not exist.
pub(crate) fn stored_policy(
    rows: &mut dyn ReadTransaction,
    text: &str,
    kind: DocumentKind,
) -> Result<String, Error> {
    stored_form(rows, text).map_err(|problem| problem.refused(|_| not_a_policy(kind)))
}

/// A policy as it is shown.
pub(crate) fn shown_policy(rows: &mut dyn ReadTransaction, stored: &str) -> Result<String, Error> {
    shown_form(rows, stored)
}

fn not_a_policy(kind: DocumentKind) -> Refusal {
    invalid(if kind == DocumentKind::Registry {
        "Invalid registry policy provided"
    } else {
        "Invalid repository policy provided"
    })
}

/// The refusal of a policy text.
pub(crate) fn invalid(constraint: &str) -> Refusal {
    Refusal::InvalidParameter {
        member: MEMBER,
        constraint: constraint.to_owned(),
    }
}
