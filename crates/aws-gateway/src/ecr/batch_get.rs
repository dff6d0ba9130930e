//! `BatchGetImage`: up to a hundred manifests of 4 MiB, of which one at a time is held.
//!
//! ```text
//! look for images until one is found ──▶ head of the answer, first image ──▶ next image ──▶ … ──▶ failures
//!        └── refused or failed: an ordinary error answer
//! ```
//!
//! What goes wrong once the head has left can only break the answer off, which clients notice and try again.

use std::vec::IntoIter;

use bytes::Bytes;
use ecru_aws_model::Sensitive;
use ecru_aws_model::ecr as wire;
use ecru_domain::Error;
use ecru_services::RequestContext;
use ecru_services::images::{FoundManifest, Images, RequestedImage};
use futures_util::stream::{self, StreamExt as _};

use super::image_ids::{requested, wire_failure};
use crate::call::{Call, Target};
use crate::response::{BodyFailure, ResponseBody};

pub(crate) async fn batch_get(
    call: &Call<'_>,
    input: wire::BatchGetImageRequest,
) -> Result<ResponseBody, Error> {
    let mut pull = Pull {
        images: call.services.images.clone(),
        context: call.context.clone(),
        target: call.target(input.registry_id.as_deref(), &input.repository_name)?,
        waiting: requested(input.image_ids).into_iter(),
        failures: Vec::new(),
    };
    let mut begin = b"{\"images\":[".to_vec();
    begin.extend(pull.next_image().await?.unwrap_or_default());
    if pull.waiting.len() == 0 {
        begin.extend(pull.end()?);
        return Ok(ResponseBody::whole(begin));
    }
    let begin = stream::iter([Ok(Bytes::from(begin))]);
    let rest = stream::try_unfold(Some(pull), next_piece);
    Ok(ResponseBody::pieces(Box::pin(begin.chain(rest))))
}

/// An answer that is being written.
struct Pull {
    images: Images,
    context: RequestContext,
    target: Target,
    waiting: IntoIter<RequestedImage>,
    failures: Vec<wire::ImageFailure>,
}

impl Pull {
    /// The next image that is found, as JSON; `None` once all were looked for.
    async fn next_image(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let (registry, name) = (&self.target.registry, &self.target.name);
        for wanted in self.waiting.by_ref() {
            let found = self
                .images
                .batch_get(&self.context, registry, name, vec![wanted])
                .await?;
            self.failures
                .extend(found.failures.into_iter().map(wire_failure));
            if let Some((wanted, found)) = found.images.into_iter().next() {
                let image = wire_image(&self.target, wanted, found)?;
                return serde_json::to_vec(&image)
                    .map(Some)
                    .map_err(Error::internal);
            }
        }
        Ok(None)
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
    let piece = match pull.next_image().await {
        Ok(Some(image)) => Ok([b",".to_vec(), image].concat()),
        Ok(None) => {
            let end = pull.end().map_err(|error| broken(&pull.context, &error))?;
            return Ok(Some((end.into(), None)));
        }
        Err(error) => Err(broken(&pull.context, &error)),
    };
    Ok(Some((piece?.into(), Some(pull))))
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
