//! Tags: many of them in one repository, and their list (OCI distribution 1.1, "Listing Tags").

use hyper::StatusCode;

use crate::client::Connection;
use crate::manifest::image;
use crate::workload::{Plan, manifests};

/// Puts the same manifest under the tag of this number.
pub(super) async fn put(
    plan: &Plan,
    connection: &mut Connection,
    number: u64,
) -> anyhow::Result<u64> {
    let text = image(&[], "tag")?;
    manifests::put(plan, connection, &format!("t{number:06}"), text).await
}

pub(super) async fn list(plan: &Plan, connection: &mut Connection) -> anyhow::Result<u64> {
    let path = format!("/v2/{}/tags/list", plan.repository());
    let received = connection.download(&path, &[], false).await?;
    received.expect(StatusCode::OK)
}

pub(super) async fn page(plan: &Plan, connection: &mut Connection) -> anyhow::Result<u64> {
    let count = plan.options.page;
    let path = format!("/v2/{}/tags/list?n={count}", plan.repository());
    let received = connection.download(&path, &[], false).await?;
    received.expect(StatusCode::OK)
}
