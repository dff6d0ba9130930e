//! What a push must know, asked at once.

use ecru_domain::{Digest, RepositoryId};
use ecru_ports::metadata::{PushFacts, PushQuestion, ReferenceKind, StoreError};

use super::read_one;
use super::repositories::{CHANGE, read_repository};
use crate::row::Row;
use crate::sql::{Parameter, Sql};

/// Whether the image is stored, with how many tags, and a setting: one row always.
const FACTS: &str = "SELECT \
    (SELECT tag_count FROM image WHERE repository_id = $1 AND digest = $2), \
    (SELECT value FROM registry_setting WHERE account = $3 AND region = $4 AND name = $5)";

const TARGET: &str = "SELECT digest FROM tag WHERE repository_id = $1 AND name = $2";

const LAYER: &str = "SELECT digest FROM layer WHERE repository_id = $1 AND digest = $2";

const IMAGE: &str = "SELECT digest FROM image WHERE repository_id = $1 AND digest = $2";

pub(crate) fn begin(
    sql: &mut dyn Sql,
    id: &RepositoryId,
    push: &PushQuestion<'_>,
) -> Result<Option<PushFacts>, StoreError> {
    let mut answers = sql.query_each(&statements(id, push))?.into_iter();
    let mut next_row = || answers.next().and_then(|rows| rows.into_iter().next());
    let Some(repository) = read_one(next_row(), read_repository)? else {
        return Ok(None);
    };
    let (tags_on_image, setting) = read_one(next_row(), |row| {
        Ok((row.optional_unsigned()?, row.optional_text()?))
    })?
    .unwrap_or_default();
    let mut targets = Vec::with_capacity(push.tags.len());
    for _ in push.tags {
        targets.push(read_one(next_row(), Row::digest)?);
    }
    let absent = push.references.iter().filter(|_| next_row().is_none());
    let missing: Vec<Digest> = absent.map(|reference| reference.target.clone()).collect();
    Ok(Some(PushFacts {
        repository,
        tags_on_image: tags_on_image.map(|count| usize::try_from(count).unwrap_or(usize::MAX)),
        targets,
        missing,
        setting,
    }))
}

fn statements<'p>(
    id: &'p RepositoryId,
    push: &PushQuestion<'p>,
) -> Vec<(&'static str, Vec<Parameter<'p>>)> {
    let (registry, setting) = push.setting;
    let facts = vec![
        id.into(),
        push.digest.into(),
        registry.account.as_str().into(),
        registry.region.as_str().into(),
        setting.into(),
    ];
    let tags = push
        .tags
        .iter()
        .map(|tag| (TARGET, vec![id.into(), tag.as_str().into()]));
    let references = push.references.iter().map(|reference| {
        let statement = match reference.kind {
            ReferenceKind::Layer => LAYER,
            ReferenceKind::Manifest => IMAGE,
        };
        (statement, vec![id.into(), (&reference.target).into()])
    });
    let first = [(CHANGE, vec![id.into()]), (FACTS, facts)];
    first.into_iter().chain(tags).chain(references).collect()
}
