//! Pushes and deletes: an image with a new layer comes and goes in the large repository, and a
//! small repository comes and goes as a whole.

use serde_json::json;

use crate::blob::{Blob, Noise};
use crate::growth::Growth;
use crate::growth::asker::{Asker, Stopwatch};
use crate::growth::fill::push;
use crate::growth::layout::{Layout, Place, repository_name};
use crate::growth::sheet::{Figure, Promise};
use crate::manifest::{Layer, image};
use crate::upload::{Upload, UploadMode, push_blob};

/// Images that come and go.
const IMAGES: u64 = 200;
/// Repositories that come and go.
const REPOSITORIES: u32 = 20;
const LAYER_SIZE: u64 = 4096;
/// Seeds of the layers.
const SEED: u64 = 5_000_001;
/// Number of the repository that comes and goes.
const SMALL: u64 = 1;

/// Measures both.
///
/// # Errors
/// Any refusal.
pub(super) async fn measure(
    asker: &mut Asker,
    growth: &Growth,
    noise: &Noise,
) -> anyhow::Result<Vec<Figure>> {
    let mut figures = images(asker, noise).await?;
    figures.push(repositories(asker, &growth.layout, growth.record.stored).await?);
    Ok(figures)
}

async fn images(asker: &mut Asker, noise: &Noise) -> anyhow::Result<Vec<Figure>> {
    let repository = repository_name(0);
    let (mut layers, mut puts, mut deletes) = <(Stopwatch, Stopwatch, Stopwatch)>::default();
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
        let pushed = push_blob(&mut asker.oci, &upload, UploadMode::Mono);
        layers.time(pushed).await?;
        let tag = format!("passing-{number}");
        let manifest = image(&[layer], &tag)?;
        puts.time(asker.put(&repository, &tag, manifest)).await?;
        let ids = json!({ "repositoryName": repository, "imageIds": [{ "imageTag": tag }] });
        deletes.time(asker.call("BatchDeleteImage", &ids)).await?;
    }
    Ok(vec![
        Figure::times("push of a layer of 4 KiB", layers, Promise::Flat),
        Figure::times("push of a manifest", puts, Promise::Flat),
        Figure::times("delete of an image", deletes, Promise::Flat),
    ])
}

/// The first small repository is deleted and made again: there may be as many as a registry takes.
async fn repositories(asker: &mut Asker, layout: &Layout, stored: u64) -> anyhow::Result<Figure> {
    let mut deletes = Stopwatch::default();
    let name = repository_name(SMALL);
    for _ in 0..REPOSITORIES {
        make(asker, layout, &name).await?;
        deletes.time(asker.delete_repository(&name)).await?;
    }
    if stored > 1 {
        make(asker, layout, &name).await?;
    }
    let title = format!("delete of a repository of {} images", layout.small());
    Ok(Figure::times(&title, deletes, Promise::Flat))
}

async fn make(asker: &mut Asker, layout: &Layout, name: &str) -> anyhow::Result<()> {
    asker.create_with_config(name).await?;
    for number in 0..layout.small() {
        let place = Place {
            repository: SMALL,
            number,
        };
        push(asker, place).await?;
    }
    Ok(())
}
