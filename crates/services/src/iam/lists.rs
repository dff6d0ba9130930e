//! Lists in pages: `MaxItems`, `Marker` and `IsTruncated`. A marker is sealed and good for the list that gave it.

use ecru_domain::Error;
use ecru_ports::metadata::{EntityKind, EntityList, EntityRecord, PathPosition};

use super::Iam;
use crate::access::Permit;
use crate::page::{Page, PageRequest};

/// Items on a page when the request does not say (IAM API Reference, `MaxItems`).
const DEFAULT_PAGE: u32 = 100;
/// The most items on a page.
const MAX_PAGE: u32 = 1_000;
/// The most items on a page of a list that looks up each of them.
pub(super) const MAX_LOOKED_UP: u32 = 200;

/// How many items a page may have.
pub(super) fn limit(page: &PageRequest) -> u32 {
    page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE)
}

/// Cuts off what is beyond the page. Whether anything was.
pub(super) fn cut<T>(items: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    more
}

impl Iam {
    /// Where a page begins.
    pub(super) async fn position(
        &self,
        list: &str,
        page: &PageRequest,
    ) -> Result<Option<String>, Error> {
        self.tokens.open_page(list, page.token.as_deref()).await
    }

    /// A page that goes on after `position`, if there is one.
    pub(super) async fn page<T>(
        &self,
        list: &str,
        items: Vec<T>,
        position: Option<String>,
    ) -> Result<Page<T>, Error> {
        let next_token = match position {
            Some(position) => Some(self.tokens.seal_page(list, &position).await?),
            None => None,
        };
        Ok(Page { items, next_token })
    }

    /// A page of a short list that was read whole. `key` tells items apart and gives their order.
    pub(super) async fn slice<T>(
        &self,
        list: &str,
        mut items: Vec<T>,
        page: &PageRequest,
        key: fn(&T) -> String,
    ) -> Result<Page<T>, Error> {
        if let Some(after) = self.position(list, page).await? {
            let done = items.iter().position(|item| key(item) == after);
            items.drain(..done.map_or(items.len(), |place| place + 1));
        }
        let more = cut(&mut items, limit(page));
        let position = items.last().filter(|_| more).map(key);
        self.page(list, items, position).await
    }

    /// A page of the entities of a kind, by path and name.
    pub(super) async fn entities(
        &self,
        permit: &Permit,
        kind: EntityKind,
        prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<EntityRecord>, Error> {
        let account = permit.registry().account.clone();
        let list = format!("{} {account} {prefix}", kind.as_str());
        let after = self.position(&list, page).await?;
        let after = after.as_deref().and_then(read_position);
        let (prefix, limit) = (prefix.to_owned(), limit(page));
        let read = move |rows: &mut dyn ecru_ports::metadata::ReadTransaction| {
            let wanted = EntityList {
                account: &account,
                kind,
                path_prefix: &prefix,
                after: after.as_ref(),
                limit: limit + 1,
            };
            Ok(rows.list_entities(wanted)?)
        };
        let mut items = self.store.read(permit.into(), read).await?;
        let more = cut(&mut items, limit);
        let position = items.last().filter(|_| more).map(write_position);
        self.page(&list, items, position).await
    }
}

/// Where a list by path goes on.
pub(super) fn read_position(text: &str) -> Option<PathPosition> {
    // paths have no spaces
    let (path, key) = text.split_once(' ')?;
    Some(PathPosition {
        path: path.to_owned(),
        key: key.to_owned(),
    })
}

/// The place of an entity in a list by path.
pub(super) fn write_position(entity: &EntityRecord) -> String {
    format!("{} {}", entity.path, entity.key)
}
