//! Lists: pages of ten at the beginning, in the middle and at the end.

use anyhow::Context;
use serde_json::{Value, json};

use crate::growth::asker::{Asker, Stopwatch};
use crate::growth::layout::{Place, repository_name};
use crate::growth::sheet::{Figure, Promise};
use crate::manifest::sha256;

/// Entries of a page that is timed.
const PAGE: u32 = 10;
/// Requests for each page.
const REQUESTS: u32 = 50;
/// Entries of a page on the way through a list.
const STRIDE: u32 = 1000;

/// One list.
enum List {
    /// An operation of the ECR API, its parameters, and the longest page that it allows.
    Operation(&'static str, Value, u32),
    /// A path of `/v2/` that takes `n` and `last`.
    Names(String),
}

impl List {
    fn title(&self) -> String {
        match self {
            Self::Operation(name, parameters, _) if parameters.get("filter").is_some() => {
                format!("{name}, untagged")
            }
            Self::Operation(name, ..) => (*name).to_owned(),
            Self::Names(path) if path.ends_with("tags/list") => "tags/list".to_owned(),
            Self::Names(_) => "_catalog".to_owned(),
        }
    }

    /// Asks for a page of at most `length`, and gives where the next begins.
    async fn page(
        &self,
        asker: &mut Asker,
        after: Option<&str>,
        length: u32,
    ) -> anyhow::Result<Option<String>> {
        match self {
            Self::Operation(name, parameters, longest) => {
                let mut body = parameters.clone();
                body["maxResults"] = json!(length.min(*longest));
                if let Some(token) = after {
                    body["nextToken"] = json!(token);
                }
                let answer = asker.call(name, &body).await?;
                Ok(answer["nextToken"].as_str().map(str::to_owned))
            }
            Self::Names(path) => {
                let last = after.map_or(String::new(), |last| format!("&last={last}"));
                let answer = asker.get(&format!("{path}?n={length}{last}")).await?;
                answer.next_page().map(last_of).transpose()
            }
        }
    }
}

/// The parameter `last` of a link, as it stands there.
fn last_of(link: &str) -> anyhow::Result<String> {
    let (_, rest) = link
        .split_once("last=")
        .context("a link without a position")?;
    Ok(rest.split('&').next().unwrap_or_default().to_owned())
}

fn all() -> anyhow::Result<Vec<List>> {
    let large = repository_name(0);
    let first = Place {
        repository: 0,
        number: 0,
    };
    let subject = sha256(first.manifest()?.as_bytes());
    let of_large = || json!({ "repositoryName": large });
    let untagged = json!({ "repositoryName": large, "filter": { "tagStatus": "UNTAGGED" } });
    let referrers = json!({ "repositoryName": large, "subjectId": { "imageDigest": subject } });
    Ok(vec![
        List::Operation("DescribeRepositories", json!({}), 1000),
        List::Operation("ListImages", of_large(), 1000),
        List::Operation("DescribeImages", of_large(), 1000),
        List::Operation("DescribeImages", untagged, 1000),
        List::Operation("ListImageReferrers", referrers, 50),
        List::Names(format!("/v2/{large}/tags/list")),
        List::Names("/v2/_catalog".to_owned()),
    ])
}

/// Measures all lists.
///
/// # Errors
/// Any refusal.
pub(super) async fn measure(asker: &mut Asker) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for list in all()? {
        let places = walk(asker, &list).await?;
        for (name, after) in ["first", "middle", "last"].into_iter().zip(places) {
            let mut times = Stopwatch::default();
            for _ in 0..REQUESTS {
                times.time(list.page(asker, after.as_deref(), PAGE)).await?;
            }
            let title = format!("{}, {name} page", list.title());
            figures.push(Figure::times(&title, times, Promise::Flat));
        }
    }
    Ok(figures)
}

/// Where the first page, one in the middle and the last full one begin.
async fn walk(asker: &mut Asker, list: &List) -> anyhow::Result<[Option<String>; 3]> {
    let mut starts = vec![None];
    // a list of a few pages is walked in short ones, so that its middle is not its end
    let short = list.page(asker, None, STRIDE).await?.is_none();
    let stride = if short { PAGE } else { STRIDE };
    let mut after = None;
    while let Some(next) = list.page(asker, after.as_deref(), stride).await? {
        starts.push(Some(next.clone()));
        after = Some(next);
    }
    let full = starts.len().saturating_sub(2);
    let at = |position: usize| starts.get(position).cloned().flatten();
    Ok([None, at(starts.len() / 2), at(full)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_of_the_next_page_is_taken_from_its_link() {
        let cases = [
            ("/v2/a/tags/list?n=10&last=v1", Some("v1")),
            ("/v2/_catalog?last=a%2Fb&n=10", Some("a%2Fb")),
            ("/v2/_catalog", None),
        ];
        for (link, wanted) in cases {
            assert_eq!(last_of(link).ok().as_deref(), wanted);
        }
    }

    #[test]
    fn every_list_has_a_title_of_its_own() {
        let mut titles: Vec<String> = all().unwrap().iter().map(List::title).collect();
        titles.sort();
        let before = titles.len();
        titles.dedup();
        assert_eq!(titles.len(), before);
    }
}
