//! The audit record of a request: docker's requests under the names of the API operations that they stand for (ECR
//! User Guide, "Logging Amazon ECR actions with AWS `CloudTrail`").
//!
//! A request that ended is recorded before its answer leaves; one whose client went away, or that panicked, when it is
//! dropped, since what it changed may have been kept.

use ecru_domain::address::{self, RepositoryAddress};
use ecru_domain::{AccountId, Region, Registry, RepositoryName};
use ecru_services::audit::{Event, Fault, is_read_only};
use ecru_services::{Audit, DecisionNote};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RANGE};
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use serde::Serialize;

use crate::call::{host_of, user_agent};
use crate::errors::{Code, Failure};
use crate::gateway::Arrival;
use crate::paths::Target;
use crate::query::Query;
use crate::response::{CONTENT_DIGEST, ResponseBody, UPLOAD_UUID};
use crate::routes::{Operation, Route};

const EVENT_SOURCE: &str = "ecr.amazonaws.com";

/// Media types of an `Accept` header that are recorded.
const MAX_MEDIA_TYPES: usize = 32;

/// The longest media type that is recorded, in bytes.
const MAX_MEDIA_TYPE: usize = 256;

/// A request as far as it is known when it arrives.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) audit: &'a Audit,
    pub(crate) home: &'a Registry,
    pub(crate) parts: &'a Parts,
    pub(crate) target: Option<&'a Target<'a>>,
    pub(crate) route: Option<&'static Route>,
    pub(crate) arrival: &'a Arrival<'a>,
}

/// A request on its way. If it is dropped before it is closed, its client has gone.
pub(crate) struct OpenEntry<'a> {
    entry: Entry<'a>,
    is_open: bool,
}

impl<'a> Entry<'a> {
    /// From now on the request is recorded, however it ends.
    pub(crate) fn open(self) -> OpenEntry<'a> {
        OpenEntry {
            entry: self,
            is_open: true,
        }
    }
}

impl OpenEntry<'_> {
    /// Records how the request ended. What cannot be recorded in time is answered with that.
    pub(crate) async fn close(
        mut self,
        answer: Result<Response<ResponseBody>, Failure>,
    ) -> Result<Response<ResponseBody>, Failure> {
        self.is_open = false;
        let Some(name) = self.entry.name() else {
            return answer;
        };
        let is_read_only = self.entry.is_read_only(name);
        let ending = match &answer {
            Ok(response) => Ok(response.headers()),
            Err(failure) => Err(fault(failure)),
        };
        let Some(line) = self.entry.line(name, ending) else {
            return answer;
        };
        let kept = self.entry.audit.keep(line, is_read_only).await;
        kept?;
        answer
    }
}

impl Drop for OpenEntry<'_> {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let gone = Fault {
            code: "ClientDisconnected",
            message: "the client has gone before it was answered",
        };
        if let Some(name) = self.entry.name()
            && let Some(line) = self.entry.line(name, Err(gone))
        {
            self.entry.audit.leave(line);
        }
    }
}

/// What a client was told, with the name that policies' refusals have in `CloudTrail`.
fn fault(failure: &Failure) -> Fault<'_> {
    Fault {
        code: match failure.code() {
            Code::Denied => "AccessDenied",
            code => code.as_str(),
        },
        message: failure.message(),
    }
}

impl Entry<'_> {
    /// The operation that the request stands for; `None` if it asks for nothing that is decided.
    fn name(&self) -> Option<&'static str> {
        Some(match self.route?.operation {
            // clients ask so whether they need credentials, before they show any
            Operation::Ping if !self.parts.headers.contains_key(AUTHORIZATION) => return None,
            Operation::Ping => "GetAuthorizationToken",
            Operation::ListRepositories => "DescribeRepositories",
            Operation::ListTags => "ListImages",
            Operation::PullManifest => "BatchGetImage",
            Operation::PushManifest => "PutImage",
            Operation::DeleteManifest => "BatchDeleteImage",
            Operation::PullBlob if self.parts.method == Method::HEAD => {
                "BatchCheckLayerAvailability"
            }
            Operation::PullBlob | Operation::FollowLayerLink => "GetDownloadUrlForLayer",
            Operation::RefuseBlobDelete => return None,
            Operation::InitiateUpload => "InitiateLayerUpload",
            Operation::UploadStatus | Operation::AppendToUpload | Operation::CancelUpload => {
                "UploadLayerPart"
            }
            Operation::CompleteUpload => "CompleteLayerUpload",
            Operation::ListReferrers => "ListImageReferrers",
        })
    }

    fn is_read_only(&self, name: &str) -> bool {
        let operation = self.route.map(|route| route.operation);
        operation == Some(Operation::UploadStatus) || is_read_only(name)
    }

    /// The record; `None` if there is nothing to record.
    fn line(&self, name: &'static str, ending: Result<&HeaderMap, Fault<'_>>) -> Option<Vec<u8>> {
        let arrival = self.arrival;
        let caller = arrival.caller.get();
        let is_ping = name == "GetAuthorizationToken";
        let passed_over = match (caller, ending) {
            // a token that works is no decision yet
            (Some(_), Ok(_)) if is_ping => return None,
            (Some(_), _) => 0,
            (None, _) => self.audit.admit_stranger(arrival.now)?,
        };
        let decisions = arrival.decisions.take();
        let place = self.place(&decisions);
        let user_agent = user_agent(&self.parts.headers);
        let event = Event {
            principal: caller,
            claimed_key: None,
            peer: arrival.connection.peer,
            user_agent: user_agent.as_deref(),
            request_id: arrival.request_id,
            time: arrival.now,
            source: EVENT_SOURCE,
            name,
            is_read_only: self.is_read_only(name),
            region: place.region.as_str(),
            account: place.account.as_ref(),
            fault: ending.err(),
            decisions: &decisions,
            passed_over,
        };
        let parameters = self.parameters(&place, ending.ok());
        let changed = ending.ok().filter(|_| !event.is_read_only);
        let elements = changed.map(|headers| self.elements(name, &place, headers));
        Some(
            self.audit
                .line(&event, Some(&parameters), elements.as_ref()),
        )
    }

    /// The repository, as the path names it; for a link, as it was decided on.
    fn place(&self, decisions: &[DecisionNote]) -> Place {
        let path = self.target.map_or("", |target| &*target.repository);
        let addressed = address::resolve(self.home, host_of(self.parts), path);
        if let Ok(RepositoryAddress { registry, name }) = addressed {
            return Place {
                account: Some(registry.account),
                region: registry.region,
                repository: Some(name),
            };
        }
        let decided = decisions.iter().find_map(repository_of);
        let (region, repository) = decided.unzip();
        Place {
            account: decisions.first().map(|note| note.resource_account.clone()),
            region: region.unwrap_or_else(|| self.home.region.clone()),
            repository,
        }
    }

    fn parameters<'p>(&'p self, place: &'p Place, answer: Option<&'p HeaderMap>) -> Parameters<'p> {
        let common = Parameters {
            registry_id: place.account.as_ref().map(AccountId::as_str),
            repository_name: place.repository.as_ref().map(RepositoryName::as_str),
            ..Parameters::default()
        };
        let (Some(route), Some(target)) = (self.route, self.target) else {
            return common;
        };
        let (headers, last) = (&self.parts.headers, &*target.last);
        match route.operation {
            Operation::PullManifest => Parameters {
                image_ids: Some([ImageId::of(last)]),
                accepted_media_types: accepted(headers),
                ..common
            },
            Operation::PushManifest => Parameters {
                image_id: Some(ImageId::of(last)),
                image_tags: tags_beside(last, self.parts),
                image_manifest_media_type: text(headers, CONTENT_TYPE.as_str()),
                ..common
            },
            Operation::DeleteManifest => Parameters {
                image_ids: Some([ImageId::of(last)]),
                ..common
            },
            Operation::ListReferrers => Parameters {
                subject_id: Some(ImageId::of(last)),
                ..common
            },
            Operation::PullBlob | Operation::RefuseBlobDelete => Parameters {
                layer_digest: Some(last),
                ..common
            },
            // the link is a credential: what it opened is told by the answer
            Operation::FollowLayerLink => Parameters {
                layer_digest: answer.and_then(|answer| text(answer, CONTENT_DIGEST.as_str())),
                ..common
            },
            Operation::UploadStatus
            | Operation::AppendToUpload
            | Operation::CompleteUpload
            | Operation::CancelUpload => Parameters {
                upload_id: Some(last),
                ..common
            },
            Operation::Ping
            | Operation::ListRepositories
            | Operation::ListTags
            | Operation::InitiateUpload => common,
        }
    }

    /// What a change has answered.
    fn elements<'p>(&'p self, name: &str, place: &'p Place, answer: &'p HeaderMap) -> Elements<'p> {
        let digest = text(answer, CONTENT_DIGEST.as_str());
        let last = self.target.map(|target| &*target.last);
        let upload = last.filter(|_| matches!(name, "UploadLayerPart" | "CompleteLayerUpload"));
        let range = text(answer, RANGE.as_str());
        let common = Elements {
            registry_id: place.account.as_ref().map(AccountId::as_str),
            repository_name: place.repository.as_ref().map(RepositoryName::as_str),
            ..Elements::default()
        };
        match name {
            "PutImage" => Elements {
                image: Some(Image {
                    image_id: ImageId {
                        image_digest: digest,
                        image_tag: last.and_then(|last| ImageId::of(last).image_tag),
                    },
                }),
                ..common
            },
            "BatchDeleteImage" => Elements {
                image_ids: last.map(|last| [ImageId::of(last)]),
                ..common
            },
            _ => Elements {
                upload_id: text(answer, UPLOAD_UUID.as_str()).or(upload),
                last_byte_received: range
                    .and_then(|range| range.rsplit('-').next())
                    .and_then(|last| last.parse().ok()),
                layer_digest: digest,
                ..common
            },
        }
    }
}

/// What a request is about.
struct Place {
    account: Option<AccountId>,
    region: Region,
    repository: Option<RepositoryName>,
}

/// Region and name of the repository that a decision is about.
fn repository_of(note: &DecisionNote) -> Option<(Region, RepositoryName)> {
    let rest = note.resource.strip_prefix("arn:aws:ecr:")?;
    let (region, rest) = rest.split_once(':')?;
    let (_, name) = rest.split_once(":repository/")?;
    let region = Region::parse(region).ok()?;
    Some((region, RepositoryName::parse(name).ok()?))
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_ids: Option<[ImageId<'a>; 1]>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    image_id: Option<ImageId<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    image_tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_id: Option<ImageId<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_media_types: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_manifest_media_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_id: Option<&'a str>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Elements<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_ids: Option<[ImageId<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_byte_received: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_digest: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Image<'a> {
    image_id: ImageId<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageId<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    image_digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_tag: Option<&'a str>,
}

impl<'a> ImageId<'a> {
    /// Of a reference: a tag has no colon.
    fn of(reference: &'a str) -> Self {
        let is_digest = reference.contains(':');
        Self {
            image_digest: is_digest.then_some(reference),
            image_tag: (!is_digest).then_some(reference),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= MAX_MEDIA_TYPE).then_some(value)
}

/// The tags that a push by digest sets by parameters.
fn tags_beside(reference: &str, parts: &Parts) -> Vec<String> {
    let is_tag = ImageId::of(reference).image_tag.is_some();
    let text = parts.uri.query().filter(|_| !is_tag);
    let query = Query::parse(text.unwrap_or_default()).unwrap_or_default();
    query.all("tag").map(str::to_owned).collect()
}

/// The `Accept` headers, taken apart.
fn accepted(headers: &HeaderMap) -> Option<Vec<&str>> {
    let values = headers.get_all(ACCEPT).iter();
    let lists = values.filter_map(|value| value.to_str().ok());
    let types = lists.flat_map(|list| list.split(',')).map(str::trim);
    let types = types.filter(|one| !one.is_empty() && one.len() <= MAX_MEDIA_TYPE);
    let types: Vec<_> = types.take(MAX_MEDIA_TYPES).collect();
    (!types.is_empty()).then_some(types)
}
