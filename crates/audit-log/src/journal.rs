//! Where lines are durable before their file is: a piece of disk that is there already and written over and over.
//!
//! ```text
//! <node>.journal   [ head │ lines ][ head │ lines ] … zeros
//! ```
//!
//! A sync of a file that has grown also writes what the file system knows of the file, a sync of this does not: 4 KiB at
//! a time, 3,100 of the first were measured in a second, and 6,300 of the second. Once it is full, the file itself is
//! synced, and it begins anew. A loss of power may take from the file what only the journal has: the next start writes
//! it there again.
//!
//! Nothing needs a checksum: lines carry their hashes, and what is no chain that goes on where the head says was never
//! acknowledged.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::chain::{Hash, Place};
use crate::disk::{Disk, Segment};
use crate::walk::{Step, Walk};

/// Its size, in bytes: lines of about 700 requests.
pub(crate) const SIZE: u64 = 1_024 * 1_024;

const MAGIC: &[u8; 8] = b"ecrujnl1";
const HASH: usize = size_of::<Hash>();
/// Magic, four numbers of eight bytes, a hash.
const HEAD: usize = 8 + 4 * 8 + HASH;

/// The journal of a node.
pub(crate) struct Journal {
    /// `None` if there could be none: then every file is synced each time.
    segment: Option<Box<dyn Segment>>,
    position: u64,
}

impl Journal {
    /// Makes the piece of disk, if it is not there yet. What it holds must have been replayed.
    pub(crate) fn open(disk: &mut dyn Disk, directory: &Path, node: &str) -> Self {
        let segment = disk.preallocate(&path(directory, node), SIZE);
        let segment = segment
            .inspect_err(|error| tracing::warn!(%error, "the audit log has no journal"))
            .ok();
        Self {
            segment,
            position: 0,
        }
    }

    /// Makes lines durable that were appended to file `sequence` behind `place`. If not, the file is to be synced: there
    /// is no room, or no journal, or it has failed.
    pub(crate) fn keep(&mut self, sequence: u64, place: &Place, text: &[u8]) -> bool {
        let length = (HEAD + text.len()) as u64;
        let Some(segment) = &mut self.segment else {
            return false;
        };
        if self.position + length > SIZE {
            return false;
        }
        let head = head(sequence, place, text.len());
        let mut write = || {
            if self.position == 0 {
                segment.rewind()?;
            }
            segment.append(&head)?;
            segment.append(text)?;
            segment.sync()
        };
        let written = write();
        match written {
            Ok(()) => {
                self.position += length;
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the journal of the audit log cannot be written");
                // whatever stands there now, the next lines come after a sync, from the beginning on
                self.position = SIZE;
                false
            }
        }
    }

    /// Begins anew: the file has all of it.
    pub(crate) fn clear(&mut self) {
        self.position = 0;
    }

    /// Empties it, at the end of the process: nothing that happens to the file afterwards is to be undone.
    pub(crate) fn empty(&mut self) {
        let Some(segment) = &mut self.segment else {
            return;
        };
        let emptied = segment
            .rewind()
            .and_then(|()| segment.append(&[0; HEAD]))
            .and_then(|()| segment.sync());
        if let Err(error) = emptied {
            tracing::warn!(%error, "the journal of the audit log cannot be emptied");
        }
    }
}

fn path(directory: &Path, node: &str) -> PathBuf {
    directory.join(format!("{node}.journal"))
}

fn head(sequence: u64, place: &Place, length: usize) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let numbers = [sequence, place.lines, place.bytes, length as u64];
    let (magic, rest) = head.split_at_mut(MAGIC.len());
    magic.copy_from_slice(MAGIC);
    let (texts, hash) = rest.split_at_mut(4 * 8);
    for (text, number) in texts.chunks_exact_mut(8).zip(numbers) {
        text.copy_from_slice(&number.to_le_bytes());
    }
    hash.copy_from_slice(&place.hash);
    head
}

/// Lines that the journal has of a file.
struct Kept<'a> {
    sequence: u64,
    place: Place,
    text: &'a [u8],
}

/// Reads what stands first, and what follows it. `None` if it is nothing that was acknowledged.
fn read(journal: &[u8]) -> Option<(Kept<'_>, &[u8])> {
    let rest = journal.strip_prefix(MAGIC)?;
    let (numbers, rest) = rest.split_first_chunk::<{ 4 * 8 }>()?;
    let (hash, rest) = rest.split_first_chunk::<HASH>()?;
    let mut numbers = numbers.as_chunks::<8>().0.iter().copied();
    let mut number = || numbers.next().map(u64::from_le_bytes);
    let (sequence, lines, bytes, length) = (number()?, number()?, number()?, number()?);
    let (text, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let place = Place {
        lines,
        bytes,
        hash: *hash,
    };
    let mut walk = Walk::new(text, place);
    loop {
        match walk.step().ok()? {
            Step::Line => {}
            Step::End(0) => break,
            Step::End(_) | Step::Broken(_) => return None,
        }
    }
    let kept = Kept {
        sequence,
        place,
        text,
    };
    Some((kept, rest))
}

/// Writes to `file`, number `sequence`, what it lost of what the journal has.
pub(crate) fn replay(directory: &Path, node: &str, file: &Path, sequence: u64) -> io::Result<()> {
    let journal = match std::fs::read(path(directory, node)) {
        Ok(journal) => journal,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut rest = &journal[..];
    let mut target: Option<File> = None;
    let mut end = None;
    while let Some((kept, after)) = read(rest) {
        rest = after;
        let from = kept.place.bytes;
        // of a time before the last sync, or of another file
        if kept.sequence != sequence || end.is_some_and(|end| end != from) {
            break;
        }
        end = Some(from + kept.text.len() as u64);
        if has(file, &kept)? {
            continue;
        }
        let target = match &mut target {
            Some(target) => target,
            None => target.insert(OpenOptions::new().write(true).open(file)?),
        };
        target.write_all_at(kept.text, from)?;
        tracing::info!(
            lines_after = kept.place.lines,
            "lines of the audit log were restored"
        );
    }
    target.map_or(Ok(()), |target| target.sync_all())
}

/// Whether a file has these lines; or has lost more than the journal can restore, which is for `verify` to tell.
fn has(file: &Path, kept: &Kept<'_>) -> io::Result<bool> {
    let file = File::open(file)?;
    let length = file.metadata()?.len();
    if length < kept.place.bytes {
        return Ok(true);
    }
    let mut found = vec![0; kept.text.len()];
    match file.read_exact_at(&mut found, kept.place.bytes) {
        Ok(()) => Ok(found == kept.text),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
