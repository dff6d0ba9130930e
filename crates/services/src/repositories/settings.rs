//! Settings of a repository that can be changed.

use ecru_domain::mutability::TagMutability;
use ecru_domain::repository::Repository;
use ecru_domain::{Action, Error, Registry, RepositoryName};

use super::Repositories;
use crate::access::RequestContext;

impl Repositories {
    /// `ecr:PutImageTagMutability`: tags that are set stay where they are.
    pub async fn put_mutability(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        mutability: TagMutability,
    ) -> Result<Repository, Error> {
        let permit = self
            .permit(context, Action::PUT_IMAGE_TAG_MUTABILITY, registry, name)
            .await?;
        self.change(&permit, move |rows, id| {
            Ok(rows.set_mutability(id, &mutability)?)
        })
        .await
    }

    /// `ecr:PutImageScanningConfiguration`
    pub async fn put_scan_on_push(
        &self,
        context: &RequestContext,
        registry: &Registry,
        name: &RepositoryName,
        scan_on_push: bool,
    ) -> Result<Repository, Error> {
        let permit = self
            .permit(
                context,
                Action::PUT_IMAGE_SCANNING_CONFIGURATION,
                registry,
                name,
            )
            .await?;
        self.change(&permit, move |rows, id| {
            Ok(rows.set_scan_on_push(id, scan_on_push)?)
        })
        .await
    }
}
