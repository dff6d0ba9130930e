//! Mutation check: what must never break is broken on purpose in a copy of the sources, and a named flow must notice.
//!
//! A check that cannot fail proves nothing; this is how the run knows that its own can.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::runner;

/// One way to break the product.
struct Mutation {
    name: &'static str,
    file: &'static str,
    /// Text of the source, which must occur exactly once.
    original: &'static str,
    broken: &'static str,
    notice: Notice,
}

/// What must notice it.
enum Notice {
    /// A flow of a family, which alone must fail.
    Flow {
        family: &'static str,
        flow: &'static str,
    },
    /// The race test: no order explains what clients saw of that repository, which has its own clients.
    Races { repository: &'static str },
}

impl Notice {
    fn name(&self) -> &'static str {
        match self {
            Self::Flow { flow, .. } => flow,
            Self::Races { repository } => repository,
        }
    }
}

const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "authorization always allows",
        file: "crates/services/src/access.rs",
        original: "if decision.is_allowed() {",
        broken: "if decision.is_allowed() || !context.request_id.is_empty() {",
        notice: Notice::Flow {
            family: "authorization",
            flow: "another account's registry is refused",
        },
    },
    Mutation {
        name: "digest never compared",
        file: "crates/services/src/uploads/complete.rs",
        original: "if calculated == *digest {",
        broken: "if calculated.as_str().len() == digest.as_str().len() {",
        notice: Notice::Flow {
            family: "bad-registry",
            flow: "registry: wrong digests",
        },
    },
    Mutation {
        name: "fsync removed",
        file: "crates/blob-store/src/directory.rs",
        original: "self.file.sync_data()?;",
        broken: "",
        notice: Notice::Flow {
            family: "syncing",
            flow: "a blob, its directory and its row are synced before 201",
        },
    },
    Mutation {
        name: "collector ignores references",
        file: "crates/services/src/collection.rs",
        original: "found.referenced_as.is_none() && found.layer.idle_since",
        broken: "found.layer.idle_since",
        notice: Notice::Flow {
            family: "collection",
            flow: "collection takes what nothing refers to, and that alone",
        },
    },
    Mutation {
        name: "a manifest outlives its tag's move",
        file: "crates/services/src/images.rs",
        original: "self.manifests.put(generation, place, found.clone(), weight);",
        broken: "self.manifests.put(self.store.generation().await, place, found.clone(), weight);",
        notice: Notice::Races {
            repository: "races/hot",
        },
    },
];

/// How long the race test may look for what was broken, in seconds.
const RACE_SECONDS: &str = "60";

/// Runs all mutations and returns whether each was noticed.
///
/// # Errors
/// When the sources cannot be copied, or a text to replace is not found exactly once.
pub(crate) fn run() -> Result<bool> {
    let copy = Copy::of_workspace()?;
    for mutation in MUTATIONS {
        copy.check(mutation)?;
    }
    let mut missed = 0;
    for mutation in MUTATIONS {
        let started = Instant::now();
        let outcome = copy.with(mutation, || copy.notices(mutation))?;
        let seconds = started.elapsed().as_secs();
        match outcome {
            Ok(()) => println!(
                "noticed  {:<32} by \"{}\" ({seconds} s)",
                mutation.name,
                mutation.notice.name()
            ),
            Err(error) => {
                missed += 1;
                println!("MISSED   {:<32} {error:#} ({seconds} s)", mutation.name);
            }
        }
    }
    println!(
        "mutations: {} passed, {missed} failed",
        MUTATIONS.len() - missed
    );
    Ok(missed == 0)
}

/// A copy of the sources, built into a directory of its own: cargo names what it builds without regard to where the
/// sources are, so in a shared one a broken build would pass for the real one.
struct Copy {
    root: TempDir,
    target: TempDir,
}

impl Copy {
    fn of_workspace() -> Result<Self> {
        let listed = Command::new("git")
            .args([
                "ls-files",
                "--cached",
                "--others",
                "--exclude-standard",
                "-z",
            ])
            .output()
            .context("git cannot be started")?;
        ensure!(listed.status.success(), "git lists no files");
        let root = tempfile::Builder::new()
            .prefix("ecru-mutation-")
            .tempdir()?;
        let names = String::from_utf8(listed.stdout)?;
        for name in names
            .split('\0')
            .filter(|name| !name.is_empty() && Path::new(name).is_file())
        {
            let target = root.path().join(name);
            let parent = target.parent().context("a file without a directory")?;
            fs::create_dir_all(parent)?;
            fs::copy(name, &target).with_context(|| name.to_owned())?;
        }
        let target = seeded_target()?;
        Ok(Self { root, target })
    }

    /// Requires that the text to replace is there exactly once.
    fn check(&self, mutation: &Mutation) -> Result<()> {
        let text =
            fs::read_to_string(self.path(mutation)).with_context(|| mutation.file.to_owned())?;
        let count = text.matches(mutation.original).count();
        if count != 1 {
            bail!(
                "{}: {count} places in {} read `{}`",
                mutation.name,
                mutation.file,
                mutation.original
            );
        }
        Ok(())
    }

    /// Does something while the source is broken.
    fn with<T>(&self, mutation: &Mutation, deed: impl FnOnce() -> T) -> Result<T> {
        let path = self.path(mutation);
        let text = fs::read_to_string(&path)?;
        fs::write(&path, text.replace(mutation.original, mutation.broken))?;
        let outcome = deed();
        fs::write(&path, text)?;
        Ok(outcome)
    }

    /// Builds the broken server and requires that the named flow fails.
    fn notices(&self, mutation: &Mutation) -> Result<()> {
        let build = [
            "build",
            "--quiet",
            "--message-format",
            "short",
            "--package",
            "ecru-server",
        ];
        let built = self.cargo(&build)?;
        let errors = String::from_utf8_lossy(&built.stderr).into_owned();
        let first = errors.lines().find(|line| line.contains("error"));
        ensure!(
            built.status.success(),
            "it does not build: {}",
            first.unwrap_or_default()
        );
        match mutation.notice {
            Notice::Flow { family, flow } => self.flow_notices(family, flow),
            Notice::Races { repository } => self.races_notice(repository),
        }
    }

    fn flow_notices(&self, family: &str, flow: &str) -> Result<()> {
        let output = self.run(&[family])?;
        let failed = output
            .lines()
            .any(|line| line.starts_with("FAIL") && line.contains(flow));
        // A server that does not even start would fail every flow and prove nothing.
        let others = output
            .lines()
            .any(|line| line.starts_with("pass") && !line.contains("harness"));
        ensure!(failed && others, "\"{flow}\" did not fail alone:\n{output}");
        Ok(())
    }

    fn races_notice(&self, repository: &str) -> Result<()> {
        let output = self.run(&["races", "--clients", "0", "--seconds", RACE_SECONDS])?;
        let expected = format!("{repository}: nothing explains");
        ensure!(output.contains(&expected), "no such problem:\n{output}");
        Ok(())
    }

    /// What a run of the tests prints.
    fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut whole = vec!["run", "--quiet", "--package", "ecru-e2e", "--"];
        whole.extend(arguments);
        let ran = self.cargo(&whole)?;
        Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
    }

    fn cargo(&self, arguments: &[&str]) -> Result<Output> {
        Command::new("cargo")
            .args(arguments)
            .env("CARGO_TARGET_DIR", self.target.path())
            .current_dir(self.root.path())
            .output()
            .context("cargo cannot be started")
    }

    fn path(&self, mutation: &Mutation) -> PathBuf {
        self.root.path().join(mutation.file)
    }
}

/// A target directory that shares the libraries of others that were built before, and nothing of this workspace.
fn seeded_target() -> Result<TempDir> {
    let known = runner::target_directory()?;
    fs::create_dir_all(&known)?;
    let target = tempfile::Builder::new()
        .prefix("mutation-")
        .tempdir_in(&known)?;
    for part in ["deps", "build", ".fingerprint"] {
        let source = known.join("debug").join(part);
        if source.try_exists()? {
            link_foreign(&source, &target.path().join("debug").join(part))?;
        }
    }
    Ok(target)
}

fn link_foreign(source: &Path, target: &Path) -> Result<()> {
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if ["ecru", "libecru", "xtask"]
            .iter()
            .any(|ours| text.starts_with(ours))
        {
            continue;
        }
        if entry.file_type()?.is_dir() {
            link_foreign(&entry.path(), &target.join(&name))?;
        } else {
            fs::hard_link(entry.path(), target.join(&name))?;
        }
    }
    Ok(())
}
