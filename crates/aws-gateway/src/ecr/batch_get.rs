//! `BatchGetImage`: up to a hundred manifests of 4 MiB, of which one at a time is held.
//!
//! ```text
//! look for images until one is found ──▶ head of the answer, first image ──▶ next image ──▶ … ──▶ failures
//!        └── refused or failed: an ordinary error answer
//! ```
//!
//! Large images take a share of the memory that answers have; one that finds no room is let go, and read again when
//! there is. What goes wrong once the head has left can only break the answer off, which clients notice and try again.

use std::vec::IntoIter;

use bytes::Bytes;
use ecru_aws_model::Sensitive;
use ecru_aws_model::ecr as wire;
use ecru_domain::Error;
use ecru_services::RequestContext;
use ecru_services::images::{FoundManifest, Images, RequestedImage};
use futures_util::stream::{self, StreamExt as _};

use super::image_ids::{requested, wire_failure};
use crate::answer_budget::{self, AnswerBudget};
use crate::call::{Call, Target};
use crate::response::{BodyFailure, ResponseBody};

/// How an answer begins.
const BEGIN: &[u8] = b"{\"images\":[";

pub(crate) async fn batch_get(
    call: &Call<'_>,
    input: wire::BatchGetImageRequest,
) -> Result<ResponseBody, Error> {
    let mut pull = Pull {
        images: call.services.images.clone(),
        context: call.context.clone(),
        target: call.target(input.registry_id.as_deref(), &input.repository_name)?,
        answers: call.answers.clone(),
        waiting: requested(input.image_ids).into_iter(),
        failures: Vec::new(),
    };
    let begin = pull.next_image(BEGIN).await?;
    let begin = begin.unwrap_or(Bytes::from_static(BEGIN));
    if pull.waiting.len() == 0 && begin.len() <= answer_budget::FREE {
        return Ok(ResponseBody::whole([begin, pull.end()?.into()].concat()));
    }
    let begin = stream::iter([Ok(begin)]);
    let rest = stream::try_unfold(Some(pull), next_piece);
    Ok(ResponseBody::pieces(Box::pin(begin.chain(rest))))
}

/// An answer that is being written.
struct Pull {
    images: Images,
    context: RequestContext,
    target: Target,
    answers: AnswerBudget,
    waiting: IntoIter<RequestedImage>,
    failures: Vec<wire::ImageFailure>,
}

impl Pull {
    /// The next image that is found, as JSON after `before`; `None` once all were looked for.
    async fn next_image(&mut self, before: &[u8]) -> Result<Option<Bytes>, Error> {
        while let Some(wanted) = self.waiting.next() {
            let Some(image) = self.image(before, wanted.clone()).await? else {
                continue;
            };
            if let Some(share) = self.answers.try_share(image.len()) {
                return Ok(Some(share.keep(image)));
            }
            drop(image);
            let share = self.answers.share().await;
            let share = share.map_err(|crowded| Error::Unavailable(crowded.into()))?;
            if let Some(image) = self.image(before, wanted).await? {
                return Ok(Some(share.keep(image)));
            }
        }
        Ok(None)
    }

    /// One image; if it is not found, the reason is kept for the end.
    async fn image(
        &mut self,
        before: &[u8],
        wanted: RequestedImage,
    ) -> Result<Option<Vec<u8>>, Error> {
        let (registry, name) = (&self.target.registry, &self.target.name);
        let found = self
            .images
            .batch_get(&self.context, registry, name, vec![wanted])
            .await?;
        self.failures
            .extend(found.failures.into_iter().map(wire_failure));
        let Some((wanted, found)) = found.images.into_iter().next() else {
            return Ok(None);
        };
        let mut text = before.to_vec();
        let image = wire_image(&self.target, wanted, found)?;
        serde_json::to_writer(&mut text, &image).map_err(Error::internal)?;
        Ok(Some(text))
    }

    /// What follows the last image.
    fn end(&self) -> Result<Vec<u8>, Error> {
        let mut end = b"],\"failures\":".to_vec();
        serde_json::to_writer(&mut end, &self.failures).map_err(Error::internal)?;
        end.push(b'}');
        Ok(end)
    }
}

async fn next_piece(pull: Option<Pull>) -> Result<Option<(Bytes, Option<Pull>)>, BodyFailure> {
    let Some(mut pull) = pull else {
        return Ok(None);
    };
    match pull.next_image(b",").await {
        Ok(Some(image)) => Ok(Some((image, Some(pull)))),
        Ok(None) => {
            let end = pull.end().map_err(|error| broken(&pull.context, &error))?;
            Ok(Some((end.into(), None)))
        }
        Err(error) => Err(broken(&pull.context, &error)),
    }
}

fn broken(context: &RequestContext, error: &Error) -> BodyFailure {
    let request_id = &context.request_id;
    tracing::error!(request_id, %error, "an answer broke off");
    "the answer broke off".into()
}

/// The tag is told only to who asked by tag; the manifest is what was pushed, byte for byte.
fn wire_image(
    target: &Target,
    wanted: RequestedImage,
    found: FoundManifest,
) -> Result<wire::Image, Error> {
    let manifest = String::from_utf8(found.bytes.into()).map_err(Error::internal)?;
    Ok(wire::Image {
        registry_id: Some(target.registry_id()),
        repository_name: Some(target.repository_name()),
        image_id: Some(wire::ImageIdentifier {
            image_digest: Some(found.digest.to_string()),
            image_tag: wanted.tag,
        }),
        image_manifest: Some(Sensitive::new(manifest)),
        image_manifest_media_type: Some(found.media_type),
    })
}
