//! Where the chain of a node goes on after its process has ended, however it did.
//!
//! Reading begins where the head that was kept elsewhere is, so that a start costs what was written after that, about
//! a second's lines, whatever there is before.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use ecru_ports::AuditHead;

use crate::chain::{GENESIS, Hash, Place};
use crate::directory;
use crate::first_line::{End, FirstLine, Previous};
use crate::journal;
use crate::walk::{Step, Walk};

/// A file that is not longer and has no line is one whose first line was never finished.
const UNBEGUN: u64 = 4_096;

/// Finds the file that the next one follows, with all that the journal has of it; `None` if there was never any.
pub(crate) fn last_file(
    directory: &Path,
    node: &str,
    head: Option<&AuditHead>,
) -> io::Result<Option<Previous>> {
    let mut files = directory::files(directory)?
        .remove(node)
        .unwrap_or_default();
    if let Some(newest) = files.pop_if(|newest| is_unbegun(directory, node, *newest)) {
        fs::remove_file(directory::path(directory, node, newest))?;
    }
    let Some(sequence) = files.pop() else {
        return Ok(head.map(missing));
    };
    if let Some(head) = head.filter(|head| head.sequence > sequence) {
        return Ok(Some(missing(head)));
    }
    let own = head.filter(|head| head.sequence == sequence);
    let path = directory::path(directory, node, sequence);
    journal::replay(directory, node, &path, sequence)?;
    read(&path, sequence, own).map(Some)
}

/// A file of which only the head is known.
fn missing(head: &AuditHead) -> Previous {
    Previous {
        sequence: head.sequence,
        lines: head.lines,
        bytes: head.bytes,
        hash: head.hash.clone(),
        end: End::Short,
    }
}

/// Whether a file holds nothing that was ever acknowledged.
fn is_unbegun(directory: &Path, node: &str, sequence: u64) -> bool {
    let mut text = Vec::new();
    let opened = File::open(directory::path(directory, node, sequence));
    let read = opened.and_then(|file| file.take(UNBEGUN + 1).read_to_end(&mut text));
    read.is_ok_and(|length| length as u64 <= UNBEGUN) && !text.contains(&b'\n')
}

fn read(path: &Path, sequence: u64, head: Option<&AuditHead>) -> io::Result<Previous> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let known = head.and_then(place_of);
    let begin = match known.filter(|known| known.bytes <= length) {
        Some(known) => known,
        None => Place::after(hash_before(path)?),
    };
    file.seek(SeekFrom::Start(begin.bytes))?;
    let mut walk = Walk::new(file, begin);
    let mut place = begin;
    while walk.step()? == Step::Line {
        place = walk.place();
    }
    let end = match known {
        Some(known) if place.lines < known.lines => End::Short,
        _ if place.bytes == length => End::Closed,
        _ => End::Cut,
    };
    Ok(Previous::new(sequence, &place, end))
}

fn place_of(head: &AuditHead) -> Option<Place> {
    let mut hash = Hash::default();
    hex::decode_to_slice(&head.hash, &mut hash).ok()?;
    Some(Place {
        lines: head.lines,
        bytes: head.bytes,
        hash,
    })
}

/// The hash that a file says it follows.
pub(crate) fn hash_before(path: &Path) -> io::Result<Hash> {
    let first = first_line(path)?;
    let previous = first.and_then(|first| first.previous);
    Ok(previous
        .and_then(|previous| previous.hash())
        .unwrap_or(GENESIS))
}

/// The first line of a file, if it has one that can be read.
pub(crate) fn first_line(path: &Path) -> io::Result<Option<FirstLine>> {
    let mut walk = Walk::new(File::open(path)?, Place::after(GENESIS));
    let step = walk.step()?;
    let is_line = !matches!(step, Step::End(_));
    Ok(FirstLine::parse(walk.line()).filter(|_| is_line))
}
