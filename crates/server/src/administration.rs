//! The commands that ask a running server: clients of the administration API (`EcruAdmin`), signed with the root
//! access key. `verify --offline` asks nobody and opens the store itself.
//!
//! - [`audit`]: `audit verify`, which reads files unless it is told to ask
//! - `exchange`: one request and its answer
//! - `explained`: a decision and its reasons, for a person to read
//! - `pinned`: TLS to a server whose certificate is at hand
//! - `signature`: Signature Version 4

pub mod audit;
mod exchange;
mod explained;
mod pinned;
mod signature;

use std::fmt;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use ecru_key_store::credentials;
use ecru_ports::Clock as _;
use ecru_services::verification::VerifyRequest;
use serde_json::{Value, json};

use crate::command_line::{AdministrationArgs, ExplainArgs, OidcKeysArgs, VerifyArgs};
use crate::configuration::StoreConfig;
use crate::open_store;
use crate::outside::SystemClock;
use exchange::Place;
use signature::Signer;

/// The longest file of keys that is read, in bytes.
const LARGEST_KEYS: u64 = 64 * 1_024;

/// Verifies the store and prints what was found. Whether nothing is wrong.
///
/// # Errors
/// The server, or the store, cannot be asked.
pub async fn verify(args: &VerifyArgs) -> Result<bool> {
    let config =
        StoreConfig::from_args(&args.administration.store, |name| std::env::var(name).ok())?;
    let mut counts = Counts::default();
    if args.offline {
        let store = open_store::open(&config).await?;
        let request = VerifyRequest {
            repair: args.repair,
        };
        let report = store.services.verification.verify_offline(request).await?;
        counts.take(&report_value(report));
    } else {
        verify_online(args, &config, &mut counts).await?;
    }
    println!("{counts}");
    Ok(counts.problems == 0)
}

/// Asks for one page after the other, so that no request takes long and a person sees how far it is.
async fn verify_online(args: &VerifyArgs, config: &StoreConfig, counts: &mut Counts) -> Result<()> {
    let is_watched = std::io::stderr().is_terminal();
    let mut next = Value::Null;
    loop {
        let input = json!({ "repair": args.repair, "from": next });
        let page = ask(&args.administration, config, "Verify", &input).await?;
        counts.take(&page);
        next = page["next"].clone();
        if next.is_null() {
            return Ok(());
        }
        if is_watched {
            eprintln!("{counts} so far");
        }
    }
}

/// Ends every token.
///
/// # Errors
/// The server cannot be asked, or refuses.
pub async fn revoke_tokens(args: &AdministrationArgs) -> Result<()> {
    let config = StoreConfig::from_args(&args.store, |name| std::env::var(name).ok())?;
    ask(args, &config, "RevokeTokens", &json!({})).await?;
    println!("every authorization token, session, page token and layer link has ended");
    Ok(())
}

/// Asks why a request would be allowed or denied, and prints it. Whether it would be allowed.
///
/// # Errors
/// The server cannot be asked, or refuses.
pub async fn explain(args: &ExplainArgs) -> Result<bool> {
    let config =
        StoreConfig::from_args(&args.administration.store, |name| std::env::var(name).ok())?;
    let input = json!({
        "principal": args.principal,
        "action": args.action,
        "resource": args.resource,
        "context": explained::context_of(&args.context)?,
    });
    let answer = ask(&args.administration, &config, "Explain", &input).await?;
    if args.json {
        println!("{answer:#}");
    } else {
        print!("{}", explained::rendered(&answer));
    }
    Ok(answer["decision"]["outcome"] == "allowed")
}

/// Gives the server the keys of a provider of identities, or takes them back.
///
/// # Errors
/// The file cannot be read, the server cannot be asked, or refuses.
pub async fn put_oidc_keys(args: &OidcKeysArgs) -> Result<()> {
    let store = &args.administration.store;
    let config = StoreConfig::from_args(store, |name| std::env::var(name).ok())?;
    let keys = match &args.file {
        Some(path) => Some(read_keys(path)?),
        None => None,
    };
    let input = json!({ "provider": args.provider, "keys": keys });
    ask(&args.administration, &config, "PutOidcProviderKeys", &input).await?;
    let told = match keys {
        Some(_) => "tokens of the provider are checked with these keys",
        None => "the provider is asked for its keys",
    };
    println!("{told}");
    Ok(())
}

fn read_keys(path: &Path) -> Result<String> {
    let length = std::fs::metadata(path)
        .with_context(|| path.display().to_string())?
        .len();
    if length > LARGEST_KEYS {
        bail!("{} is longer than {LARGEST_KEYS} bytes", path.display());
    }
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

async fn ask(
    args: &AdministrationArgs,
    config: &StoreConfig,
    operation: &str,
    input: &Value,
) -> Result<Value> {
    let pair = match &config.root_key {
        Some(pair) => pair.clone(),
        None => credentials::read(&config.keys)?.with_context(|| {
            let path = credentials::path(&config.keys);
            format!(
                "no root credentials: neither in the environment nor in {}",
                path.display()
            )
        })?,
    };
    let place = Place {
        server: args.listen,
        certificate: args.tls_cert.as_deref(),
    };
    let signer = Signer {
        pair: &pair,
        region: config.home.region.as_str(),
        now: SystemClock.now(),
    };
    let answer = exchange::call(place, &signer, operation, input.to_string().as_bytes()).await?;
    let body: Value = serde_json::from_slice(&answer.body).context(
        "the answer is not JSON: if the server speaks TLS, name its certificate with --tls-cert",
    )?;
    if answer.status != 200 {
        let message = body["message"]
            .as_str()
            .or(body["Message"].as_str())
            .unwrap_or("no reason given");
        bail!(
            "{operation} was refused with status {}: {message}",
            answer.status
        );
    }
    Ok(body)
}

/// The report as the administration API writes it.
fn report_value(report: ecru_services::verification::VerifyReport) -> Value {
    let problems = report.problems.into_iter().map(|problem| {
        json!({
            "what": problem.what,
            "object": problem.object,
            "repository": problem.repository,
            "digest": problem.digest,
            "quarantined": problem.quarantined,
        })
    });
    json!({
        "objects": report.objects,
        "bytes": report.bytes,
        "manifests": report.manifests,
        "problemCount": report.problem_count,
        "problems": problems.collect::<Vec<_>>(),
    })
}

/// What was verified, and how much of it is not as it must be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    objects: u64,
    bytes: u64,
    manifests: u64,
    problems: u64,
}

impl Counts {
    /// Adds a report, whose problems are printed.
    fn take(&mut self, report: &Value) {
        print!("{}", rendered(report));
        for (sum, name) in [
            (&mut self.objects, "objects"),
            (&mut self.bytes, "bytes"),
            (&mut self.manifests, "manifests"),
            (&mut self.problems, "problemCount"),
        ] {
            *sum += report[name].as_u64().unwrap_or_default();
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [objects, bytes, manifests, problems] = [
            (self.objects, "object"),
            (self.bytes, "byte"),
            (self.manifests, "manifest"),
            (self.problems, "problem"),
        ]
        .map(|(count, noun)| counted(count, noun));
        write!(f, "read {objects} ({bytes}) and {manifests}: {problems}")
    }
}

/// The problems of a report, one on a line.
fn rendered(report: &Value) -> String {
    let mut text = String::new();
    // writing to a String cannot fail
    for problem in report["problems"].as_array().into_iter().flatten() {
        text.push_str(problem["what"].as_str().unwrap_or("damage"));
        for part in ["repository", "digest", "object"] {
            if let Some(value) = problem[part].as_str() {
                write!(text, ", {part} {value}").ok();
            }
        }
        let is_aside = problem["quarantined"] == true;
        text.push_str(if is_aside { ", set aside\n" } else { "\n" });
    }
    text
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_what_is_damaged_and_where() {
        let report = json!({
            "objects": 2, "bytes": 10, "manifests": 1, "problemCount": 1,
            "problems": [{ "what": "object bytes are corrupt", "object": "ab", "repository": "team/app", "quarantined": true }],
        });
        assert_eq!(
            rendered(&report),
            "object bytes are corrupt, repository team/app, object ab, set aside\n"
        );
        let mut counts = Counts::default();
        counts.take(&report);
        let told = "read 2 objects (10 bytes) and 1 manifest: 1 problem";
        assert_eq!(counts.to_string(), told);
        counts.take(&report);
        let told = "read 4 objects (20 bytes) and 2 manifests: 2 problems";
        assert_eq!(counts.to_string(), told);
    }
}
