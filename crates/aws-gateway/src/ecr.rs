//! The handlers of the ECR API, a file for each family: decode, call one use case, encode.
//!
//! - [`authorization`]: tokens for `/v2/`
//! - [`repositories`], [`repository_settings`], [`resource_tags`]: repositories
//! - [`images`], [`batch_get`], [`referrers`]: images; [`image_ids`] is how the API names them
//! - [`layers`], [`uploads`]: layers
//! - [`registry_settings`]: what holds for a whole registry

pub(crate) mod authorization;
pub(crate) mod batch_get;
mod image_ids;
pub(crate) mod images;
pub(crate) mod layers;
pub(crate) mod policies;
pub(crate) mod referrers;
pub(crate) mod registry_settings;
pub(crate) mod repositories;
pub(crate) mod repository_settings;
pub(crate) mod resource_tags;
pub(crate) mod uploads;

use ecru_aws_model::Timestamp;
use ecru_services::PageRequest;

/// A time as answers carry it: epoch seconds with milliseconds.
pub(crate) fn wire_time(time: ecru_domain::Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis())
}

/// A size or position as answers carry it.
fn wire_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Which page is asked for; the model has checked the bounds of `maxResults`.
pub(crate) fn page(max_results: Option<i32>, next_token: Option<String>) -> PageRequest {
    PageRequest {
        limit: max_results.and_then(|limit| u32::try_from(limit).ok()),
        token: next_token,
    }
}
