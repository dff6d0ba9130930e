//! Listing segment files, for verification.

use std::fs;
use std::io;
use std::path::Path;

use ecru_ports::blobs::{FoundSegment, ObjectId};

use crate::segments::SegmentName;

/// The segments in one directory; files with other names are not ours and are passed over.
pub(crate) fn names(directory: &Path) -> io::Result<Vec<SegmentName>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.extend(entry?.file_name().to_str().and_then(SegmentName::parse));
    }
    Ok(names)
}

/// Appends a directory's segments after `after`, in order, until `limit` is reached at the end of an object.
pub(crate) fn append(
    directory: &Path,
    after: Option<&ObjectId>,
    limit: usize,
    found: &mut Vec<FoundSegment>,
) -> io::Result<()> {
    let mut names = names(directory)?;
    names.retain(|name| after.is_none_or(|after| name.object > *after));
    names.sort_unstable();
    for name in names {
        let new_object = found.last().is_none_or(|last| last.object != name.object);
        if found.len() >= limit && new_object {
            break;
        }
        let Some(stored_bytes) = length(&directory.join(name.to_string()))? else {
            continue;
        };
        found.push(FoundSegment {
            object: name.object,
            number: name.number,
            stored_bytes,
        });
    }
    Ok(())
}

/// The length of a file, or `None` if it has gone since it was listed.
fn length(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
