//! `ecru audit verify`: reads the files of the audit log, and compares them with what the metadata store knows.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use ecru_ports::{AuditHead, AuditReport};
use ecru_services::audit;
use serde_json::{Value, json};

use super::{ask, counted};
use crate::command_line::AuditVerifyArgs;
use crate::configuration::StoreConfig;
use crate::data_directory::{DataDirectory, DataDirectoryError};
use crate::open_store;

/// Verifies the audit log and prints what was found. Whether nothing is wrong.
///
/// # Errors
/// The log cannot be read, or the server cannot be asked.
pub async fn verify(args: &AuditVerifyArgs) -> Result<bool> {
    let config =
        StoreConfig::from_args(&args.administration.store, |name| std::env::var(name).ok())?;
    let report = if args.online {
        let answer = ask(&args.administration, &config, "VerifyAudit", &json!({})).await?;
        read(&answer)
    } else {
        verify_files(&config).await?
    };
    print!("{}", rendered(&report));
    Ok(report.problem_count == 0)
}

async fn verify_files(config: &StoreConfig) -> Result<AuditReport> {
    let lock = match DataDirectory::open(&config.data) {
        Ok(lock) => Some(lock),
        Err(DataDirectoryError::InUse(_) | DataDirectoryError::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let heads = match &lock {
        Some(_) => known_heads(config).await?,
        None => None,
    };
    let directory = &config.audit.directory;
    let report = ecru_audit_log::verify(directory, heads.as_deref().unwrap_or_default(), None);
    let mut report = report.with_context(|| format!("the audit log in {}", directory.display()))?;
    if heads.is_none() {
        report.note(
            "the metadata store is in use or not here: whether the end is cut off was not looked at. \
             A running server looks with --online",
        );
    }
    Ok(report)
}

/// The heads that the store knows; `None` if there is no store.
async fn known_heads(config: &StoreConfig) -> Result<Option<Vec<AuditHead>>> {
    match open_store::metadata(config).await? {
        Some(metadata) => Ok(Some(audit::heads(&metadata).await?)),
        None => Ok(None),
    }
}

/// Reads the answer of the administration API.
fn read(answer: &Value) -> AuditReport {
    let number = |name: &str| answer[name].as_u64().unwrap_or_default();
    let texts = |name: &str| {
        let items = answer[name].as_array().into_iter().flatten();
        let texts = items.filter_map(Value::as_str).map(str::to_owned);
        texts.collect()
    };
    AuditReport {
        files: number("files"),
        lines: number("lines"),
        problems: texts("problems"),
        problem_count: number("problemCount"),
        notes: texts("notes"),
    }
}

fn rendered(report: &AuditReport) -> String {
    let mut text = String::new();
    // writing to a String cannot fail
    for problem in &report.problems {
        writeln!(text, "problem: {problem}").ok();
    }
    for note in &report.notes {
        writeln!(text, "note: {note}").ok();
    }
    let [files, lines, problems] = [
        (report.files, "file"),
        (report.lines, "line"),
        (report.problem_count, "problem"),
    ]
    .map(|(count, noun)| counted(count, noun));
    writeln!(text, "read {lines} in {files}: {problems}").ok();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_problems_notes_and_counts() {
        let answer = json!({
            "files": 1, "lines": 20, "problemCount": 1,
            "problems": ["a1, file 1: line 5 is missing"], "notes": ["a1 begins here"],
        });
        assert_eq!(
            rendered(&read(&answer)),
            "problem: a1, file 1: line 5 is missing\nnote: a1 begins here\nread 20 lines in 1 file: 1 problem\n"
        );
    }
}
