//! Images of a repository: each has its manifest, which opens, has its digest and refers to what is there.

use ecru_domain::repository::Repository;
use ecru_domain::{Digest, Error, RepositoryId};
use ecru_ports::metadata::{
    ImageRecord, ReadTransaction, ReferenceKind, SealedManifest, TagStatus,
};

use super::{BATCH, Position, Problem, Verification, VerifyReport, opened};
use crate::store::Warrant;

impl Verification {
    pub(super) async fn verify_images(
        &self,
        place: RepositoryId,
        after: Option<Digest>,
        report: &mut VerifyReport,
    ) -> Result<Position, Error> {
        let Some(repository) = self.repository(&place).await? else {
            return Ok(Position::Repositories(Some(place)));
        };
        let id = place.clone();
        let look = move |rows: &mut dyn ReadTransaction| {
            let after = after.as_ref().map(Digest::as_str);
            Ok(rows.list_images(&id, TagStatus::Any, after, BATCH)?)
        };
        let images = self.store.read(Warrant::server(), look).await?;
        let Some(last) = images.last().map(|image| image.digest.clone()) else {
            return Ok(Position::Repositories(Some(place)));
        };
        for image in images {
            report.manifests += 1;
            if let Some(what) = self.damage_of_image(&repository, &image).await? {
                report.add(Problem {
                    what,
                    object: None,
                    repository: Some(repository.name.to_string()),
                    digest: Some(image.digest.to_string()),
                    quarantined: false,
                });
            }
        }
        Ok(Position::Images(place, Some(last)))
    }

    async fn damage_of_image(
        &self,
        repository: &Repository,
        image: &ImageRecord,
    ) -> Result<Option<String>, Error> {
        let (place, wanted) = (repository.id.clone(), image.clone());
        let (manifest, missing) = self
            .store
            .lookup(Warrant::server(), move |rows| {
                let manifest: Option<SealedManifest> = rows.manifest(&place, &wanted.digest)?;
                let mut missing: Option<Digest> = None;
                for reference in rows.references_of(&wanted.id, u32::MAX)? {
                    let found = match reference.kind {
                        ReferenceKind::Layer => {
                            rows.find_layer(&place, &reference.target)?.is_some()
                        }
                        ReferenceKind::Manifest => {
                            rows.find_image(&place, &reference.target)?.is_some()
                        }
                    };
                    if !found && missing.is_none() {
                        missing = Some(reference.target);
                    }
                }
                // deleted meanwhile: not a problem
                let is_there = rows
                    .find_image(&place, &wanted.digest)?
                    .is_some_and(|now| now.id == wanted.id);
                Ok(if is_there {
                    (Some(manifest), missing)
                } else {
                    (None, None)
                })
            })
            .await?;
        let Some(manifest) = manifest else {
            return Ok(None);
        };
        let Some(manifest) = manifest else {
            return Ok(Some("the manifest is missing".to_owned()));
        };
        if let Some(missing) = missing {
            return Ok(Some(format!(
                "it refers to {missing}, which is not in the repository"
            )));
        }
        self.damage_of_manifest(repository, image, &manifest).await
    }

    async fn damage_of_manifest(
        &self,
        repository: &Repository,
        image: &ImageRecord,
        manifest: &SealedManifest,
    ) -> Result<Option<String>, Error> {
        let key = self
            .keys
            .unwrap(repository, &image.id, &manifest.wrapped_key);
        let Some(key) = opened(key.await)? else {
            return Ok(Some("the manifest's data key does not open".to_owned()));
        };
        let context = crate::images::manifest_context(&image.id);
        let Ok(bytes) = self.keys.open_small(&key, &context, &manifest.sealed) else {
            return Ok(Some("the manifest does not open".to_owned()));
        };
        let calculated = Digest::of(image.digest.algorithm(), &bytes);
        Ok(
            (calculated != image.digest)
                .then(|| "the manifest does not have its digest".to_owned()),
        )
    }
}
