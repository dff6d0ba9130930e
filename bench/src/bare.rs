//! A server that does with pushed bytes what no push can do without, and nothing besides: what it needs is the limit
//! that the machine sets. It receives, hashes, seals in frames, writes and syncs; it has no metadata, no names,
//! no authentication and no requests but those of a push from this driver, and each connection has a thread.
//!
//! - [`sealed`]: a file that is hashed, sealed and written

mod sealed;

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, bail};
use clap::Args;

use crate::bare::sealed::{BATCH, SealedFile};

/// Read buffer for heads and for the lengths of chunks: what of a chunk gets into it is copied.
const SMALL_READS: usize = 512;
/// Longest line of a request.
const MAX_LINE: u64 = 16 * 1024;

/// Command line of `bare`.
#[derive(Args)]
pub(crate) struct BareArgs {
    /// Address to listen on
    #[arg(long)]
    listen: SocketAddr,
    /// Directory for what is pushed
    #[arg(long)]
    data: PathBuf,
}

/// Serves until the process is ended.
///
/// # Errors
/// An address or a directory that cannot be had.
pub(crate) fn serve(args: &BareArgs) -> anyhow::Result<()> {
    fs::create_dir_all(&args.data).with_context(|| format!("make {}", args.data.display()))?;
    let listener = TcpListener::bind(args.listen).context("listen")?;
    accept_all(&listener, &args.data)
}

fn accept_all(listener: &TcpListener, data: &Path) -> anyhow::Result<()> {
    for number in 0_u64.. {
        let (stream, _) = listener.accept().context("accept a connection")?;
        let path = data.join(number.to_string());
        thread::spawn(move || {
            if let Err(error) = Visit::new(stream, path).answer_all() {
                eprintln!("connection {number}: {error:#}");
            }
        });
    }
    Ok(())
}

/// One connection.
struct Visit {
    stream: BufReader<TcpStream>,
    path: PathBuf,
    pushed: u64,
    /// Digest of what the last PATCH brought.
    digest: Option<String>,
}

impl Visit {
    fn new(stream: TcpStream, path: PathBuf) -> Self {
        Self {
            stream: BufReader::with_capacity(SMALL_READS, stream),
            path,
            pushed: 0,
            digest: None,
        }
    }

    fn answer_all(mut self) -> anyhow::Result<()> {
        while let Some(line) = self.line()? {
            let mut is_chunked = false;
            while let Some(header) = self.line()?.filter(|header| !header.is_empty()) {
                let header = header.to_ascii_lowercase();
                is_chunked |= header == "transfer-encoding: chunked";
            }
            let status = match line.split(' ').next().unwrap_or_default() {
                "GET" => "200 OK",
                "POST" => "202 Accepted",
                "PATCH" if is_chunked => {
                    self.digest = Some(self.take_body()?);
                    "202 Accepted"
                }
                "PUT" if self.is_asked_for(&line) => "201 Created",
                _ => "400 Bad Request",
            };
            let answer =
                format!("HTTP/1.1 {status}\r\nlocation: /v2/bare\r\ncontent-length: 0\r\n\r\n");
            self.stream.get_mut().write_all(answer.as_bytes())?;
        }
        Ok(())
    }

    /// Whether a PUT names the digest of what came.
    fn is_asked_for(&self, line: &str) -> bool {
        let asked = line.split_once("digest=").map(|(_, rest)| rest);
        let asked = asked.and_then(|rest| rest.split([' ', '&']).next());
        asked.is_some() && asked == self.digest.as_deref()
    }

    /// A line without its end; `None` at the end of the connection.
    fn line(&mut self) -> anyhow::Result<Option<String>> {
        let mut line = String::new();
        if (&mut self.stream).take(MAX_LINE).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(Some(line.to_owned())),
            None => bail!("a line without an end"),
        }
    }

    /// Stores a body of chunks (RFC 9112 section 7.1) and returns its digest.
    fn take_body(&mut self) -> anyhow::Result<String> {
        self.pushed += 1;
        let path = self.path.with_extension(self.pushed.to_string());
        let mut file = SealedFile::create(&path)?;
        let mut batch = vec![0; BATCH];
        let mut filled = 0;
        loop {
            let length = self.line()?.context("no length of a chunk")?;
            let mut left = usize::from_str_radix(&length, 16).context("length of a chunk")?;
            let is_last = left == 0;
            while left > 0 {
                let room = &mut batch[filled..];
                let part = room.len().min(left);
                self.stream.read_exact(&mut room[..part])?;
                left -= part;
                filled += part;
                if filled == BATCH {
                    file.append(&mut batch)?;
                    filled = 0;
                }
            }
            if self.line()?.is_none_or(|end| !end.is_empty()) {
                return Err(io::Error::from(io::ErrorKind::InvalidData).into());
            }
            if is_last {
                file.append(&mut batch[..filled])?;
                return file.finish();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::Endpoint;
    use crate::drive;
    use crate::options::{RunOptions, Workload};

    #[test]
    fn the_driver_pushes_to_it_and_every_byte_is_written() {
        let home = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = listener.local_addr().unwrap();
        let data = home.path().to_owned();
        thread::spawn(move || accept_all(&listener, &data));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let size = 3 * 256 * 1024 + 77;
        let options = RunOptions {
            size,
            count: Some(6),
            conc: 2,
            ..RunOptions::of(Workload::Push)
        };
        let endpoint = Arc::new(Endpoint::parse(&format!("http://{listen}"), None).unwrap());
        let outcome = runtime.block_on(drive::run(endpoint, options)).unwrap();
        outcome.require_no_errors().unwrap();
        assert_eq!(outcome.ok, 6);
        let written = fs::read_dir(home.path()).unwrap();
        let lengths: Vec<u64> = written
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        // thirteen frames, and each has a tag
        assert_eq!(lengths, vec![size + 13 * 16; 6]);
    }

    #[test]
    fn only_the_digest_of_what_came_is_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut visit = Visit::new(stream, PathBuf::new());
        let line = "PUT /v2/bare?digest=sha256:ab HTTP/1.1";
        assert!(!visit.is_asked_for(line));
        visit.digest = Some("sha256:ab".to_owned());
        assert!(visit.is_asked_for(line));
        assert!(!visit.is_asked_for("PUT /v2/bare?digest=sha256:abc HTTP/1.1"));
        assert!(!visit.is_asked_for("PUT /v2/bare HTTP/1.1"));
    }
}
