//! The `ecru` binary.

mod allocator;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let line: Vec<OsString> = std::env::args_os().collect();
    ecru_server::program::run(&line, allocator::give_back)
}
