//! What a disk may hold after a power cut: everything that was made durable, and any part of the rest.
//!
//! The rules are those of POSIX, not the kinder ones of one file system: a write counts for certain once its file was
//! synced after it, a name once its directory was; until then each may be there, missing, or (a write) torn at
//! sectors of 512 bytes, in any order. What a power cut cannot do here: change bytes next to those written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use sha2::{Digest as _, Sha256};

use super::super::random::Random;
use super::trace::{Deed, Event};

/// Sector that is written whole or not at all.
const SECTOR: usize = 512;

/// What becomes of that which was not made durable.
pub(super) enum Rest {
    /// All of it is lost.
    Lost,
    /// All of it is there.
    Kept,
    /// Each is lost, there or torn, as chance has it.
    Chance(Random),
}

impl Rest {
    fn keeps(&mut self) -> bool {
        match self {
            Self::Lost => false,
            Self::Kept => true,
            Self::Chance(random) => random.percent(50),
        }
    }

    fn tears(&mut self) -> bool {
        match self {
            Self::Lost | Self::Kept => false,
            Self::Chance(random) => random.percent(40),
        }
    }
}

/// Files and directories by their path below the recorded root.
#[derive(Default)]
pub(super) struct State {
    files: BTreeMap<PathBuf, Vec<u8>>,
    directories: BTreeSet<PathBuf>,
}

/// Names and contents while a record is followed.
#[derive(Default)]
struct Disk {
    /// What each file, known by a number, holds after the cut.
    contents: Vec<Vec<u8>>,
    /// Names as the process saw them.
    seen: BTreeMap<PathBuf, usize>,
    /// Names as they are after the cut.
    left: BTreeMap<PathBuf, usize>,
    directories: BTreeSet<PathBuf>,
}

/// The state of the disk under `root` if the power went at line `cut`. Syncs of paths that contain `forgotten` count
/// for nothing.
pub(super) fn state(
    events: &[Event],
    root: &Path,
    cut: usize,
    rest: &mut Rest,
    forgotten: Option<&str>,
) -> State {
    let mut syncs = syncs_before(events, cut);
    if let Some(text) = forgotten {
        syncs.retain(|path, _| !path.to_string_lossy().contains(text));
    }
    let mut disk = Disk::default();
    for event in events.iter().filter(|event| event.begun < cut) {
        let durable = |path: &Path| {
            let times = syncs.get(path).map_or(&[][..], Vec::as_slice);
            times.iter().any(|&synced| event.done < synced)
        };
        disk.apply(&event.deed, root, &durable, rest);
    }
    disk.into_state(root)
}

/// Where syncs of each path began that had ended before the cut.
fn syncs_before(events: &[Event], cut: usize) -> BTreeMap<PathBuf, Vec<usize>> {
    let mut syncs: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.done < cut) {
        if let Deed::Sync(path) = &event.deed {
            syncs.entry(path.clone()).or_default().push(event.begun);
        }
    }
    syncs
}

impl Disk {
    fn apply(
        &mut self,
        deed: &Deed,
        root: &Path,
        durable: &dyn Fn(&Path) -> bool,
        rest: &mut Rest,
    ) {
        let is_inside = |path: &Path| path.starts_with(root) && !is_volatile(path);
        match deed {
            Deed::Create(path) if is_inside(path) && !self.seen.contains_key(path) => {
                let number = self.contents.len();
                self.contents.push(Vec::new());
                self.seen.insert(path.clone(), number);
                if durable(parent(path)) || rest.keeps() {
                    self.left.insert(path.clone(), number);
                }
            }
            Deed::MakeDirectory(path)
                if is_inside(path) && (durable(parent(path)) || rest.keeps()) =>
            {
                self.directories.insert(path.clone());
            }
            Deed::Write(path, offset, bytes) => {
                let is_durable = durable(path);
                if let Some(&number) = self.seen.get(path) {
                    write(&mut self.contents[number], *offset, bytes, is_durable, rest);
                }
            }
            Deed::Resize(path, size) => {
                let keeps = durable(path) || rest.keeps();
                if let Some(&number) = self.seen.get(path).filter(|_| keeps) {
                    self.contents[number].resize(place(*size), 0);
                }
            }
            Deed::Rename(from, to) if is_inside(to) => {
                self.rename(from, to, durable(parent(to)) || rest.keeps());
            }
            Deed::Link(from, to) if is_inside(to) => {
                if let Some(&number) = self.seen.get(from) {
                    self.seen.insert(to.clone(), number);
                    if durable(parent(to)) || rest.keeps() {
                        self.left.insert(to.clone(), number);
                    }
                }
            }
            Deed::Unlink(path) if is_inside(path) => {
                self.seen.remove(path);
                if durable(parent(path)) || rest.keeps() {
                    self.left.remove(path);
                }
            }
            _ => {}
        }
    }

    fn rename(&mut self, from: &Path, to: &Path, keeps: bool) {
        let Some(number) = self.seen.remove(from) else {
            return;
        };
        self.seen.insert(to.to_owned(), number);
        if keeps {
            self.left.remove(from);
            self.left.insert(to.to_owned(), number);
        }
    }

    fn into_state(self, root: &Path) -> State {
        let below = |path: &Path| path.strip_prefix(root).map(Path::to_owned).ok();
        let stands = |path: &Path| {
            let above = path.ancestors().skip(1);
            above
                .take_while(|above| *above != root)
                .all(|above| self.directories.contains(above))
        };
        let files = self.left.iter().filter(|(path, _)| stands(path));
        let directories = self.directories.iter().filter(|path| stands(path));
        State {
            files: files
                .filter_map(|(path, &number)| Some((below(path)?, self.contents[number].clone())))
                .collect(),
            directories: directories.filter_map(|path| below(path)).collect(),
        }
    }
}

impl State {
    /// Tells states apart.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (path, content) in &self.files {
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(content);
        }
        for path in &self.directories {
            hash.update(path.as_os_str().as_encoded_bytes());
        }
        hash.finalize().into()
    }

    /// Writes the state below a directory.
    pub(super) fn write(&self, root: &Path) -> Result<()> {
        for path in &self.directories {
            DirBuilder::new().mode(0o700).create(root.join(path))?;
        }
        for (path, content) in &self.files {
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(root.join(path))?;
            file.write_all(content)?;
        }
        Ok(())
    }

    /// Removes what was written there.
    pub(super) fn remove(root: &Path) -> Result<()> {
        fs::remove_dir_all(root)?;
        Ok(fs::create_dir(root)?)
    }
}

/// `SQLite` writes its index of the log through memory and never relies on finding it again.
fn is_volatile(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"-shm")
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn write(content: &mut Vec<u8>, offset: u64, bytes: &[u8], is_durable: bool, rest: &mut Rest) {
    if is_durable {
        return put(content, place(offset), bytes);
    }
    if rest.tears() {
        for (number, sector) in bytes.chunks(SECTOR).enumerate() {
            if rest.keeps() {
                put(content, place(offset) + number * SECTOR, sector);
            }
        }
        return;
    }
    if rest.keeps() {
        put(content, place(offset), bytes);
    }
}

fn put(content: &mut Vec<u8>, begin: usize, bytes: &[u8]) {
    let end = begin + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[begin..end].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Vec<Event> {
        let path = |name: &str| PathBuf::from("/r").join(name);
        let deeds = [
            Deed::MakeDirectory(path("d")),
            Deed::Sync(path("")),
            Deed::Create(path("d/f")),
            Deed::Write(path("d/f"), 0, b"one".to_vec()),
            Deed::Sync(path("d/f")),
            Deed::Write(path("d/f"), 3, b"two".to_vec()),
            Deed::Sync(path("d")),
            Deed::Unlink(path("d/f")),
        ];
        let event = |(at, deed)| Event {
            begun: at,
            done: at,
            deed,
        };
        deeds.into_iter().enumerate().map(event).collect()
    }

    fn file(cut: usize, rest: &mut Rest) -> Option<Vec<u8>> {
        let state = state(&record(), Path::new("/r"), cut, rest, None);
        state.files.get(Path::new("d/f")).cloned()
    }

    #[test]
    fn only_what_was_synced_is_certain() {
        assert_eq!(file(6, &mut Rest::Lost), None, "the name was not synced");
        assert_eq!(file(7, &mut Rest::Lost).unwrap(), b"one");
        assert_eq!(file(7, &mut Rest::Kept).unwrap(), b"onetwo");
        assert_eq!(file(8, &mut Rest::Lost).unwrap(), b"one");
        assert_eq!(file(8, &mut Rest::Kept), None);
    }

    #[test]
    fn chance_never_touches_what_is_certain() {
        let mut found = BTreeSet::new();
        for seed in 0..200 {
            let content = file(7, &mut Rest::Chance(Random::of(seed, 0, 0))).unwrap();
            assert!(content.starts_with(b"one"));
            found.insert(content);
        }
        assert_eq!(found.len(), 2, "and the rest is there at times");
    }

    #[test]
    fn a_forgotten_sync_makes_nothing_certain() {
        let events = record();
        let left = |forgotten| {
            let state = state(&events, Path::new("/r"), 7, &mut Rest::Lost, forgotten);
            state.files.get(Path::new("d/f")).cloned()
        };
        assert_eq!(left(Some("other")).unwrap(), b"one");
        assert_eq!(left(Some("d/f")).unwrap(), b"", "the name alone");
        assert_eq!(left(Some("d")), None);
    }

    /// Two writes of two sectors each that were not synced: whatever is there of them.
    #[test]
    fn writes_that_were_not_synced_are_lost_torn_and_out_of_order() {
        let path = PathBuf::from("/r/f");
        let sectors = |byte| vec![byte; 2 * SECTOR];
        let deeds = [
            Deed::Create(path.clone()),
            Deed::Write(path.clone(), 0, sectors(1)),
            Deed::Write(path.clone(), 2 * SECTOR as u64, sectors(2)),
            Deed::Sync(PathBuf::from("/r")),
        ];
        let event = |(at, deed)| Event {
            begun: at,
            done: at,
            deed,
        };
        let events: Vec<_> = deeds.into_iter().enumerate().map(event).collect();
        let mut found = BTreeSet::new();
        for seed in 0..500 {
            let mut rest = Rest::Chance(Random::of(seed, 0, 0));
            let state = state(&events, Path::new("/r"), 4, &mut rest, None);
            let content = &state.files[Path::new("f")];
            let there = |sector: usize| content.get(sector * SECTOR).is_some_and(|byte| *byte > 0);
            found.insert([0, 1, 2, 3].map(there));
        }
        assert_eq!(found.len(), 16, "each sector is there or not");
    }
}
