//! Blobs: push, pull, ranged read, HEAD and mount (OCI distribution 1.1, "Pull" and "Push").

use anyhow::ensure;
use hyper::{Method, StatusCode};

use crate::client::{Connection, empty};
use crate::workload::Plan;

/// Bytes of a ranged read.
const RANGE: u64 = 64 * 1024;

/// Pushes the blobs that the registry does not have yet.
pub(super) async fn stock(plan: &Plan, connection: &mut Connection) -> anyhow::Result<()> {
    for slot in 0..plan.digests.len() {
        if !plan.has_blob(connection, slot).await? {
            plan.push(connection, slot).await?;
        }
    }
    Ok(())
}

pub(super) async fn push(
    plan: &Plan,
    connection: &mut Connection,
    number: u64,
) -> anyhow::Result<u64> {
    plan.push(connection, plan.slot(number)).await?;
    Ok(plan.options.size)
}

/// Pulls one blob whole; its size is always checked, its digest on demand.
pub(super) async fn pull(
    plan: &Plan,
    connection: &mut Connection,
    slot: usize,
) -> anyhow::Result<u64> {
    let path = plan.blob_path(slot);
    let received = connection.download(&path, &[], plan.options.verify).await?;
    let bytes = received.expect(StatusCode::OK)?;
    ensure!(
        bytes == plan.options.size,
        "blob of {bytes} bytes, expected {}",
        plan.options.size
    );
    if let Some(digest) = received.digest {
        ensure!(digest == plan.digest(slot), "blob has digest {digest}");
    }
    Ok(bytes)
}

/// Reads [`RANGE`] bytes at an offset that jumps through the blob.
pub(super) async fn range(
    plan: &Plan,
    connection: &mut Connection,
    number: u64,
) -> anyhow::Result<u64> {
    let from = range_start(number, plan.options.size);
    let to = (from + RANGE).min(plan.options.size);
    let header = format!("bytes={from}-{}", to.saturating_sub(1));
    let path = plan.blob_path(0);
    let received = connection
        .download(&path, &[("range", &header)], false)
        .await?;
    let bytes = received.expect(StatusCode::PARTIAL_CONTENT)?;
    ensure!(bytes == to - from, "range of {bytes} bytes");
    Ok(bytes)
}

/// Offsets by multiplicative hashing: no two near requests meet in one block.
fn range_start(number: u64, size: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    mixed % size.saturating_sub(RANGE).max(1)
}

pub(super) async fn head(plan: &Plan, connection: &mut Connection) -> anyhow::Result<u64> {
    let status = connection.head(&plan.blob_path(0), &[]).await?;
    ensure!(status == StatusCode::OK, "HEAD blob: status {status}");
    Ok(0)
}

pub(super) async fn mount(
    plan: &Plan,
    connection: &mut Connection,
    number: u64,
) -> anyhow::Result<u64> {
    let source = plan.repository();
    let target = match &plan.options.mount_to {
        Some(target) => target.clone(),
        None => format!("{source}-m{}-{number}", plan.options.seed),
    };
    let digest = plan.digest(0);
    let path = format!("/v2/{target}/blobs/uploads/?mount={digest}&from={source}");
    connection
        .exchange(Method::POST, &path, &[("content-length", "0")], empty())
        .await?
        .expect(StatusCode::CREATED, "mount")?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_stay_inside_the_blob_and_move() {
        let size = 64 << 20;
        let starts: std::collections::BTreeSet<u64> =
            (0..1000).map(|number| range_start(number, size)).collect();
        assert!(starts.len() > 990, "{} offsets", starts.len());
        assert!(starts.iter().all(|from| from + RANGE <= size));
        assert_eq!(range_start(12, 100), 0);
    }
}
