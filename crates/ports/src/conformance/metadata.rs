//! What every metadata engine must do, whatever holds its rows.
//!
//! An adapter's test calls [`metadata_suite`] with a function that makes an empty store. Adapters add what only
//! they can show: batches, full disks, broken connections.
#![expect(
    clippy::unwrap_used,
    reason = "a broken contract fails the test by panicking"
)]

mod fixtures;
mod identities;
mod images;
mod keys;
mod layers;
mod order;
mod pushes;
mod references;
mod repositories;
mod tags;
mod transactions;
mod uploads;
mod work;

use std::future::Future;

use crate::metadata::Metadata;

/// Runs the whole suite.
///
/// # Panics
/// Where the contract is broken.
pub async fn metadata_suite<F, S>(make: F)
where
    F: Fn() -> S,
    S: Future<Output = Metadata>,
{
    repositories::check(&make().await).await;
    images::check(&make().await).await;
    tags::check(&make().await).await;
    references::check(&make().await).await;
    pushes::check(&make().await).await;
    order::check(&make().await).await;
    layers::check(&make().await).await;
    uploads::check(&make().await).await;
    keys::check(&make().await).await;
    identities::check(&make().await).await;
    work::check(&make().await).await;
    transactions::check(&make().await).await;
}
