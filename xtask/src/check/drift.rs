//! Generated code must be what the generator writes now.

use anyhow::Result;

use crate::codegen;
use crate::workspace;

/// Generated files that differ, are missing or are no longer generated.
pub(crate) fn problems() -> Result<Vec<String>> {
    let files = codegen::generate()?;
    let mut problems = Vec::new();
    for (path, text) in &files {
        let current = std::fs::read_to_string(workspace::root().join(path));
        if current.ok().as_ref() != Some(text) {
            problems.push(format!(
                "{}: not current, run `cargo xtask codegen`",
                path.display()
            ));
        }
    }
    for path in codegen::existing(&files)? {
        if !files.contains_key(&path) {
            problems.push(format!(
                "{}: not generated, but among generated files",
                path.display()
            ));
        }
    }
    Ok(problems)
}
