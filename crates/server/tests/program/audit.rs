//! The audit log as an operator meets it: files, `ecru audit verify`, a kill in between, a forged line.

use std::fs;
use std::path::PathBuf;

use super::server::{Home, Running};
use super::{create_repository, push, token};

fn files(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.path().join("data/audit")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    paths.sort();
    paths
}

fn verify(home: &Home, arguments: &[&str]) -> (bool, String) {
    let line: Vec<_> = ["audit", "verify"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let output = home.command(&line).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(told).unwrap())
}

#[test]
fn the_log_outlives_kills_verifies_and_shows_a_forged_line() {
    let home = Home::new();
    let server = Running::start(&home, &[]);
    create_repository(&server, "team/app");
    let authorization = token(&server);
    push(&server, &authorization, "team/app");
    let listen = format!("127.0.0.1:{}", server.port);
    let (is_whole, told) = verify(&home, &["--online", "--listen", &listen]);
    assert!(is_whole && told.contains("0 problems"), "{told}");
    let (is_whole, told) = verify(&home, &[]);
    assert!(is_whole && told.contains("was not looked at"), "{told}");
    // dropping it kills it
    drop(server);
    let (is_whole, told) = verify(&home, &[]);
    assert!(is_whole && told.contains("0 problems"), "{told}");
    let mut server = Running::start(&home, &[]);
    assert_eq!(server.stop(), Some(0));
    let files = files(&home);
    assert_eq!(files.len(), 2);
    let secret = home.credential("aws_secret_access_key");
    let text = fs::read_to_string(&files[0]).unwrap();
    for name in ["CreateRepository", "InitiateLayerUpload", "PutImage"] {
        assert!(text.contains(name), "{name}");
    }
    let basic = authorization.rsplit(' ').next().unwrap();
    for hidden in [secret.as_str(), basic, "known in plain text"] {
        assert!(!text.contains(hidden));
    }
    fs::write(&files[0], text.replacen("team/app", "team/ape", 1)).unwrap();
    let (is_whole, told) = verify(&home, &[]);
    assert!(
        !is_whole && told.contains("its hash does not fit"),
        "{told}"
    );
}
