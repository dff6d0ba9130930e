//! Which handler answers which operation on a repository: the table of contents of the API.

use http::Response;

use crate::call::Call;
use crate::errors::{Code, Failure};
use crate::response::ResponseBody;
use crate::routes::Operation;
use crate::{blobs, manifests, referrers, tags, uploads};

/// The handlers, by operation.
pub(crate) async fn in_repository(
    operation: Operation,
    call: &Call<'_>,
) -> Result<Response<ResponseBody>, Failure> {
    match operation {
        Operation::ListTags => tags::list(call).await,
        Operation::PullManifest => manifests::pull(call).await,
        Operation::PushManifest => manifests::push(call).await,
        Operation::DeleteManifest => manifests::delete(call).await,
        Operation::PullBlob => blobs::pull(call).await,
        Operation::RefuseBlobDelete => Err(blobs::refuse_delete()),
        Operation::InitiateUpload => uploads::initiate(call).await,
        Operation::UploadStatus => uploads::status(call).await,
        Operation::AppendToUpload => uploads::append(call).await,
        Operation::CompleteUpload => uploads::complete(call).await,
        Operation::CancelUpload => uploads::cancel(call).await,
        Operation::ListReferrers => referrers::list(call).await,
        Operation::Ping | Operation::ListRepositories | Operation::FollowLayerLink => {
            Err(Failure::unknown(Code::Unsupported, "no such resource"))
        }
    }
}
