//! Collection: how long the bytes of deleted images stay beyond their grace, and what readers
//! elsewhere feel of their removal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::blob::{Blob, Noise};
use crate::compare::{Program, Server, allocated};
use crate::growth::Growth;
use crate::growth::asker::{Asker, Stopwatch};
use crate::growth::layout::{Layout, repository_name};
use crate::growth::pulls::{manifest_path, somewhere};
use crate::growth::sheet::{Figure, Promise};
use crate::latency::Latencies;
use crate::manifest::{Layer, image};
use crate::upload::{Upload, UploadMode, push_blob};

/// Images deleted at once, each with a layer of its own.
const IMAGES: u64 = 64;
/// Bytes of such a layer: enough for a file.
const LAYER_SIZE: u64 = 512 << 10;
const SEED: u64 = 6_000_001;
/// Readers beside the collection.
const READERS: u64 = 4;
/// Time for which readers are timed alone.
const ALONE: Duration = Duration::from_secs(4);
/// Time between two looks at the directory.
const LOOK: Duration = Duration::from_millis(50);
/// Time in which everything must be gone.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures both.
///
/// # Errors
/// Any refusal, and bytes that stay.
pub(super) async fn measure(
    server: &Server,
    growth: &Growth,
    noise: &Noise,
) -> anyhow::Result<Vec<Figure>> {
    let objects = Program::data(&growth.home).join("blobs");
    let mut asker = Asker::new(server)?;
    let before = allocated(&objects)?;
    push(&mut asker, noise).await?;
    let full = allocated(&objects)?;
    ensure!(
        full > before,
        "layers take no room in {}",
        objects.display()
    );

    let alone = Readers::start(server, &growth.layout, growth.record.stored)?;
    sleep(ALONE).await;
    let alone = alone.stop().await?;
    let beside = Readers::start(server, &growth.layout, growth.record.stored)?;
    let begun = Instant::now();
    delete(&mut asker).await?;
    while allocated(&objects)? > before + LAYER_SIZE {
        ensure!(begun.elapsed() < PATIENCE, "deleted layers stay");
        sleep(LOOK).await;
    }
    let gone = begun.elapsed().as_secs_f64();
    let beside = beside.stop().await?;
    let p99 = |times: &Latencies| times.percentile_ms(990).max(1e-3);
    let felt = p99(&beside) / p99(&alone);
    let title = format!("{IMAGES} images deleted: their bytes gone");
    Ok(vec![
        Figure::once(&title, gone, "s", Promise::Flat),
        Figure::once(
            "readers' p99 meanwhile ÷ alone",
            felt,
            "×",
            Promise::AtMost(2.0),
        ),
    ])
}

fn tag(number: u64) -> String {
    format!("collected-{number}")
}

async fn push(asker: &mut Asker, noise: &Noise) -> anyhow::Result<()> {
    let repository = repository_name(0);
    for number in 0..IMAGES {
        let blob = Blob::new(noise, SEED + number, LAYER_SIZE);
        let layer = Layer {
            digest: blob.digest(),
            size: LAYER_SIZE,
        };
        let upload = Upload {
            repository: &repository,
            blob: &blob,
            digest: &layer.digest,
        };
        push_blob(&mut asker.oci, &upload, UploadMode::Mono).await?;
        let manifest = image(&[layer], "collected")?;
        asker.put(&repository, &tag(number), manifest).await?;
    }
    Ok(())
}

async fn delete(asker: &mut Asker) -> anyhow::Result<()> {
    let ids: Vec<Value> = (0..IMAGES)
        .map(|number| json!({ "imageTag": tag(number) }))
        .collect();
    let body = json!({ "repositoryName": repository_name(0), "imageIds": ids });
    let answer = asker.call("BatchDeleteImage", &body).await?;
    let failures = answer["failures"].as_array().map_or(0, Vec::len);
    ensure!(failures == 0, "{failures} images were not deleted");
    Ok(())
}

/// Clients that get manifests all over the store until they are stopped.
struct Readers {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<anyhow::Result<Vec<Duration>>>>,
}

impl Readers {
    fn start(server: &Server, layout: &Layout, stored: u64) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for seed in 0..READERS {
            let (asker, stop) = (Asker::new(server)?, Arc::clone(&stop));
            tasks.push(tokio::spawn(read(asker, *layout, stored, seed, stop)));
        }
        Ok(Self { stop, tasks })
    }

    async fn stop(self) -> anyhow::Result<Latencies> {
        self.stop.store(true, Ordering::Relaxed);
        let mut times = Stopwatch::default();
        for task in self.tasks {
            for time in task.await.context("a reader ended early")?? {
                times.note(time);
            }
        }
        Ok(times.latencies())
    }
}

async fn read(
    mut asker: Asker,
    layout: Layout,
    stored: u64,
    seed: u64,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Duration>> {
    let (mut state, mut times) = (seed, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let path = manifest_path(somewhere(&layout, stored, &mut state))?;
        let begun = Instant::now();
        asker.get(&path).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}
