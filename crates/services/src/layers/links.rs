//! Links to layers (`ecr:GetDownloadUrlForLayer`): whoever has one reads the layer, while it holds.

use ecru_domain::{
    Action, Digest, Error, Principal, Refusal, Region, Registry, RepositoryName, Timestamp,
};

use super::{Layers, OpenLayer, not_found};
use crate::access::RequestContext;
use crate::tokens::{LayerLink, TokenHolder};

impl Layers {
    /// The sealed part of a link to a layer that can be relied on. `LayerInaccessible` once no image refers to it
    /// and its promise is over.
    pub async fn download_link(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<String, Error> {
        let (permit, repository) = self
            .enter(context, Action::GET_DOWNLOAD_URL_FOR_LAYER, registry, name)
            .await?;
        let (place, wanted) = (repository.id, digest.clone());
        let read = self.store.lookup((&permit).into(), move |rows| {
            Ok(rows.find_layer(&place, &wanted)?)
        });
        let found = read.await?.ok_or(not_found(&permit, digest)?)?;
        if !self.promise().covers(&found) {
            let (digest, repository) = (digest.clone(), permit.label()?);
            return Err(Refusal::LayerInaccessible { digest, repository }.into());
        }
        let holder = TokenHolder {
            principal: context.principal.clone(),
            region: registry.region.clone(),
        };
        let link = LayerLink {
            holder,
            registry: registry.clone(),
            name: name.clone(),
            digest: digest.clone(),
            was_referenced: found.referenced_as.is_some(),
        };
        self.tokens.seal_link(&link).await
    }

    /// The layer of a link, if link, caller and layer still stand: one that an image referred to when the link was
    /// made must still be referred to. `context_of` makes the context of the caller.
    pub async fn open_link(
        &self,
        sealed: &str,
        now: Timestamp,
        context_of: impl FnOnce(Principal, Region) -> RequestContext + Send,
    ) -> Result<OpenLayer, Error> {
        let link = self.tokens.open_link(sealed, now).await?;
        let context = context_of(link.holder.principal, link.holder.region);
        let action = Action::GET_DOWNLOAD_URL_FOR_LAYER;
        let (permit, repository) = self
            .enter(&context, action, &link.registry, &link.name)
            .await?;
        let (promise, was_referenced) = (self.promise(), link.was_referenced);
        self.open_if(&permit, &repository, &link.digest, move |found| {
            found.referenced_as.is_some() || (!was_referenced && promise.covers(found))
        })
        .await
    }
}
