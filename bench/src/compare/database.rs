//! PostgreSQL under Ecru: a database for each pass, and what `pgbench` reaches in one on the same
//! server. Both are asked through the programs that come with PostgreSQL.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// Connections of `pgbench`, as many as of the rows that are set beside it.
const CLIENTS: &str = "16";
/// Threads of `pgbench`.
const THREADS: &str = "2";
/// A durable insert of about the size of an image: a key, a digest and a manifest of 1.5 KiB.
const INSERT: &str = "\
INSERT INTO ecru_bench (id, digest, body) VALUES (gen_random_uuid(), \
decode(md5(random()::text), 'hex'), convert_to(repeat('x', 1536), 'UTF8'));
";
const TABLE: &str = "CREATE TABLE ecru_bench (id uuid PRIMARY KEY, digest bytea, body bytea)";

/// A database that is dropped with its value.
pub(crate) struct Database {
    server: String,
    name: String,
    /// Where it is.
    pub(crate) url: String,
}

impl Database {
    /// Makes a database on the server of `url`, whose own database is left alone.
    ///
    /// # Errors
    /// A URL without a database, a program that is not there, a refusal.
    pub(crate) fn create(url: &str, name: &str) -> anyhow::Result<Self> {
        let name = format!("ecru_bench_{}_{name}", std::process::id());
        sql(url, &format!("CREATE DATABASE {name}"))?;
        Ok(Self {
            url: with_database(url, &name)?,
            server: url.to_owned(),
            name,
        })
    }

    /// Makes the table that [`Database::inserts`] writes to and those of `pgbench`.
    ///
    /// # Errors
    /// A refusal.
    pub(super) fn prepare(&self) -> anyhow::Result<()> {
        sql(&self.url, TABLE)?;
        let arguments = ["--initialize", "--quiet", "--scale", "10"];
        output(Command::new("pgbench").args(arguments).arg(&self.url)).map(drop)
    }

    /// Look-ups by key a second (`pgbench --select-only`).
    ///
    /// # Errors
    /// A refusal.
    pub(super) fn selects(&self, seconds: u64) -> anyhow::Result<f64> {
        self.transactions(seconds, &["--select-only"])
    }

    /// Durable inserts a second. The script is kept in `home` meanwhile.
    ///
    /// # Errors
    /// A refusal.
    pub(super) fn inserts(&self, home: &Path, seconds: u64) -> anyhow::Result<f64> {
        let script = home.join("insert.sql");
        fs::write(&script, INSERT)?;
        let script = script.to_str().context("the path is no text")?;
        self.transactions(seconds, &["--file", script])
    }

    fn transactions(&self, seconds: u64, script: &[&str]) -> anyhow::Result<f64> {
        let mut command = Command::new("pgbench");
        command
            .args(["--no-vacuum", "--protocol", "prepared"])
            .args(["--client", CLIENTS, "--jobs", THREADS])
            .args(["--time", &seconds.to_string()])
            .args(script)
            .arg(&self.url);
        rate(&output(&mut command)?)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        if let Err(error) = sql(&self.server, &statement) {
            eprintln!("{statement}: {error:#}");
        }
    }
}

/// The same URL with another database.
fn with_database(url: &str, name: &str) -> anyhow::Result<String> {
    let (place, options) = url.split_once('?').unwrap_or((url, ""));
    let (_, rest) = place.split_once("://").context("the URL has no scheme")?;
    let (server, database) = rest.rsplit_once('/').context("the URL names no database")?;
    ensure!(!database.is_empty(), "the URL names no database");
    let scheme = &place[..place.len() - rest.len()];
    let options = if options.is_empty() {
        String::new()
    } else {
        format!("?{options}")
    };
    Ok(format!("{scheme}{server}/{name}{options}"))
}

fn sql(url: &str, statement: &str) -> anyhow::Result<()> {
    let mut command = Command::new("psql");
    command
        .args(["--no-psqlrc", "--quiet", "--dbname", url])
        .args(["--command", statement]);
    output(&mut command).map(drop)
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {name}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {}", errors.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `tps = 14995.1 (without initial connection time)`
fn rate(text: &str) -> anyhow::Result<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))
        .context("pgbench gave no rate")?;
    let number = line.split_whitespace().next().unwrap_or_default();
    number.parse().context("the rate of pgbench is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_the_url_changes() {
        let cases = [
            ("postgres://u:p@h:1/db", Some("postgres://u:p@h:1/new")),
            ("postgres://h/db?a=/b", Some("postgres://h/new?a=/b")),
            ("postgres://h/", None),
            ("postgres://h", None),
            ("h/db", None),
        ];
        for (url, wanted) in cases {
            assert_eq!(with_database(url, "new").ok().as_deref(), wanted, "{url}");
        }
    }

    #[test]
    fn the_rate_is_that_without_connecting() {
        let text = "latency average = 1.0 ms\n\
                    tps = 14995.25 (without initial connection time)\n";
        assert!((rate(text).unwrap() - 14995.25).abs() < 1e-9);
        assert!(rate("nothing").is_err());
    }
}
