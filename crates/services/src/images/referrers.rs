//! Referrers: images that name another as their subject.

use std::collections::BTreeMap;

use ecru_domain::manifest::Manifest;
use ecru_domain::repository::Repository;
use ecru_domain::{Action, Digest, Error, Reference, Registry, RepositoryId, RepositoryName};
use ecru_ports::metadata::{ImageRecord, ReadTransaction, SealedManifest};

use super::Images;
use super::tag_rights::Wanted;
use crate::access::RequestContext;
use crate::page::{Page, PageRequest};
use crate::repositories::cut;

/// Referrers on a page when the request does not say.
const DEFAULT_PAGE: u32 = 20;

/// Referrers looked at for one page, however many a filter passes over.
const MAX_LOOKED_AT: u32 = 500;

/// Bytes of manifests opened for one page, beyond its first: a manifest may be as large as 4 MiB.
const MAX_PAGE_BYTES: u64 = 8 * 1024 * 1024;

/// A referrer as its descriptor tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferrerDescription {
    /// Its digest.
    pub digest: Digest,
    /// Of its manifest.
    pub media_type: String,
    /// `artifactType`, else the configuration's media type.
    pub artifact_type: Option<String>,
    /// Bytes of its manifest.
    pub size: u64,
    /// Of its manifest.
    pub annotations: BTreeMap<String, String>,
}

/// Which referrers are asked for.
#[derive(Clone, Copy, Debug)]
pub struct ReferrerQuery<'a> {
    /// Account and region.
    pub registry: &'a Registry,
    /// The repository.
    pub name: &'a RepositoryName,
    /// The subject, which need not exist.
    pub subject: &'a Digest,
    /// Only those of one of these types; empty for all.
    pub artifact_types: &'a [String],
    /// Which page.
    pub page: &'a PageRequest,
}

/// A page of referrers as they are stored.
struct StoredPage {
    found: Vec<(ImageRecord, SealedManifest)>,
    /// Where the next page begins, if there is one.
    next_after: Option<Digest>,
}

impl Images {
    /// `ecr:BatchGetImage`: referrers of a subject, by digest. With artifact types, or where the caller may not have all
    /// of them, a page may be short or empty and still have a next one.
    pub async fn list_referrers(
        &self,
        context: &RequestContext,
        query: ReferrerQuery<'_>,
    ) -> Result<Page<ReferrerDescription>, Error> {
        let wanted = Wanted {
            registry: query.registry,
            name: query.name,
            action: Action::BATCH_GET_IMAGE,
        };
        let asked = Reference::Digest(query.subject.clone());
        let permit = self.permit_pull(context, wanted, &asked).await?;
        let repository = self.store.repository(&permit).await?;
        let (subject, types) = (query.subject.clone(), query.artifact_types.to_vec());
        let list = format!("ListImageReferrers {} {subject} {types:?}", repository.id);
        let after = self
            .tokens
            .open_page(&list, query.page.token.as_deref())
            .await?;
        let limit = query.page.limit.unwrap_or(DEFAULT_PAGE);
        let place = repository.id.clone();
        let page = self
            .store
            .read((&permit).into(), move |rows| {
                let after = after.as_deref();
                stored_page(rows, (&place, &subject), &types, after, limit)
            })
            .await?;
        let next_token = match page.next_after {
            Some(last) => Some(self.tokens.seal_page(&list, last.as_str()).await?),
            None => None,
        };
        let tags_matter = self.tags_matter(context, wanted).await?;
        let mut items = Vec::with_capacity(page.found.len());
        for (record, sealed) in page.found {
            let digest = &record.digest;
            if tags_matter && !self.may_see_referrer(context, wanted, digest).await? {
                continue;
            }
            items.push(self.describe_referrer(&repository, record, &sealed).await?);
        }
        Ok(Page { items, next_token })
    }

    async fn describe_referrer(
        &self,
        repository: &Repository,
        record: ImageRecord,
        sealed: &SealedManifest,
    ) -> Result<ReferrerDescription, Error> {
        let artifact_type = record.artifact_media_type.clone();
        let opened = self.open_manifest(repository, record, sealed).await?;
        let manifest =
            Manifest::parse(&opened.bytes, Some(&opened.media_type)).map_err(Error::internal)?;
        Ok(ReferrerDescription {
            digest: opened.digest,
            media_type: opened.media_type,
            artifact_type,
            size: opened.bytes.len() as u64,
            annotations: manifest.annotations,
        })
    }
}

fn stored_page(
    rows: &mut dyn ReadTransaction,
    (repository, subject): (&RepositoryId, &Digest),
    types: &[String],
    after: Option<&str>,
    limit: u32,
) -> Result<StoredPage, Error> {
    let looked_at = if types.is_empty() {
        limit
    } else {
        MAX_LOOKED_AT
    };
    let (records, more_stored) = cut(
        rows.list_referrers(repository, subject, after, looked_at.saturating_add(1))?,
        looked_at,
    );
    let end = records.last().map(|record| record.digest.clone());
    let (matching, more_matching) = cut(
        records
            .into_iter()
            .filter(|record| is_of_type(record, types))
            .collect(),
        limit,
    );
    let (matching, more_fitting) = cut_by_size(matching);
    let more_matching = more_matching || more_fitting;
    let last_shown = matching.last().map(|record| record.digest.clone());
    let mut found = Vec::with_capacity(matching.len());
    for record in matching {
        let manifest = rows.manifest(repository, &record.digest)?;
        found.push((
            record,
            manifest.ok_or_else(|| Error::internal("an image has no manifest"))?,
        ));
    }
    let next_after = match (more_matching, more_stored) {
        (true, _) => last_shown,
        (false, true) => end,
        (false, false) => None,
    };
    Ok(StoredPage { found, next_after })
}

/// As many as may be opened at once, and whether that left any out.
fn cut_by_size(mut records: Vec<ImageRecord>) -> (Vec<ImageRecord>, bool) {
    let mut bytes = 0;
    let fitting = records.iter().take_while(|record| {
        let is_first = bytes == 0;
        bytes += record.manifest_size;
        is_first || bytes <= MAX_PAGE_BYTES
    });
    let count = fitting.count();
    let more = records.len() > count;
    records.truncate(count);
    (records, more)
}

fn is_of_type(record: &ImageRecord, types: &[String]) -> bool {
    types.is_empty()
        || record
            .artifact_media_type
            .as_ref()
            .is_some_and(|own| types.contains(own))
}
