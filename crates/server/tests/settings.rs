//! Settings as an operator meets them: the binary, its flags, its environment and its file.
#![expect(
    clippy::unwrap_used,
    reason = "clippy takes what tests share for program text"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn ecru(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecru"));
    command.env_clear().current_dir(directory);
    command
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn explained(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let place = tempfile::tempdir().unwrap();
    fs::write(
        place.path().join("ecru.toml"),
        "region = \"eu-west-1\"\nmax-connections = 7\nidle-timeout = \"60s\"\n",
    )
    .unwrap();
    let text = explained(
        ecru(place.path())
            .args(["config", "explain", "--region", "eu-west-3"])
            .envs([("ECRU_REGION", "eu-west-2"), ("ECRU_IDLE_TIMEOUT", "61s")]),
    );
    for line in [
        "region = eu-west-3  [flag]",
        "idle-timeout = 61s  [ECRU_IDLE_TIMEOUT]",
        "max-connections = 7  [ecru.toml]",
        "header-timeout = 15s  [default]",
        "keys = ./ecru-data.keys  [default]",
        "registry-uri = localhost:5050  [default]",
    ] {
        assert!(
            text.lines().any(|told| told == line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn the_file_that_is_named_is_read_in_place_of_the_customary_one_and_must_be_there() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("ecru.toml"), "region = \"eu-west-1\"\n").unwrap();
    fs::write(place.path().join("other.toml"), "region = \"eu-west-9\"\n").unwrap();
    let text = explained(ecru(place.path()).args(["config", "explain", "--config", "other.toml"]));
    assert!(text.contains("region = eu-west-9  [other.toml]"), "{text}");
    let missing = ecru(place.path())
        .args(["config", "explain", "--config", "none.toml"])
        .output()
        .unwrap();
    assert!(!missing.status.success());
    assert!(
        told(&missing).contains("none.toml: No such file"),
        "{}",
        told(&missing)
    );
}

#[test]
fn passwords_are_not_explained() {
    let place = tempfile::tempdir().unwrap();
    let mut command = ecru(place.path());
    command
        .args(["config", "explain"])
        .env("ECRU_METADATA", "postgres://ecru:s3cret@db/ecru");
    let text = explained(&mut command);
    assert!(
        text.contains("metadata = postgres://ecru:…@db/ecru  [ECRU_METADATA]"),
        "{text}"
    );
    let mut command = ecru(place.path());
    command
        .args(["serve", "--help"])
        .env("ECRU_METADATA", "postgres://ecru:s3cret@db/ecru");
    let help = told(&command.output().unwrap());
    assert!(
        help.contains("ECRU_METADATA") && !help.contains("s3cret"),
        "{help}"
    );
}

#[test]
fn settings_that_cannot_be_meant_end_the_program_with_a_reason() {
    let place = tempfile::tempdir().unwrap();
    for (file, arguments, reason) in [
        (
            "lisen = 1",
            &["config", "explain"][..],
            "ecru.toml: unknown key `lisen`; known are account-id, ",
        ),
        (
            "config = \"x\"",
            &["config", "explain"],
            "ecru.toml: unknown key `config`",
        ),
        (
            "listen = \"nowhere\"",
            &["serve"],
            "ecru.toml: `listen` cannot be `nowhere`: invalid socket address",
        ),
        (
            "latest = \"never\"",
            &["serve"],
            "ecru.toml: `latest` cannot be `never`",
        ),
        (
            "[listen]",
            &["serve"],
            "ecru.toml: `listen` must be a string",
        ),
        ("region = ", &["verify"], "ecru.toml: line 1: "),
        ("region = \"Narnia\"", &["config", "explain"], "region: "),
        (
            "",
            &["serve", "--listen", "nowhere"],
            "invalid value 'nowhere' for '--listen <ADDR:PORT>'",
        ),
        ("", &["serve", "--no-such-flag"], "--no-such-flag"),
    ] {
        fs::write(place.path().join("ecru.toml"), file).unwrap();
        let output = ecru(place.path()).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{file} {arguments:?}");
        assert!(
            told(&output).contains(reason),
            "{file} {arguments:?}: {}",
            told(&output)
        );
    }
}

#[test]
fn a_bad_variable_is_told_by_its_own_name_and_its_flags() {
    let place = tempfile::tempdir().unwrap();
    for (variable, value, told_of) in [
        (
            "ECRU_IDLE_TIMEOUT",
            "soon",
            "invalid value 'soon' for '--idle-timeout <SPAN>' from 'ECRU_IDLE_TIMEOUT'",
        ),
        (
            "ECRU_LATEST",
            "never",
            "invalid value 'never' for '--latest <MODE>' from 'ECRU_LATEST'",
        ),
        (
            "ECRU_IDLE_TIMEOUT",
            "2h",
            "ECRU_IDLE_TIMEOUT: idle-timeout: 2h is not between",
        ),
        ("ECRU_REGION", "Narnia", "ECRU_REGION: region: "),
    ] {
        let mut command = ecru(place.path());
        let output = command.arg("serve").env(variable, value).output().unwrap();
        assert!(!output.status.success(), "{variable}");
        assert!(told(&output).contains(told_of), "{}", told(&output));
    }
    fs::write(place.path().join("ecru.toml"), "region = \"Narnia\"").unwrap();
    let output = ecru(place.path()).arg("serve").output().unwrap();
    let reason = "ecru.toml: region: ";
    assert!(told(&output).contains(reason), "{}", told(&output));
    let typed = ["serve", "--idle-timeout", "soon"];
    let mut command = ecru(place.path());
    command.args(typed).env("ECRU_IDLE_TIMEOUT", "1s");
    let output = command.output().unwrap();
    let reason = "invalid value 'soon' for '--idle-timeout <SPAN>': ";
    assert!(told(&output).contains(reason), "{}", told(&output));
}

#[test]
fn help_lists_the_flags_that_concern_a_command() {
    let place = tempfile::tempdir().unwrap();
    let help = |arguments: &[&str]| explained(ecru(place.path()).args(arguments).arg("--help"));
    let lists = |text: &str, flags: &[&str]| -> Vec<bool> {
        flags.iter().map(|flag| text.contains(flag)).collect()
    };
    let flags = [
        "--keys",
        "--metadata",
        "--blobs",
        "--latest",
        "--layer-grace",
    ];
    let verify = help(&["verify"]);
    assert_eq!(
        lists(&verify, &flags),
        [true, true, true, false, false],
        "{verify}"
    );
    let token = help(&["token", "revoke-all"]);
    assert_eq!(
        lists(&token, &flags),
        [true, false, false, false, false],
        "{token}"
    );
}

#[test]
fn settings_of_serve_may_stand_in_the_file_that_verify_reads() {
    let place = tempfile::tempdir().unwrap();
    fs::write(
        place.path().join("ecru.toml"),
        "max-connections = 7\ndata = \"elsewhere\"\n",
    )
    .unwrap();
    let output = ecru(place.path())
        .args(["verify", "--offline"])
        .output()
        .unwrap();
    assert!(
        told(&output).contains("elsewhere does not exist"),
        "{}",
        told(&output)
    );
}

/// The page is written by `cargo run -- config reference > docs/configuration.md`.
#[test]
fn the_reference_page_is_current() {
    let place = tempfile::tempdir().unwrap();
    let printed = explained(ecru(place.path()).args(["config", "reference"]));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    assert_eq!(
        fs::read_to_string(page).unwrap(),
        printed,
        "docs/configuration.md is not what the definition says"
    );
}
