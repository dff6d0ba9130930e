//! What a push must know, asked at once, and a new image with all that belongs to it.
//!
//! A statement more is a message more in each direction, and a process woken on either side: on PostgreSQL that costs
//! more than what most of them do. So one statement asks all that most pushes need, and each row is written once.

use ecru_domain::repository::Repository;
use ecru_domain::{Digest, RepositoryId, Tag, Timestamp};
use ecru_ports::metadata::{
    PushFacts, PushQuestion, PushedImage, ReferenceKind, ReferenceRecord, StoreError,
};

use super::repositories::{read_repository, repository_columns};
use super::{images, read_one, references, tags};
use crate::row::Row;
use crate::sql::{Parameter, Sql};

/// Whether a layer is there, as a number. Each is looked up by its whole key: asked for a list of them, PostgreSQL may
/// walk all layers of the repository, which took a millisecond for every push where there were 3,000.
macro_rules! layer_count {
    ($digest:literal) => {
        concat!(
            "(SELECT COUNT(*) FROM layer WHERE repository_id = $1 AND digest = ",
            $digest,
            ")"
        )
    };
}

/// Announces a change, and tells with it: how many tags the image has, a setting, where the first tag points, and how
/// many of the first layers are there.
const BEGIN: &str = concat!(
    "UPDATE repository SET version = version + 1 WHERE id = $1 RETURNING ",
    repository_columns!(),
    ", (SELECT tag_count FROM image WHERE repository_id = $1 AND digest = $2), \
     (SELECT value FROM registry_setting WHERE account = $3 AND region = $4 AND name = $5), \
     (SELECT digest FROM tag WHERE repository_id = $1 AND name = $6), ",
    layer_count!("$7"),
    " + ",
    layer_count!("$8"),
    " + ",
    layer_count!("$9"),
    " + ",
    layer_count!("$10"),
    " + ",
    layer_count!("$11"),
    " + ",
    layer_count!("$12"),
    " + ",
    layer_count!("$13"),
    " + ",
    layer_count!("$14")
);

/// Layers that [`BEGIN`] counts.
const COUNTED: usize = 8;

const TARGET: &str = "SELECT digest FROM tag WHERE repository_id = $1 AND name = $2";

const LAYER: &str = "SELECT digest FROM layer WHERE repository_id = $1 AND digest = $2";

const IMAGE: &str = "SELECT digest FROM image WHERE repository_id = $1 AND digest = $2";

/// The answer to [`BEGIN`].
struct First {
    repository: Repository,
    tags_on_image: Option<u64>,
    setting: Option<String>,
    target: Option<Digest>,
    layers: usize,
}

fn read_first(row: &mut Row) -> Result<First, StoreError> {
    Ok(First {
        repository: read_repository(row)?,
        tags_on_image: row.optional_unsigned()?,
        setting: row.optional_text()?,
        target: row.optional_digest()?,
        layers: row.unsigned()?,
    })
}

pub(crate) fn begin(
    sql: &mut dyn Sql,
    id: &RepositoryId,
    push: &PushQuestion<'_>,
) -> Result<Option<PushFacts>, StoreError> {
    let (counted, others) = split(push.references);
    let mut asked = vec![(BEGIN, first_values(id, push, &counted))];
    let tags = push.tags.iter().skip(1);
    asked.extend(tags.map(|tag| (TARGET, vec![id.into(), tag.as_str().into()])));
    asked.extend(others.iter().map(|(_, other)| presence(id, other)));
    let mut answers = sql.query_each(&asked)?.into_iter();
    let mut next_row = || answers.next().and_then(|rows| rows.into_iter().next());
    let Some(first) = read_one(next_row(), read_first)? else {
        return Ok(None);
    };
    let mut targets: Vec<_> = push
        .tags
        .first()
        .map(|_| first.target)
        .into_iter()
        .collect();
    for _ in push.tags.iter().skip(1) {
        targets.push(read_one(next_row(), Row::digest)?);
    }
    let absent = others.iter().filter(|_| next_row().is_none());
    let mut missing: Vec<Numbered<'_>> = absent.copied().collect();
    if first.layers < counted.len() {
        missing.extend(look_for(sql, id, &counted)?);
        missing.sort_unstable_by_key(|(place, _)| *place);
    }
    let tags_on_image = first.tags_on_image;
    Ok(Some(PushFacts {
        repository: first.repository,
        tags_on_image: tags_on_image.map(|count| usize::try_from(count).unwrap_or(usize::MAX)),
        targets,
        missing: missing
            .into_iter()
            .map(|(_, reference)| reference.target.clone())
            .collect(),
        setting: first.setting,
    }))
}

/// A reference and its place among those of the push.
type Numbered<'p> = (usize, &'p ReferenceRecord);

/// The layers that [`BEGIN`] counts, and what is asked for one by one.
fn split(references: &[ReferenceRecord]) -> (Vec<Numbered<'_>>, Vec<Numbered<'_>>) {
    let (mut counted, mut others) = (Vec::with_capacity(COUNTED), Vec::new());
    for numbered in references.iter().enumerate() {
        if numbered.1.kind == ReferenceKind::Layer && counted.len() < COUNTED {
            counted.push(numbered);
        } else {
            others.push(numbered);
        }
    }
    (counted, others)
}

fn first_values<'p>(
    id: &'p RepositoryId,
    push: &PushQuestion<'p>,
    counted: &[Numbered<'_>],
) -> Vec<Parameter<'p>> {
    let (registry, setting) = push.setting;
    let mut values: Vec<Parameter<'p>> = vec![
        id.into(),
        push.digest.into(),
        registry.account.as_str().into(),
        registry.region.as_str().into(),
        setting.into(),
        // no tag has an empty name
        push.tags.first().map_or("", Tag::as_str).into(),
    ];
    let length = values.len() + COUNTED;
    values.extend(
        counted
            .iter()
            .map(|(_, layer)| Parameter::from(&layer.target)),
    );
    // nothing has no digest
    values.resize(length, Parameter::Null);
    values
}

/// Those of the layers that are not there.
fn look_for<'p>(
    sql: &mut dyn Sql,
    id: &RepositoryId,
    layers: &[Numbered<'p>],
) -> Result<Vec<Numbered<'p>>, StoreError> {
    let asked: Vec<_> = layers
        .iter()
        .map(|(_, layer)| presence(id, layer))
        .collect();
    let found = sql.query_each(&asked)?;
    let looked = layers.iter().zip(found);
    let absent = looked.filter(|(_, rows)| rows.is_empty());
    Ok(absent.map(|(numbered, _)| *numbered).collect())
}

/// Asks whether it is in the repository.
fn presence<'p>(
    id: &'p RepositoryId,
    reference: &ReferenceRecord,
) -> (&'static str, Vec<Parameter<'p>>) {
    let statement = match reference.kind {
        ReferenceKind::Layer => LAYER,
        ReferenceKind::Manifest => IMAGE,
    };
    (statement, vec![id.into(), (&reference.target).into()])
}

pub(crate) fn store(
    sql: &mut dyn Sql,
    repository: &RepositoryId,
    pushed: &PushedImage<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let image = pushed.image;
    let rows = (image, pushed.manifest);
    images::insert(sql, repository, rows, pushed.tags.len() as u64)?;
    references::insert(sql, repository, &image.id, pushed.references)?;
    for (tag, before) in pushed.tags.iter().zip(pushed.targets) {
        let tag = (tag, before.as_ref());
        tags::place(sql, repository, tag, &image.digest, now)?;
    }
    Ok(())
}
