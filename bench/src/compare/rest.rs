//! What lies on the disk and how fast a server comes up: measured on stores of their own, with
//! the server ended, so that no log waits to be merged.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::compare::Arena;
use crate::compare::passes::{Subject, drive_once};
use crate::compare::program::Program;
use crate::compare::samples::{Bound, Line, Side, Target, Unit};
use crate::compare::scale::spoken;
use crate::compare::server::Server;
use crate::options::{RunOptions, Workload};
use crate::size::float;

const REPOSITORY: &str = "bench/rest";
/// Layers whose disk use is measured.
const LAYERS: u64 = 4;
/// Times that a server with a filled store is started.
const STARTS: u32 = 3;
/// Bytes of a block in `stat(2)`.
const STAT_BLOCK: u64 = 512;

/// The lines of these experiments.
struct Lines {
    per_layer_byte: Line,
    per_tag: Line,
    start_empty: Line,
    start_filled: Line,
    start_many: Option<Line>,
}

impl Lines {
    fn new(arena: &Arena) -> Self {
        let own = |most| Some(Target::Own(Bound::AtMost(most)));
        let medium = spoken(arena.scale.medium);
        let tags = arena.scale.tags;
        let images = arena.stored_images;
        let start = |what| Line::plain(what, Unit::Milliseconds, own(200.0));
        Self {
            per_layer_byte: Line::plain(
                format!("disk bytes per layer byte, {LAYERS} of {medium}"),
                Unit::Times,
                own(1.02),
            ),
            per_tag: Line::plain(
                format!("disk bytes per tag, {tags} tags"),
                Unit::Bytes,
                own(512.0),
            ),
            start_empty: start("first answer, empty store".to_owned()),
            start_filled: start(format!("first answer, {tags} tags stored")),
            start_many: (images > 0)
                .then(|| start(format!("first answer, {images} images stored"))),
        }
    }

    fn into_vec(self) -> Vec<Line> {
        let always = [
            self.per_layer_byte,
            self.per_tag,
            self.start_empty,
            self.start_filled,
        ];
        always.into_iter().chain(self.start_many).collect()
    }
}

/// One server's store in this experiment.
struct Store {
    side: Side,
    program: Program,
    home: PathBuf,
}

impl Store {
    async fn start(&self) -> anyhow::Result<Server> {
        Server::start(&self.program, &self.home)
            .await
            .with_context(|| format!("start {}", self.side.name()))
    }

    fn bytes(&self) -> anyhow::Result<f64> {
        let data = Program::data(&self.home);
        let bytes = allocated(&data).with_context(|| format!("measure {}", data.display()))?;
        Ok(float(bytes))
    }

    /// Starts the server, drives one run and ends it again; gives whether the run succeeded.
    async fn fill(&self, arena: &mut Arena, options: RunOptions) -> anyhow::Result<bool> {
        let server = self.start().await?;
        let subject = Subject {
            server: &server,
            side: self.side,
        };
        let outcome = drive_once(&mut arena.journal, subject, options).await;
        server.stop().await?;
        Ok(outcome.is_some())
    }

    async fn time_starts(&self, line: &mut Line) -> anyhow::Result<()> {
        for _ in 0..STARTS {
            let server = self.start().await?;
            let milliseconds = server.started_in.as_secs_f64() * 1000.0;
            line.main.samples.get_mut(self.side).add(milliseconds);
            server.stop().await?;
        }
        Ok(())
    }
}

/// Measures both servers, one after the other.
///
/// # Errors
/// A server does not start or end, or its data cannot be read.
pub(super) async fn run(arena: &mut Arena) -> anyhow::Result<Vec<Line>> {
    let mut lines = Lines::new(arena);
    for side in Side::order(0) {
        let name = format!("rest-{}", side.name());
        let store = Store {
            side,
            program: arena.programs.get(side).clone(),
            home: arena.home(&name)?,
        };
        measure(arena, &store, &mut lines).await?;
        arena.discard(&name)?;
    }
    Ok(lines.into_vec())
}

async fn measure(arena: &mut Arena, store: &Store, lines: &mut Lines) -> anyhow::Result<()> {
    let scale = arena.scale;
    let server = store.start().await?;
    let milliseconds = server.started_in.as_secs_f64() * 1000.0;
    let empty = lines.start_empty.main.samples.get_mut(store.side);
    empty.add(milliseconds);
    server.ensure_repository(REPOSITORY).await?;
    server.stop().await?;

    let before = store.bytes().unwrap_or(0.0);
    if store.fill(arena, layers(scale.medium)).await? {
        let ratio = (store.bytes()? - before) / float(LAYERS * scale.medium);
        lines
            .per_layer_byte
            .main
            .samples
            .get_mut(store.side)
            .add(ratio);
    }
    let before = store.bytes()?;
    if store.fill(arena, tags(scale.tags)).await? {
        let each = (store.bytes()? - before) / float(scale.tags);
        lines.per_tag.main.samples.get_mut(store.side).add(each);
    }
    store.time_starts(&mut lines.start_filled).await?;
    if let (Some(line), Side::Ecru) = (&mut lines.start_many, store.side) {
        store.fill(arena, images(arena.stored_images)).await?;
        store.time_starts(line).await?;
    }
    Ok(())
}

fn layers(size: u64) -> RunOptions {
    RunOptions {
        label: "layers at rest".to_owned(),
        repo: REPOSITORY.to_owned(),
        size,
        count: Some(LAYERS),
        ..RunOptions::of(Workload::Push)
    }
}

fn tags(tags: u64) -> RunOptions {
    RunOptions {
        label: "tags at rest".to_owned(),
        repo: REPOSITORY.to_owned(),
        tags,
        conc: 8,
        ..RunOptions::of(Workload::TagsFill)
    }
}

fn images(count: u64) -> RunOptions {
    RunOptions {
        label: "images at rest".to_owned(),
        repo: REPOSITORY.to_owned(),
        count: Some(count),
        conc: 16,
        ..RunOptions::of(Workload::ManifestPut)
    }
}

/// Bytes allocated to everything under a directory, directories included.
pub(crate) fn allocated(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut pending = vec![directory.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path)?;
        bytes += metadata.blocks() * STAT_BLOCK;
        if metadata.is_dir() {
            for entry in fs::read_dir(&path)? {
                pending.push(entry?.path());
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocated_bytes_count_all_files_below() {
        let directory = tempfile::tempdir().unwrap();
        let empty = allocated(directory.path()).unwrap();
        let below = directory.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        fs::write(below.join("c"), vec![1; 1 << 20]).unwrap();
        let found = allocated(directory.path()).unwrap() - empty;
        assert!(
            (1 << 20..(1 << 20) + (64 << 10)).contains(&found),
            "{found}"
        );
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        assert!(allocated(Path::new("/nowhere/at/all")).is_err());
    }
}
