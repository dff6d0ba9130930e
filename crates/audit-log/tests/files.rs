//! The suite of the port on files, and what only files can show: changes by others, crashes, rotation.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ecru_audit_log::{AuditLog, OpenError, Options, verify};
use ecru_domain::Timestamp;
use ecru_ports::conformance::audit::audit_suite;
use ecru_ports::{AuditHead, AuditReport, AuditTrail, Clock, Ids};
use tempfile::TempDir;

struct Fixed(AtomicU64);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }
}

impl Ids for Fixed {
    fn random(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::SeqCst)).to_le_bytes()
    }
}

fn open(directory: &Path, max_file_bytes: u64, heads: Vec<AuditHead>) -> AuditLog {
    try_open(directory, max_file_bytes, heads).unwrap()
}

fn try_open(
    directory: &Path,
    max_file_bytes: u64,
    heads: Vec<AuditHead>,
) -> Result<AuditLog, OpenError> {
    let options = Options {
        directory: directory.to_owned(),
        max_file_bytes,
        patience: Duration::from_secs(30),
        heads,
    };
    let fixed = Arc::new(Fixed(AtomicU64::new(0)));
    AuditLog::open(&options, fixed.clone(), &*fixed)
}

const LARGE: u64 = 64 * 1_024 * 1_024;

async fn write(log: &AuditLog, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let line = format!("{{\"eventName\":\"PutImage\",\"number\":{number}}}");
        log.write(line.into_bytes()).await.unwrap();
    }
}

/// A log of two files and some lines, whose head is known.
async fn two_files() -> (TempDir, AuditHead) {
    let directory = TempDir::new().unwrap();
    let log = open(directory.path(), LARGE, Vec::new());
    write(&log, 0..10).await;
    drop(log);
    let log = open(directory.path(), LARGE, Vec::new());
    write(&log, 10..20).await;
    let head = log.head();
    drop(log);
    (directory, head)
}

fn paths(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    paths.sort();
    paths
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn put(path: &Path, lines: &[String]) {
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

fn report(directory: &Path, head: &AuditHead) -> AuditReport {
    verify(directory, std::slice::from_ref(head), None).unwrap()
}

fn assert_told(directory: &Path, head: &AuditHead, told: &[&str]) {
    let report = report(directory, head);
    assert_eq!(report.problems.len(), told.len(), "{report:#?}");
    for (problem, told) in report.problems.iter().zip(told) {
        assert!(problem.contains(told), "{problem} does not tell {told}");
    }
}

#[tokio::test]
async fn files_keep_the_contract() {
    let directory = TempDir::new().unwrap();
    audit_suite(|| open(directory.path(), LARGE, Vec::new())).await;
}

#[tokio::test]
async fn what_nobody_touched_has_no_problem_and_is_private() {
    let (directory, head) = two_files().await;
    let report = report(directory.path(), &head);
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!((report.files, report.lines), (2, 22));
    for path in paths(directory.path()) {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for line in lines(&path) {
            serde_json::from_str::<serde_json::Value>(&line).unwrap();
        }
    }
}

#[tokio::test]
async fn an_edited_line_shows() {
    for file in 0..2 {
        let (directory, head) = two_files().await;
        let path = &paths(directory.path())[file];
        let mut lines = lines(path);
        lines[4] = lines[4].replace("PutImage", "GetImage");
        put(path, &lines);
        assert_told(directory.path(), &head, &["line 5 is not what was written"]);
    }
}

#[tokio::test]
async fn a_removed_line_shows() {
    let (directory, head) = two_files().await;
    let path = &paths(directory.path())[0];
    let mut lines = lines(path);
    lines.remove(4);
    put(path, &lines);
    assert_told(directory.path(), &head, &["line 5 is missing"]);
}

#[tokio::test]
async fn exchanged_and_repeated_lines_show() {
    let (directory, head) = two_files().await;
    let path = &paths(directory.path())[1];
    let mut lines = lines(path);
    lines.swap(4, 5);
    put(path, &lines);
    assert!(report(directory.path(), &head).problem_count >= 2);
    lines.swap(4, 5);
    lines.insert(4, lines[4].clone());
    put(path, &lines);
    assert!(report(directory.path(), &head).problem_count >= 1);
}

#[tokio::test]
async fn a_cut_tail_shows() {
    for (file, told) in [(0, "10 lines"), (1, "at least 11 lines")] {
        let (directory, head) = two_files().await;
        let path = &paths(directory.path())[file];
        let mut lines = lines(path);
        lines.truncate(8);
        put(path, &lines);
        let found = report(directory.path(), &head);
        assert_eq!(found.problem_count, 1, "{found:#?}");
        let told = told.replace("10 lines", "had 11 lines");
        assert!(found.problems[0].contains(&told), "{found:#?}");
    }
}

#[tokio::test]
async fn a_tail_cut_while_nobody_ran_shows_after_the_next_start() {
    let (directory, head) = two_files().await;
    let path = &paths(directory.path())[1];
    let mut kept = lines(path);
    kept.truncate(8);
    put(path, &kept);
    let log = open(directory.path(), LARGE, vec![head]);
    write(&log, 20..22).await;
    let head = log.head();
    drop(log);
    assert_told(directory.path(), &head, &["lines were missing at its end"]);
}

#[tokio::test]
async fn a_newest_file_taken_away_shows_before_and_after_the_next_start() {
    let (directory, head) = two_files().await;
    fs::remove_file(&paths(directory.path())[1]).unwrap();
    assert_told(directory.path(), &head, &["the newest file here is 1"]);
    let log = open(directory.path(), LARGE, vec![head]);
    write(&log, 20..22).await;
    let head = log.head();
    drop(log);
    assert_eq!(head.sequence, 3);
    assert_told(directory.path(), &head, &["from 2 to 2 are missing"]);
}

#[tokio::test]
async fn swapped_files_show() {
    let (directory, head) = two_files().await;
    let paths = paths(directory.path());
    let [first, second] = [0, 1].map(|file| fs::read(&paths[file]).unwrap());
    fs::write(&paths[0], second).unwrap();
    fs::write(&paths[1], first).unwrap();
    let report = report(directory.path(), &head);
    let told = "it was written as file 2";
    assert!(report.problems.iter().any(|one| one.contains(told)));
}

#[tokio::test]
async fn a_middle_file_taken_away_shows_and_an_oldest_does_not() {
    let (directory, _) = two_files().await;
    let log = open(directory.path(), LARGE, Vec::new());
    write(&log, 20..22).await;
    let head = log.head();
    drop(log);
    let paths = paths(directory.path());
    let aside = directory.path().join("aside");
    fs::rename(&paths[1], &aside).unwrap();
    assert_told(directory.path(), &head, &["from 2 to 2 are missing"]);
    fs::rename(&aside, &paths[1]).unwrap();
    fs::remove_file(&paths[0]).unwrap();
    let report = report(directory.path(), &head);
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(report.notes[0].contains("begins with this file"));
}

#[tokio::test]
async fn all_files_taken_away_show() {
    let (directory, head) = two_files().await;
    for path in paths(directory.path()) {
        fs::remove_file(path).unwrap();
    }
    assert_told(directory.path(), &head, &["no file is here"]);
}

#[tokio::test]
async fn a_chain_written_anew_from_some_line_on_does_not_fit_its_head() {
    let (directory, head) = two_files().await;
    let (other, _) = two_files().await;
    let [mine, theirs] = [&directory, &other].map(|one| paths(one.path()));
    // the same node and beginning, other lines: a chain that is right in itself
    fs::remove_file(&theirs[1]).unwrap();
    let log = open(other.path(), LARGE, Vec::new());
    write(&log, 30..40).await;
    drop(log);
    fs::copy(&theirs[1], &mine[1]).unwrap();
    let told = "it is not what the metadata store knows";
    assert_told(directory.path(), &head, &[told]);
}

#[tokio::test]
async fn a_line_that_a_crash_left_unfinished_is_closed_by_the_next_file() {
    for rest in [
        &b"{\"eventName\":\"Put"[..],
        &[0; 5_000],
        b"{}\n{\"x\":1}\n",
    ] {
        let (directory, head) = two_files().await;
        let path = &paths(directory.path())[1];
        let mut text = fs::read(path).unwrap();
        text.extend_from_slice(rest);
        fs::write(path, &text).unwrap();
        let log = open(directory.path(), LARGE, vec![head]);
        write(&log, 20..22).await;
        let head = log.head();
        drop(log);
        let report = report(directory.path(), &head);
        assert_eq!(report.problems, Vec::<String>::new());
        let told = format!("{} bytes at its end were never acknowledged", rest.len());
        assert!(report.notes[0].contains(&told), "{report:#?}");
        assert_eq!(fs::read(path).unwrap(), text, "it stays as it was");
    }
}

/// What a loss of power may leave: the files as they were synced, or any part of what was written since.
#[tokio::test]
async fn what_a_loss_of_power_takes_from_the_file_comes_back_from_the_journal() {
    let directory = TempDir::new().unwrap();
    let log = open(directory.path(), LARGE, Vec::new());
    let begun = fs::read(&paths(directory.path())[0]).unwrap().len();
    write(&log, 0..10).await;
    let head = log.head();
    let whole = fs::read(&paths(directory.path())[0]).unwrap();
    for kept in [
        begun,
        begun + 1,
        usize::midpoint(begun, whole.len()),
        whole.len() - 1,
    ] {
        for garbage in [0, 7, whole.len()] {
            let crashed = TempDir::new().unwrap();
            for entry in fs::read_dir(directory.path()).unwrap() {
                let from = entry.unwrap().path();
                fs::copy(&from, crashed.path().join(from.file_name().unwrap())).unwrap();
            }
            let mut text = whole[..kept].to_vec();
            text.resize(kept + garbage, 0);
            fs::write(&paths(crashed.path())[0], &text).unwrap();
            let again = open(crashed.path(), LARGE, vec![head.clone()]);
            let restored = fs::read(&paths(crashed.path())[0]).unwrap();
            assert_eq!(restored[..whole.len()], whole, "{kept} {garbage}");
            write(&again, 10..12).await;
            let head = again.head();
            drop(again);
            let report = report(crashed.path(), &head);
            assert_eq!(report.problems, Vec::<String>::new(), "{kept} {garbage}");
            assert_eq!(report.lines, 11 + 3);
        }
    }
}

/// Lines of a write that was never acknowledged may stand in the journal in part: they are not taken for whole.
#[tokio::test]
async fn a_journal_is_believed_as_far_as_its_chain_goes() {
    let directory = TempDir::new().unwrap();
    let log = open(directory.path(), LARGE, Vec::new());
    write(&log, 0..10).await;
    let node = log.head().node;
    let whole = fs::read(&paths(directory.path())[0]).unwrap();
    let journal = fs::read(directory.path().join(format!("{node}.journal"))).unwrap();
    let written = journal.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let first = lines(&paths(directory.path())[0])[0].len() + 1;
    for torn in [0, 5, 79, 80, 200, written / 2, written - 1] {
        let crashed = TempDir::new().unwrap();
        fs::copy(directory.path().join("node"), crashed.path().join("node")).unwrap();
        let file = crashed
            .path()
            .join(paths(directory.path())[0].file_name().unwrap());
        fs::write(&file, &whole[..first]).unwrap();
        let mut torn_journal = journal.clone();
        torn_journal[torn] ^= 1;
        fs::write(crashed.path().join(format!("{node}.journal")), torn_journal).unwrap();
        drop(open(crashed.path(), LARGE, Vec::new()));
        let restored = fs::read(&file).unwrap();
        assert!(restored.len() < whole.len(), "{torn}");
        assert_eq!(restored, whole[..restored.len()], "{torn}");
        assert!(restored.ends_with(b"\n"));
    }
}

#[tokio::test]
async fn a_file_whose_first_line_was_never_finished_is_begun_again() {
    let (directory, head) = two_files().await;
    let next = paths(directory.path())[1]
        .to_string_lossy()
        .replace("0002.", "0003.");
    fs::write(&next, b"{\"eventType\":").unwrap();
    let log = open(directory.path(), LARGE, vec![head]);
    write(&log, 20..22).await;
    let head = log.head();
    drop(log);
    assert_eq!((head.sequence, head.lines), (3, 3));
    assert_told(directory.path(), &head, &[]);
}

#[tokio::test]
async fn files_are_rotated_by_size_and_the_chain_goes_on() {
    let directory = TempDir::new().unwrap();
    let log = open(directory.path(), 2_000, Vec::new());
    write(&log, 0..100).await;
    let head = log.head();
    drop(log);
    assert!(head.sequence > 5, "{head:?}");
    assert_told(directory.path(), &head, &[]);
    for path in paths(directory.path()) {
        assert!(fs::metadata(path).unwrap().len() < 2_500);
    }
}

#[tokio::test]
async fn a_node_whose_name_a_crash_left_empty_is_named_again() {
    for text in ["", "\0\0\0"] {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("node"), text).unwrap();
        let log = open(directory.path(), LARGE, Vec::new());
        assert_eq!(log.head().node.len(), 12);
    }
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("node"), "../elsewhere").unwrap();
    assert!(try_open(directory.path(), LARGE, Vec::new()).is_err());
}

#[tokio::test]
async fn a_log_has_one_writer() {
    let directory = TempDir::new().unwrap();
    let log = open(directory.path(), LARGE, Vec::new());
    let second = try_open(directory.path(), LARGE, Vec::new()).err().unwrap();
    assert!(matches!(second, OpenError::InUse(_)), "{second}");
    drop(log);
    drop(open(directory.path(), LARGE, Vec::new()));
}

const CRASH: &str = "ECRU_TEST_AUDIT_CRASH";

/// Not a test by itself: the process that the next one kills.
#[tokio::test]
async fn a_process_that_is_killed_while_it_writes() {
    let Some(directory) = std::env::var_os(CRASH) else {
        return;
    };
    let log = open(Path::new(&directory), 20_000, Vec::new());
    let mut number = 0;
    loop {
        log.note(b"{\"eventName\":\"BatchGetImage\"}".to_vec())
            .await
            .unwrap();
        write(&log, number..number + 1).await;
        number += 1;
        println!("{}", log.head().lines);
    }
}

#[tokio::test]
async fn a_log_whose_process_was_killed_is_whole() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let directory = TempDir::new().unwrap();
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["a_process_that_is_killed_while_it_writes", "--exact"])
            .args(["--nocapture", "--test-threads=1"])
            .env(CRASH, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let acknowledged = BufReader::new(child.stdout.take().unwrap()).lines();
        let numbers = acknowledged.map_while(Result::ok);
        let numbers = numbers.filter(|line| line.trim().parse::<u64>().is_ok());
        assert_eq!(numbers.take(40 + 13 * round).count(), 40 + 13 * round);
        child.kill().unwrap();
        child.wait().unwrap();
        let log = open(directory.path(), LARGE, Vec::new());
        let head = log.head();
        drop(log);
        assert_told(directory.path(), &head, &[]);
        let paths = paths(directory.path());
        let kept = paths.iter().map(|path| lines(path));
        let kept = kept.flatten().filter(|line| line.contains("PutImage"));
        assert!(kept.count() >= 40 * (round + 1));
    }
}
