//! The directory: whose it is, which files are in it, and the lock that keeps a second writer out.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ecru_ports::Ids;

/// The mode of every file here.
pub(crate) const FILE_MODE: u32 = 0o600;

const DIRECTORY_MODE: u32 = 0o700;
const LOCK: &str = "lock";
const NODE: &str = "node";
const LONGEST_NODE: usize = 64;
const EXTENSION: &str = ".jsonl";

/// A directory that only this process writes to, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "it is held")] File);

/// Creates the directory if need be, and locks it. `None` if another process has it.
pub(crate) fn lock(directory: &Path) -> io::Result<Option<Lock>> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(DIRECTORY_MODE);
    builder.create(directory)?;
    let mut options = OpenOptions::new();
    options
        .create(true)
        .truncate(false)
        .write(true)
        .mode(FILE_MODE);
    let file = options.open(directory.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The node's name: as it was written down, or a new one.
pub(crate) fn node(directory: &Path, ids: &dyn Ids) -> io::Result<String> {
    let path = directory.join(NODE);
    let mut options = OpenOptions::new();
    options.create_new(true).write(true).mode(FILE_MODE);
    match options.open(&path) {
        Ok(mut file) => {
            let name: String = hex::encode(ids.random()).chars().take(12).collect();
            file.write_all(name.as_bytes())?;
            file.sync_all()?;
            sync(directory)?;
            Ok(name)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_node(&path),
        Err(error) => Err(error),
    }
}

fn read_node(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let bounded = File::open(path)?.take(LONGEST_NODE as u64 + 1);
    { bounded }.read_to_string(&mut text)?;
    let name = text.trim();
    let is_name = !name.is_empty() && name.len() <= LONGEST_NODE;
    if is_name && name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(name.to_owned());
    }
    let path = path.display();
    Err(io::Error::other(format!("{path} does not name a node")))
}

/// Where a file of a node is.
pub(crate) fn path(directory: &Path, node: &str, sequence: u64) -> PathBuf {
    directory.join(format!("{node}-{sequence:010}{EXTENSION}"))
}

/// The files, by node and number.
pub(crate) fn files(directory: &Path) -> io::Result<BTreeMap<String, Vec<u64>>> {
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let Some((node, sequence)) = name.to_str().and_then(parse) else {
            continue;
        };
        found.entry(node.to_owned()).or_default().push(sequence);
    }
    for sequences in found.values_mut() {
        sequences.sort_unstable();
    }
    Ok(found)
}

fn parse(name: &str) -> Option<(&str, u64)> {
    let (node, sequence) = name.strip_suffix(EXTENSION)?.split_once('-')?;
    let sequence: u64 = sequence.parse().ok()?;
    let is_node = !node.is_empty() && node.bytes().all(|b| b.is_ascii_alphanumeric());
    // no two names for one number
    (is_node && name == format!("{node}-{sequence:010}{EXTENSION}")).then_some((node, sequence))
}

/// Makes names in the directory durable.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_exact_names() {
        let directory = Path::new("/audit");
        let name = path(directory, "a1", 7);
        assert_eq!(name, Path::new("/audit/a1-0000000007.jsonl"));
        assert_eq!(parse("a1-0000000007.jsonl"), Some(("a1", 7)));
        assert_eq!(parse("a1-10000000007.jsonl"), Some(("a1", 10_000_000_007)));
        for other in [
            "a1-7.jsonl",
            "a1-+000000007.jsonl",
            "-0000000007.jsonl",
            "a1-0000000007.jsonl.gz",
            "a.1-0000000007.jsonl",
            "node",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
