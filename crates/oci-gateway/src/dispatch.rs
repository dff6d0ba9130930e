//! Which handler answers which operation on a repository: the table of contents of the API.

use http::Response;

use crate::call::Call;
use crate::errors::{Code, Failure};
use crate::response::ResponseBody;
use crate::routes::Operation;
use crate::{blobs, manifests, referrers, tags, uploads};

/// The handlers, by operation. Those with much state have a box of their own: otherwise every request, of whatever
/// operation, moves as many bytes as the largest needs, again at each of the layers above (2 % of a manifest GET).
pub(crate) async fn in_repository(
    operation: Operation,
    call: &Call<'_>,
) -> Result<Response<ResponseBody>, Failure> {
    match operation {
        Operation::ListTags => tags::list(call).await,
        Operation::PullManifest => manifests::pull(call).await,
        Operation::PushManifest => Box::pin(manifests::push(call)).await,
        Operation::DeleteManifest => Box::pin(manifests::delete(call)).await,
        Operation::PullBlob => blobs::pull(call).await,
        Operation::RefuseBlobDelete => Err(blobs::refuse_delete()),
        Operation::InitiateUpload => Box::pin(uploads::initiate(call)).await,
        Operation::UploadStatus => uploads::status(call).await,
        Operation::AppendToUpload => Box::pin(uploads::append(call)).await,
        Operation::CompleteUpload => Box::pin(uploads::complete(call)).await,
        Operation::CancelUpload => Box::pin(uploads::cancel(call)).await,
        Operation::ListReferrers => Box::pin(referrers::list(call)).await,
        Operation::Ping | Operation::ListRepositories | Operation::FollowLayerLink => {
            Err(Failure::unknown(Code::Unsupported, "no such resource"))
        }
    }
}
