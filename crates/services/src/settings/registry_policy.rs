//! The registry policy: what binds every repository of a registry besides its own policy (ECR API Reference,
//! `PutRegistryPolicy`; ECR User Guide, "Private registry permissions").

use ecru_domain::settings::AccountSetting;
use ecru_domain::{Action, Error, Refusal, Registry};
use ecru_policy::{DocumentKind, Policy};
use ecru_ports::metadata::{Lane, ReadTransaction};

use super::{Settings, account_setting};
use crate::access::{
    NARROW_REGISTRY_ACTIONS, NARROW_SCOPE, Permit, REGISTRY_POLICY, RequestContext, Resource,
};
use crate::repositories::policy::{check_policy, invalid, shown_policy, stored_policy};

impl Settings {
    /// `ecr:PutRegistryPolicy`: replaces the policy of the caller's registry.
    pub async fn put_registry_policy(
        &self,
        context: &RequestContext,
        text: &str,
    ) -> Result<Registry, Error> {
        let (permit, registry) = self.enter(context, Action::PUT_REGISTRY_POLICY).await?;
        check_policy(text, DocumentKind::Registry)?;
        let (place, given) = (registry.clone(), text.to_owned());
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                check_scope(rows, &place, &given)?;
                let stored = stored_policy(rows, &given, DocumentKind::Registry)?;
                Ok(rows.put_registry_setting(&place, REGISTRY_POLICY, &stored)?)
            })
            .await?;
        Ok(registry)
    }

    /// `ecr:GetRegistryPolicy`, or `RegistryPolicyNotFound`.
    pub async fn get_registry_policy(
        &self,
        context: &RequestContext,
    ) -> Result<(Registry, String), Error> {
        let (permit, registry) = self.enter(context, Action::GET_REGISTRY_POLICY).await?;
        let place = registry.clone();
        let text = self.store.lookup((&permit).into(), move |rows| {
            let stored = stored(rows, &place)?;
            shown_policy(rows, &stored)
        });
        Ok((registry, text.await?))
    }

    /// `ecr:DeleteRegistryPolicy`: the policy that was there, or `RegistryPolicyNotFound`.
    pub async fn delete_registry_policy(
        &self,
        context: &RequestContext,
    ) -> Result<(Registry, String), Error> {
        let (permit, registry) = self.enter(context, Action::DELETE_REGISTRY_POLICY).await?;
        let place = registry.clone();
        let text = self.store.write((&permit).into(), Lane::Any, move |rows| {
            let stored = stored(rows, &place)?;
            rows.delete_registry_setting(&place, REGISTRY_POLICY)?;
            shown_policy(rows, &stored)
        });
        Ok((registry, text.await?))
    }

    async fn enter(
        &self,
        context: &RequestContext,
        action: Action,
    ) -> Result<(Permit, Registry), Error> {
        let registry = context.own_registry();
        let resource = Resource::Any(registry.clone());
        let permit = self.access.authorize(context, action, resource).await?;
        Ok((permit, registry))
    }
}

fn stored(rows: &mut dyn ReadTransaction, registry: &Registry) -> Result<String, Error> {
    let found = rows.registry_setting(registry, REGISTRY_POLICY)?;
    found.ok_or_else(|| Refusal::RegistryPolicyNotFound(registry.account.clone()).into())
}

/// In the narrow scope a registry policy is about replication and upstream images alone.
fn check_scope(
    rows: &mut dyn ReadTransaction,
    registry: &Registry,
    text: &str,
) -> Result<(), Error> {
    if account_setting(rows, registry, AccountSetting::RegistryPolicyScope)? != NARROW_SCOPE {
        return Ok(());
    }
    let policy = Policy::parse(text).map_err(|_| invalid("Invalid registry policy provided"))?;
    match policy.unknown_action(&NARROW_REGISTRY_ACTIONS) {
        None => Ok(()),
        Some(_) => Err(invalid("Invalid registry policy provided").into()),
    }
}
