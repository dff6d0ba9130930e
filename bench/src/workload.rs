//! What each workload does: what is made ready before the clock starts ([`prepare`]) and one
//! timed request ([`perform`]). The families are in modules of their own.

mod images;
mod manifests;
mod tags;
mod transfers;

use std::sync::Arc;

use anyhow::{bail, ensure};
use hyper::StatusCode;

use crate::blob::{Blob, Noise};
use crate::client::{Connection, Endpoint};
use crate::manifest::{CONFIG, Layer, sha256};
use crate::options::{RunOptions, Workload};
use crate::upload::{Upload, push_blob, push_bytes};

/// Most blobs that one run pushes or pulls: their digests are held in memory.
const MOST_BLOBS: u64 = 1 << 20;

/// Everything that the requests of a run share; nothing in it changes while the clock runs.
pub(crate) struct Plan {
    /// Registry and credentials.
    pub(crate) endpoint: Arc<Endpoint>,
    /// The run as it was asked for.
    pub(crate) options: RunOptions,
    noise: Noise,
    digests: Vec<String>,
    manifest: Option<KnownManifest>,
}

/// The manifest that `manifest-get`, `manifest-head` and `image-pull` ask for.
struct KnownManifest {
    digest: String,
}

impl Plan {
    fn repository(&self) -> &str {
        &self.options.repo
    }

    /// Which of the distinct blobs the request of this number uses.
    fn slot(&self, number: u64) -> usize {
        usize::try_from(number).unwrap_or(0) % self.digests.len().max(1)
    }

    fn blob(&self, slot: usize) -> Blob {
        let seed = self.options.seed + slot as u64;
        Blob::new(&self.noise, seed, self.options.size)
    }

    fn digest(&self, slot: usize) -> &str {
        self.digests.get(slot).map_or("", String::as_str)
    }

    fn blob_path(&self, slot: usize) -> String {
        format!("/v2/{}/blobs/{}", self.repository(), self.digest(slot))
    }

    fn layers(&self) -> Vec<Layer> {
        let layer = |digest: &String| Layer {
            digest: digest.clone(),
            size: self.options.size,
        };
        self.digests.iter().map(layer).collect()
    }

    async fn push(&self, connection: &mut Connection, slot: usize) -> anyhow::Result<()> {
        let blob = self.blob(slot);
        let upload = Upload {
            repository: self.repository(),
            blob: &blob,
            digest: self.digest(slot),
        };
        push_blob(connection, &upload, self.options.upload).await
    }

    async fn has_blob(&self, connection: &mut Connection, slot: usize) -> anyhow::Result<bool> {
        Ok(connection.head(&self.blob_path(slot), &[]).await? == StatusCode::OK)
    }
}

/// Distinct blobs of a run.
///
/// # Errors
/// A push bounded by time alone, without a number of blobs, and more blobs than memory is
/// planned for.
fn distinct_blobs(options: &RunOptions) -> anyhow::Result<u64> {
    let each = match options.workload {
        Workload::ImagePush => options.layers,
        _ => 1,
    };
    let blobs = match options.workload {
        Workload::Push | Workload::ImagePush => match options.blobs {
            Some(blobs) => blobs,
            None => options.requests().saturating_mul(each),
        },
        Workload::Pull => options.blobs.unwrap_or(1),
        Workload::Range | Workload::HeadBlob | Workload::Mount => 1,
        Workload::ImagePull => options.layers,
        _ => 0,
    };
    if blobs > MOST_BLOBS {
        bail!("{blobs} blobs: give --count or --blobs of at most {MOST_BLOBS}");
    }
    Ok(blobs)
}

/// Computes digests and stores what the requests will ask for. Not timed.
///
/// # Errors
/// Options that do not fit together, and any refusal of the registry.
pub(crate) async fn prepare(endpoint: Arc<Endpoint>, options: RunOptions) -> anyhow::Result<Plan> {
    ensure!(options.conc > 0, "at least one connection is needed");
    let noise = Noise::new();
    let blobs = distinct_blobs(&options)?;
    let digests = (options.seed..options.seed + blobs)
        .map(|seed| Blob::new(&noise, seed, options.size).digest())
        .collect();
    let mut plan = Plan {
        endpoint: Arc::clone(&endpoint),
        options,
        noise,
        digests,
        manifest: None,
    };
    let mut connection = Connection::new(endpoint);
    stock(&mut plan, &mut connection).await?;
    Ok(plan)
}

async fn stock(plan: &mut Plan, connection: &mut Connection) -> anyhow::Result<()> {
    use Workload as W;
    match plan.options.workload {
        W::Pull | W::Range | W::HeadBlob | W::Mount => transfers::stock(plan, connection).await,
        W::ManifestGet | W::ManifestHead => manifests::stock(plan, connection).await,
        W::ImagePull => images::stock(plan, connection).await,
        W::ManifestPut | W::ImagePush | W::TagsFill => push_config(plan, connection).await,
        W::Ping | W::Push | W::TagsList | W::TagsPage => Ok(()),
    }
}

async fn push_config(plan: &Plan, connection: &mut Connection) -> anyhow::Result<()> {
    let digest = sha256(CONFIG.as_bytes());
    push_bytes(connection, plan.repository(), CONFIG, &digest).await
}

/// Performs the request of the given number and returns the payload bytes that it moved.
///
/// # Errors
/// Any answer that is not the one a correct registry gives.
pub(crate) async fn perform(
    plan: &Plan,
    connection: &mut Connection,
    number: u64,
) -> anyhow::Result<u64> {
    match plan.options.workload {
        Workload::Ping => ping(connection).await,
        Workload::Push => transfers::push(plan, connection, number).await,
        Workload::Pull => transfers::pull(plan, connection, plan.slot(number)).await,
        Workload::Range => transfers::range(plan, connection, number).await,
        Workload::HeadBlob => transfers::head(plan, connection).await,
        Workload::Mount => transfers::mount(plan, connection, number).await,
        Workload::ManifestGet => manifests::get(plan, connection).await,
        Workload::ManifestHead => manifests::head(plan, connection).await,
        Workload::ManifestPut => manifests::put_new(plan, connection, number).await,
        Workload::ImagePush => images::push(plan, connection, number).await,
        Workload::ImagePull => images::pull(plan, connection).await,
        Workload::TagsFill => tags::put(plan, connection, number).await,
        Workload::TagsList => tags::list(plan, connection).await,
        Workload::TagsPage => tags::page(plan, connection).await,
    }
}

async fn ping(connection: &mut Connection) -> anyhow::Result<u64> {
    let received = connection.download("/v2/", &[], false).await?;
    received.expect(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_needs_a_bounded_number_of_blobs() {
        let blobs = |workload, count, secs, blobs| {
            let options = RunOptions {
                count,
                secs,
                blobs,
                layers: 4,
                ..RunOptions::of(workload)
            };
            distinct_blobs(&options).ok()
        };
        assert_eq!(blobs(Workload::Push, Some(5), None, None), Some(5));
        assert_eq!(blobs(Workload::Push, None, Some(2), Some(9)), Some(9));
        assert_eq!(blobs(Workload::Push, None, Some(2), None), None);
        assert_eq!(blobs(Workload::ImagePush, Some(5), None, None), Some(20));
        assert_eq!(blobs(Workload::ImagePull, Some(5), None, None), Some(4));
        assert_eq!(blobs(Workload::Pull, None, Some(2), None), Some(1));
        assert_eq!(blobs(Workload::Ping, None, Some(2), None), Some(0));
    }
}
