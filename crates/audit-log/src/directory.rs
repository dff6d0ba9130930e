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
/// The longest name of a node that is read, and the length of a new one, in characters.
const LONGEST_NODE: u64 = 64;
const NEW_NODE: usize = 12;
const EXTENSION: &str = ".jsonl";

/// A directory that only this process writes to, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "it is held")] File);

/// Creates the directory if need be, and locks it. `None` if another process has it.
pub(crate) fn lock(directory: &Path) -> io::Result<Option<Lock>> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(DIRECTORY_MODE);
    builder.create(directory)?;
    // lines in a directory whose name is lost would be lost
    if let Some(parent) = directory.parent().filter(|parent| *parent != Path::new("")) {
        sync(parent)?;
    }
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

/// The node's name: as it was written down, or a new one. A crash may leave a file without a name, before the node
/// has written anything.
pub(crate) fn node(directory: &Path, ids: &dyn Ids) -> io::Result<String> {
    let path = directory.join(NODE);
    let mut text = String::new();
    match File::open(&path) {
        Ok(file) => {
            file.take(LONGEST_NODE + 1).read_to_string(&mut text)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let name = text.trim_matches(['\0', '\n', '\r', ' ']);
    if name.is_empty() {
        return name_node(directory, &path, ids);
    }
    let is_short = text.len() as u64 <= LONGEST_NODE;
    if is_short && name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(name.to_owned());
    }
    let path = path.display();
    Err(io::Error::other(format!("{path} does not name a node")))
}

fn name_node(directory: &Path, path: &Path, ids: &dyn Ids) -> io::Result<String> {
    let name: String = hex::encode(ids.random()).chars().take(NEW_NODE).collect();
    let mut options = OpenOptions::new();
    options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(FILE_MODE);
    let mut file = options.open(path)?;
    file.write_all(name.as_bytes())?;
    file.sync_all()?;
    sync(directory)?;
    Ok(name)
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
