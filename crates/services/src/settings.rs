//! Account settings and settings of a registry.

mod registry_policy;

use ecru_domain::latest::LatestMode;
use ecru_domain::settings::AccountSetting;
use ecru_domain::{Action, Error, Refusal, Registry};
use ecru_ports::metadata::{Lane, ReadTransaction};

use crate::access::{Access, Demand, RequestContext, Resource};
use crate::store::Store;

/// The registry setting that decides what `latest` means.
pub(crate) const LATEST: &str = "latest";

/// Settings.
#[derive(Clone)]
pub struct Settings {
    access: Access,
    store: Store,
    latest: LatestMode,
}

impl Settings {
    /// Over the store; `latest` applies where a registry has no setting of its own.
    pub fn new(access: Access, store: Store, latest: LatestMode) -> Self {
        Self {
            access,
            store,
            latest,
        }
    }

    /// `ecr:DescribeRegistry`: the registry of the caller. Replication has no rules yet.
    pub async fn describe_registry(&self, context: &RequestContext) -> Result<Registry, Error> {
        let registry = context.own_registry();
        self.access
            .authorize(
                context,
                Action::DESCRIBE_REGISTRY,
                Resource::Any(registry.clone()),
            )
            .await?;
        Ok(registry)
    }

    /// `ecr:GetAccountSetting`
    pub async fn get_account_setting(
        &self,
        context: &RequestContext,
        setting: AccountSetting,
    ) -> Result<String, Error> {
        let registry = context.own_registry();
        let permit = self
            .access
            .authorize_demand(
                context,
                demand(Action::GET_ACCOUNT_SETTING, &registry, setting),
            )
            .await?;
        self.store
            .lookup((&permit).into(), move |rows| {
                account_setting(rows, &registry, setting)
            })
            .await
    }

    /// `ecr:PutAccountSetting`: `InvalidParameter` if the setting cannot take the value.
    pub async fn put_account_setting(
        &self,
        context: &RequestContext,
        setting: AccountSetting,
        value: &str,
    ) -> Result<String, Error> {
        let registry = context.own_registry();
        let permit = self
            .access
            .authorize_demand(
                context,
                demand(Action::PUT_ACCOUNT_SETTING, &registry, setting),
            )
            .await?;
        if !setting.values().contains(&value) {
            let constraint = format!(
                "Member must satisfy enum value set: [{}]",
                setting.values().join(", ")
            );
            return Err(Refusal::InvalidParameter {
                member: "value",
                constraint,
            }
            .into());
        }
        let value = value.to_owned();
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                rows.put_registry_setting(&registry, setting.name(), &value)?;
                Ok(value.clone())
            })
            .await
    }

    /// Sets what `latest` means in the caller's registry (`ecru:PutRegistrySetting`).
    pub async fn put_latest_mode(
        &self,
        context: &RequestContext,
        mode: LatestMode,
    ) -> Result<(), Error> {
        let registry = context.own_registry();
        let permit = self
            .access
            .authorize(
                context,
                Action::PUT_REGISTRY_SETTING,
                Resource::Any(registry.clone()),
            )
            .await?;
        self.store
            .write((&permit).into(), Lane::Any, move |rows| {
                Ok(rows.put_registry_setting(&registry, LATEST, mode.as_str())?)
            })
            .await
    }

    /// What `latest` means in a registry.
    pub(crate) fn latest_mode(
        &self,
        rows: &mut dyn ReadTransaction,
        registry: &Registry,
    ) -> Result<LatestMode, Error> {
        let own = rows.registry_setting(registry, LATEST)?;
        Ok(self.latest_mode_of(own.as_deref()))
    }

    /// What `latest` means in a registry whose setting [`LATEST`] has that value.
    pub(crate) fn latest_mode_of(&self, own: Option<&str>) -> LatestMode {
        own.and_then(LatestMode::parse).unwrap_or(self.latest)
    }
}

/// An action on an account setting, with the condition key that tells which (Service Authorization Reference, "Condition
/// keys for Amazon ECR").
fn demand(action: Action, registry: &Registry, setting: AccountSetting) -> Demand {
    let demand = Demand::new(action, Resource::Any(registry.clone()));
    demand.with_key("ecr:AccountSetting", setting.name())
}

/// The value of an account setting: as put, else its default.
pub(crate) fn account_setting(
    rows: &mut dyn ReadTransaction,
    registry: &Registry,
    setting: AccountSetting,
) -> Result<String, Error> {
    let own = rows.registry_setting(registry, setting.name())?;
    Ok(own.unwrap_or_else(|| setting.default_value().to_owned()))
}
