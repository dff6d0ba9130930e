//! What a process asked the kernel to do with files and sockets, as `strace` wrote it down.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// System calls that are recorded: all by which files come, change, go and become durable, and by which answers leave.
pub(super) const CALLS: &str = "openat,write,pwrite64,writev,pwritev,fsync,fdatasync,ftruncate,\
                                fallocate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,sendto";

/// Something that matters after a power cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A file was made, or opened and made if it was not there.
    Create(PathBuf),
    /// A directory was made.
    MakeDirectory(PathBuf),
    /// Bytes were written at an offset.
    Write(PathBuf, u64, Vec<u8>),
    /// A file got a size.
    Resize(PathBuf, u64),
    /// A name was moved.
    Rename(PathBuf, PathBuf),
    /// A second name was given.
    Link(PathBuf, PathBuf),
    /// A name was removed.
    Unlink(PathBuf),
    /// A file or directory was made durable.
    Sync(PathBuf),
    /// An answer left.
    Answer,
}

/// A deed and when: positions are lines of the record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// It may have had an effect from here on.
    pub(super) begun: usize,
    /// It had had all of its effect here.
    pub(super) done: usize,
    /// What it was.
    pub(super) deed: Deed,
}

/// Reads a record made with `-f -y -xx`. Calls that failed are left out.
pub(super) fn parse(text: &str) -> Result<Vec<Event>> {
    let mut reader = Reader::default();
    for (line, text) in text.lines().enumerate() {
        reader
            .read(line, text)
            .with_context(|| format!("line {line}: {text:.120}"))?;
    }
    reader.events.sort_by_key(|event| event.begun);
    Ok(reader.events)
}

#[derive(Default)]
struct Reader {
    events: Vec<Event>,
    /// Calls that have not returned: by process, where they began and their text so far.
    open: HashMap<String, (usize, String)>,
    /// Where the next `write` goes, by descriptor.
    offsets: HashMap<String, u64>,
}

impl Reader {
    fn read(&mut self, line: usize, text: &str) -> Result<()> {
        let (process, call) = text.split_once(' ').context("no process")?;
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            self.open
                .insert(process.to_owned(), (line, begun.to_owned()));
            return Ok(());
        }
        if let Some(resumed) = call.strip_prefix("<... ") {
            let rest = resumed.split_once("resumed>").context("no end")?.1;
            let (begun, first) = self.open.remove(process).context("no begin")?;
            return self.note(begun, line, &format!("{first}{rest}"));
        }
        self.note(line, line, call)
    }

    fn note(&mut self, begun: usize, done: usize, call: &str) -> Result<()> {
        // signals and ends of processes
        let Some((name, rest)) = call.split_once('(') else {
            return Ok(());
        };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else {
            return Ok(());
        };
        if result.starts_with('-') || result.starts_with('?') {
            return Ok(());
        }
        if let Some(deed) = self.deed(name, arguments.trim_end(), result)? {
            self.events.push(Event { begun, done, deed });
        }
        Ok(())
    }

    fn deed(&mut self, name: &str, arguments: &str, result: &str) -> Result<Option<Deed>> {
        let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
        let parts: Vec<&str> = arguments.split(", ").collect();
        let part = |at: usize| parts.get(at).copied().context("too few arguments");
        Ok(Some(match name {
            "openat" => {
                let descriptor = result.split('<').next().unwrap_or_default();
                self.offsets.insert(descriptor.to_owned(), 0);
                if !part(2)?.contains("O_CREAT") {
                    return Ok(None);
                }
                Deed::Create(path_of(result)?)
            }
            "mkdir" => Deed::MakeDirectory(named(part(0)?)?),
            "mkdirat" => Deed::MakeDirectory(named(part(1)?)?),
            "write" | "writev" | "sendto" if part(0)?.contains(SOCKET) => {
                return Ok(is_answer(arguments)?.then_some(Deed::Answer));
            }
            "write" => {
                let descriptor = part(0)?.split('<').next().unwrap_or_default();
                let bytes = written(part(1)?, result)?;
                let offset = self.offsets.entry(descriptor.to_owned()).or_default();
                let begin = *offset;
                *offset += bytes.len() as u64;
                Deed::Write(path_of(part(0)?)?, begin, bytes)
            }
            "pwrite64" => {
                let offset = part(3)?.parse()?;
                Deed::Write(path_of(part(0)?)?, offset, written(part(1)?, result)?)
            }
            "ftruncate" => Deed::Resize(path_of(part(0)?)?, part(1)?.parse()?),
            // blocks that are set aside hold nothing
            "fallocate" if part(1)?.contains("KEEP_SIZE") => return Ok(None),
            "rename" => Deed::Rename(named(part(0)?)?, named(part(1)?)?),
            "renameat" | "renameat2" => Deed::Rename(named(part(1)?)?, named(part(3)?)?),
            "link" => Deed::Link(named(part(0)?)?, named(part(1)?)?),
            "linkat" => Deed::Link(named(part(1)?)?, named(part(3)?)?),
            "unlink" => Deed::Unlink(named(part(0)?)?),
            "unlinkat" => Deed::Unlink(named(part(1)?)?),
            "fsync" | "fdatasync" => Deed::Sync(path_of(part(0)?)?),
            other => bail!("{other} is not understood"),
        }))
    }
}

/// `socket:` or `TCP:`, as `-xx` writes them.
const SOCKET: &str = "\\x73\\x6f\\x63\\x6b\\x65\\x74\\x3a";

/// Whether the bytes begin an answer that is not an interim one.
fn is_answer(arguments: &str) -> Result<bool> {
    let text = arguments.split_once('"').map_or("", |(_, rest)| rest);
    let bytes = unhex(text.split('"').next().unwrap_or_default())?;
    Ok(bytes.starts_with(b"HTTP/1.1 ") && bytes.get(9) != Some(&b'1'))
}

/// The bytes that a call wrote: it may have written fewer than it was given.
fn written(quoted: &str, result: &str) -> Result<Vec<u8>> {
    let mut bytes = unhex(quoted.trim_matches('"'))?;
    bytes.truncate(result.trim().parse()?);
    Ok(bytes)
}

/// The path that `-y` shows behind a descriptor.
fn path_of(descriptor: &str) -> Result<PathBuf> {
    let path = descriptor.split_once('<').context("no path")?.1;
    let hex = path.split('>').next().unwrap_or_default();
    Ok(PathBuf::from(String::from_utf8(unhex(hex)?)?))
}

/// A path that was given by name.
fn named(quoted: &str) -> Result<PathBuf> {
    Ok(PathBuf::from(String::from_utf8(unhex(
        quoted.trim_matches('"'),
    )?)?))
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits: String = text.split("\\x").collect();
    hex::decode(digits).context("not written as \\x…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hexed(text: &str) -> String {
        let pairs: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("\\x{}", pairs.join("\\x"))
    }

    #[test]
    fn calls_are_read_and_those_of_threads_put_together() {
        let (file, data) = (hexed("/d/f"), hexed("abc"));
        let (socket, answer) = (hexed("socket:[1]"), hexed("HTTP/1.1 201 Created"));
        let interim = hexed("HTTP/1.1 100 Continue");
        let record = format!(
            "7  openat(AT_FDCWD<{file}>, \"{file}\", O_WRONLY|O_CREAT, 0600) = 5<{file}>\n\
             7  write(5<{file}>, \"{data}\", 3 <unfinished ...>\n\
             8  fsync(6<{file}>) = 0\n\
             7  <... write resumed>) = 2\n\
             7  write(5<{file}>, \"{data}\", 3) = 3\n\
             8  unlink(\"{file}\") = -1 ENOENT (No such file or directory)\n\
             8  writev(9<{socket}>, [{{iov_base=\"{interim}\", iov_len=1}}], 1) = 1\n\
             8  writev(9<{socket}>, [{{iov_base=\"{answer}\", iov_len=1}}], 1) = 1\n\
             7  +++ exited with 0 +++\n"
        );
        let path = || PathBuf::from("/d/f");
        let event = |begun, done, deed| Event { begun, done, deed };
        let expected = [
            event(0, 0, Deed::Create(path())),
            event(1, 3, Deed::Write(path(), 0, b"ab".to_vec())),
            event(2, 2, Deed::Sync(path())),
            event(4, 4, Deed::Write(path(), 2, b"abc".to_vec())),
            event(7, 7, Deed::Answer),
        ];
        assert_eq!(parse(&record).unwrap(), expected);
    }
}
