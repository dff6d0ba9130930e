//! `cargo xtask bench`: the comparison with the peer, or one run of the load driver.

use anyhow::Result;

use crate::process;

/// Builds what is measured and runs the load driver, both optimized. Arguments that do not name
/// one of its commands are those of `compare`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if needs_ecru(arguments) {
        let mut build = process::cargo();
        build.args(["build", "--release", "--package", "ecru-server"]);
        process::succeed(&mut build)?;
    }
    let mut command = process::cargo();
    command.args(["run", "--release", "--package", "ecru-bench", "--"]);
    if !names_command(arguments) {
        command.arg("compare");
    }
    process::succeed(command.args(arguments))
}

fn names_command(arguments: &[String]) -> bool {
    let first = arguments.first().map_or("", String::as_str);
    matches!(
        first,
        "run" | "compare" | "growth" | "authorization" | "help"
    )
}

/// Whether a comparison is asked for that measures the binary of this checkout.
fn needs_ecru(arguments: &[String]) -> bool {
    let single = matches!(arguments.first().map(String::as_str), Some("run" | "help"));
    let spared = ["--ecru-binary", "--control", "--help"];
    let is_spared = |argument: &String| {
        let name = argument.split('=').next().unwrap_or_default();
        spared.contains(&name)
    };
    !single && !arguments.iter().any(is_spared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecru_is_built_only_for_a_comparison_that_measures_it() {
        let cases = [
            ("", true, false),
            ("--quick", true, false),
            ("compare --passes 3", true, true),
            ("growth --steps 1,100", true, true),
            ("authorization --users 100", true, true),
            ("--ecru-binary=/x/ecru", false, false),
            ("compare --ecru-binary /x/ecru", false, true),
            ("--control", false, false),
            ("run --workload ping", false, true),
        ];
        for (line, builds, named) in cases {
            let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(needs_ecru(&arguments), builds, "{line}");
            assert_eq!(names_command(&arguments), named, "{line}");
        }
    }
}
