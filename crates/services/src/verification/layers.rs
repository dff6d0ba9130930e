//! Layers of a repository: each has its object, and a key that opens. Several may share an object, each with a wrap
//! of its key that is its own.

use ecru_domain::repository::Repository;
use ecru_domain::{Error, RepositoryId};
use ecru_ports::metadata::{LayerRecord, ReadTransaction};

use super::{BATCH, Problem, Verification, VerifyReport, opened};
use crate::store::Warrant;

impl Verification {
    pub(super) async fn verify_layers(
        &self,
        repository: &Repository,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let (id, from) = (repository.id.clone(), after.clone());
            let look = move |rows: &mut dyn ReadTransaction| list(rows, &id, from.as_deref());
            let found = self.store.read(Warrant::server(), look).await?;
            let Some((last, _)) = found.last() else {
                return Ok(());
            };
            after = Some(last.digest.to_string());
            for (layer, has_object) in &found {
                let damage = self.damage_of_layer(repository, layer, *has_object);
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
        }
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
