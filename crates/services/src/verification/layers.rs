//! Layers of a repository: each has its object, and a key that opens. Several may share an object, each with a wrap
//! of its key that is its own.

use ecru_domain::repository::Repository;
use ecru_domain::{Digest, Error, RepositoryId};
use ecru_ports::metadata::{LayerRecord, ReadTransaction};

use super::{BATCH, Position, Problem, Verification, VerifyReport, opened};
use crate::store::Warrant;

impl Verification {
    pub(super) async fn verify_layers(
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
            list(rows, &id, after.as_ref().map(Digest::as_str))
        };
        let found = self.store.read(Warrant::server(), look).await?;
        let Some(last) = found.last().map(|(layer, _)| layer.digest.clone()) else {
            return Ok(Position::Images(place, None));
        };
        for (layer, has_object) in &found {
            let damage = self.damage_of_layer(&repository, layer, *has_object);
            if let Some(what) = damage.await? {
                report.add(Problem {
                    what: what.to_owned(),
                    object: Some(layer.object.as_str().to_owned()),
                    repository: Some(repository.name.to_string()),
                    digest: Some(layer.digest.to_string()),
                    quarantined: false,
                });
            }
        }
        Ok(Position::Layers(place, Some(last)))
    }

    async fn damage_of_layer(
        &self,
        repository: &Repository,
        layer: &LayerRecord,
        has_object: bool,
    ) -> Result<Option<&'static str>, Error> {
        if !has_object {
            return Ok(Some("the layer has no object"));
        }
        let (subject, wrapped) = (layer.object.as_str(), &layer.wrapped_key);
        let key = opened(self.keys.unwrap(repository, subject, wrapped).await)?;
        Ok(key.is_none().then_some("the data key does not open"))
    }
}

/// Layers, and whether their objects are there.
fn list(
    rows: &mut dyn ReadTransaction,
    repository: &RepositoryId,
    after: Option<&str>,
) -> Result<Vec<(LayerRecord, bool)>, Error> {
    let mut found = Vec::new();
    for layer in rows.list_layers(repository, after, BATCH)? {
        let has_object = rows.find_object(&layer.object)?.is_some();
        found.push((layer, has_object));
    }
    Ok(found)
}
