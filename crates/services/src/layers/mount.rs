//! Mounting: a layer of one repository becomes one of another without its bytes being moved.

use ecru_domain::repository::Repository;
use ecru_domain::settings::AccountSetting;
use ecru_domain::{Action, Digest, Error, Refusal, Registry, RepositoryName};
use ecru_ports::metadata::LayerRecord;

use super::Layers;
use crate::access::{Permit, RequestContext};
use crate::settings::account_setting;
use crate::store::lane_of;

impl Layers {
    /// Mounts a layer of another repository. `false` for whatever reason: the client then uploads.
    pub async fn mount(
        &self,
        context: &RequestContext,
        target: (&Registry, &RepositoryName),
        source: Option<(&Registry, &RepositoryName)>,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let (permit, repository) = self
            .enter(context, Action::INITIATE_LAYER_UPLOAD, target.0, target.1)
            .await?;
        let Some(source) = source.filter(|source| source.0 == target.0) else {
            return Ok(false);
        };
        match self
            .mount_from(context, (&permit, &repository), source, digest)
            .await
        {
            Err(Error::Refused(_)) => Ok(false),
            outcome => outcome,
        }
    }

    async fn mount_from(
        &self,
        context: &RequestContext,
        target: (&Permit, &Repository),
        source: (&Registry, &RepositoryName),
        digest: &Digest,
    ) -> Result<bool, Error> {
        let (source_permit, source) = self
            .enter(
                context,
                Action::GET_DOWNLOAD_URL_FOR_LAYER,
                source.0,
                source.1,
            )
            .await?;
        let (registry, wanted, place) =
            (source.registry.clone(), digest.clone(), source.id.clone());
        let found = self
            .store
            .lookup((&source_permit).into(), move |rows| {
                let enabled =
                    account_setting(rows, &registry, AccountSetting::BlobMounting)? == "ENABLED";
                Ok(if enabled {
                    rows.find_layer(&place, &wanted)?
                } else {
                    None
                })
            })
            .await?;
        let Some(found) = found.filter(|found| found.referenced_as.is_some()) else {
            return Ok(false);
        };
        if source.encryption != target.1.encryption {
            return Ok(false);
        }
        let layer = self.rewrap(&source, &found.layer, target.1, digest).await?;
        self.adopt(target.0, target.1, layer).await
    }

    /// The layer as another repository keeps it: the same object, its data key wrapped anew.
    pub(crate) async fn rewrap(
        &self,
        source: &Repository,
        layer: &LayerRecord,
        target: &Repository,
        digest: &Digest,
    ) -> Result<LayerRecord, Error> {
        let key = self
            .keys
            .unwrap(source, layer.object.as_str(), &layer.wrapped_key)
            .await?;
        let wrapped_key = self.keys.wrap(target, layer.object.as_str(), &key).await?;
        Ok(LayerRecord {
            digest: digest.clone(),
            wrapped_key,
            idle_since: self.clock.now(),
            ..layer.clone()
        })
    }

    /// Adds a layer row over an existing object. `false` if the object has gone meanwhile.
    async fn adopt(
        &self,
        permit: &Permit,
        repository: &Repository,
        layer: LayerRecord,
    ) -> Result<bool, Error> {
        let job = self.collect_job(repository, &layer.digest);
        let (place, label) = (repository.id.clone(), permit.label()?);
        self.store
            .write(permit.into(), lane_of(repository), move |rows| {
                rows.change_repository(&place)?
                    .ok_or_else(|| Refusal::RepositoryNotFound(label.clone()))?;
                if rows.find_object(&layer.object)?.is_none() {
                    return Ok(false);
                }
                rows.insert_layer(&place, &layer)?;
                rows.insert_job(&job)?;
                Ok(true)
            })
            .await
    }
}
