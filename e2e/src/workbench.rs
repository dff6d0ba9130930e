//! Scratch directory of one run: captured output, secrets that must not show up in it, and the client tools.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::docker::Daemon;

/// A secret shorter than this would be found by chance.
const SHORTEST_SECRET: usize = 12;

/// Everything that outlives a single server of the run.
pub(crate) struct Workbench {
    /// Before the scratch directory, so that it has ended when its files are removed.
    containerd_store: OnceCell<Daemon>,
    scratch: TempDir,
    tools: PathBuf,
    /// The server binary under test.
    pub(crate) binary: PathBuf,
    /// `PostgreSQL` server for metadata, when not `SQLite`.
    pub(crate) postgres: Option<String>,
    secrets: RefCell<BTreeSet<String>>,
    counter: Cell<u32>,
}

impl Workbench {
    /// Creates the scratch directory.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub(crate) fn create(binary: PathBuf, postgres: Option<String>) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("ecru-e2e-").tempdir()?;
        for folder in ["outputs", "private"] {
            fs::create_dir(scratch.path().join(folder))?;
        }
        Ok(Self {
            containerd_store: OnceCell::new(),
            scratch,
            tools: tools_directory()?,
            binary,
            postgres,
            secrets: RefCell::default(),
            counter: Cell::new(0),
        })
    }

    /// A fresh directory for one server and its clients.
    pub(crate) fn directory(&self, purpose: &str) -> Result<PathBuf> {
        let path = self.path().join(format!("{:03}-{purpose}", self.next()));
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// Where captured output goes. Everything below is searched for secrets at the end.
    pub(crate) fn output_file(&self, purpose: &str) -> PathBuf {
        let number = self.next();
        self.path()
            .join("outputs")
            .join(format!("{number:04}-{purpose}.txt"))
    }

    /// A file for input or output that is a secret by its purpose; never searched.
    pub(crate) fn private_file(&self, purpose: &str) -> PathBuf {
        let number = self.next();
        self.path()
            .join("private")
            .join(format!("{number:04}-{purpose}"))
    }

    /// Remembers a value that must appear in no captured output.
    pub(crate) fn remember_secret(&self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            self.secrets.borrow_mut().insert(secret.to_owned());
        }
    }

    /// Captured files, and the audit logs of all servers.
    fn searched(&self) -> Result<Vec<PathBuf>> {
        let mut places = vec![self.path().join("outputs")];
        for entry in fs::read_dir(self.path())? {
            let audit = entry?.path().join("data/audit");
            if audit.is_dir() {
                places.push(audit);
            }
        }
        let mut files = Vec::new();
        for place in places {
            for entry in fs::read_dir(place)? {
                files.push(entry?.path());
            }
        }
        files.sort();
        Ok(files)
    }

    /// Searched files in which a remembered secret appears.
    pub(crate) fn leaks(&self) -> Result<Vec<PathBuf>> {
        let secrets = self.secrets.borrow();
        let mut leaking = Vec::new();
        for path in self.searched()? {
            let text = fs::read(&path)?;
            if secrets
                .iter()
                .any(|secret| contains(&text, secret.as_bytes()))
            {
                leaking.push(path);
            }
        }
        Ok(leaking)
    }

    /// How many secrets and captured files the search covers, so that an empty search cannot pass.
    pub(crate) fn search_extent(&self) -> Result<(usize, usize)> {
        let files = fs::read_dir(self.path().join("outputs"))?.count();
        Ok((self.secrets.borrow().len(), files))
    }

    /// `PATH` for clients: the installed tools first.
    pub(crate) fn search_path(&self) -> Result<OsString> {
        let inherited = std::env::var_os("PATH").context("PATH is not set")?;
        let ours = [self.tools.join("bin"), self.tools.join("venv/bin")];
        let all = ours.into_iter().chain(std::env::split_paths(&inherited));
        Ok(std::env::join_paths(all)?)
    }

    /// The docker daemon with containerd's image store, started when it is first asked for.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn containerd_store(&self) -> Result<&Daemon> {
        if let Some(daemon) = self.containerd_store.get() {
            return Ok(daemon);
        }
        let daemon = Daemon::start(self, &self.tools.join("bin/dockerd"))?;
        Ok(self.containerd_store.get_or_init(|| daemon))
    }

    /// Root of the scratch directory.
    pub(crate) fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// Leaves the scratch directory behind and says where it is.
    pub(crate) fn keep(self) -> PathBuf {
        self.scratch.keep()
    }

    fn next(&self) -> u32 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }
}

/// Whether `needle` occurs in `haystack`.
pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((&first, rest)) = needle.split_first() else {
        return true;
    };
    let mut from = 0;
    while let Some(found) = haystack[from..].iter().position(|&byte| byte == first) {
        let after = from + found + 1;
        if haystack[after..].starts_with(rest) {
            return true;
        }
        from = after;
    }
    false
}

fn tools_directory() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ECRU_E2E_TOOLS") {
        return Ok(PathBuf::from(path));
    }
    if let Some(cache) = std::env::var_os("XDG_CACHE_HOME") {
        return Ok(PathBuf::from(cache).join("ecru-e2e"));
    }
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    Ok(PathBuf::from(home).join(".cache/ecru-e2e"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_finds_a_needle_wherever_it_is() {
        let cases = [
            ("abcabd", "abd", true),
            ("aab", "ab", true),
            ("abc", "abcd", false),
            ("", "a", false),
        ];
        for (haystack, needle, expected) in cases {
            assert_eq!(
                contains(haystack.as_bytes(), needle.as_bytes()),
                expected,
                "{needle} in {haystack}"
            );
        }
    }

    #[test]
    fn a_secret_in_a_captured_output_is_reported() {
        let bench = Workbench::create(PathBuf::from("ecru"), None).unwrap();
        bench.remember_secret("a-secret-of-the-run");
        fs::write(bench.output_file("clean"), "nothing here").unwrap();
        assert!(bench.leaks().unwrap().is_empty());
        let leaking = bench.output_file("leaking");
        fs::write(&leaking, "log: a-secret-of-the-run\n").unwrap();
        assert_eq!(bench.leaks().unwrap(), [leaking]);
    }
}
