//! The report: what was measured where, and the table.

use std::fs;

use jiff::Timestamp;

use crate::compare::Arena;
use crate::compare::samples::Line;
use crate::compare::table::markdown;

/// Writes the whole report.
pub(super) fn write(arena: &Arena, lines: &[Line]) -> String {
    let mut text = format!(
        "Measured {} on {}. Median [min–max] of interleaved passes: {}.\n\n\
         - Ecru: {}\n- peer: {}\n\n",
        Timestamp::now().strftime("%Y-%m-%d"),
        machine(),
        arena.passes,
        version(arena.programs.ecru.version()),
        version(arena.programs.peer.version()),
    );
    text.push_str(&markdown(lines));
    if !arena.journal.failures().is_empty() {
        text.push_str("\nFailed runs, which give no figure:\n\n");
    }
    for failure in arena.journal.failures() {
        text.push_str("- ");
        text.push_str(&failure.replace('\n', " "));
        text.push('\n');
    }
    text
}

fn version(version: anyhow::Result<String>) -> String {
    version.unwrap_or_else(|error| format!("unknown ({error:#})"))
}

/// Processor and kernel.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    format!("{cores} cores of {model}, Linux {}", kernel.trim())
}
