//! The result of a run: a table client × flow × result, held against a checked-in minimum that may only grow.

use std::fmt::Write as _;
use std::time::Duration;

/// What one flow came to.
pub(crate) struct Row {
    /// Client that the flow drives.
    pub(crate) client: String,
    /// What is shown.
    pub(crate) flow: String,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
    /// Wall time.
    pub(crate) took: Duration,
}

/// Rows in the order in which they ran.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds a row and prints it, so that a long run shows where it is.
    pub(crate) fn add(&mut self, row: Row) {
        let result = if row.failure.is_none() {
            "pass"
        } else {
            "FAIL"
        };
        println!(
            "{result}  {:<17} {:<52} {:>6.1} s",
            row.client,
            row.flow,
            row.took.as_secs_f64()
        );
        if let Some(failure) = &row.failure {
            println!("      {}", failure.replace('\n', "\n      "));
        }
        self.rows.push(row);
    }

    /// Number of rows that passed and that failed.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let failed = self.rows.iter().filter(|row| row.failure.is_some()).count();
        (self.rows.len() - failed, failed)
    }

    /// The table, one line per flow.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{:<17} | {:<52} | {:<6} | {:>7}\n",
            "client", "flow", "result", "seconds"
        );
        for row in &self.rows {
            let result = if row.failure.is_none() {
                "pass"
            } else {
                "FAIL"
            };
            // Writing to a String cannot fail.
            let _written = writeln!(
                text,
                "{:<17} | {:<52} | {:<6} | {:>7.1}",
                row.client,
                row.flow,
                result,
                row.took.as_secs_f64()
            );
        }
        text
    }

    /// Lines of the minimum that this run was meant to cover and that did not pass.
    pub(crate) fn missing<'a>(
        &self,
        minimum: &'a str,
        covered: impl Fn(&str) -> bool,
    ) -> Vec<&'a str> {
        let passed = |client: &str, flow: &str| {
            self.rows
                .iter()
                .any(|row| row.client == client && row.flow == flow && row.failure.is_none())
        };
        minimum
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
            .filter(|line| covered(line))
            .filter(|line| {
                !line
                    .split_once(' ')
                    .is_some_and(|(client, flow)| passed(client, flow.trim()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(client: &str, flow: &str, failure: Option<&str>) -> Row {
        Row {
            client: client.into(),
            flow: flow.into(),
            failure: failure.map(str::to_owned),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn a_flow_of_the_minimum_that_failed_or_vanished_is_missing() {
        let mut report = Report::default();
        report.add(row("docker", "push", None));
        report.add(row("docker", "pull", Some("no")));
        let minimum = "# comment\ndocker push\ndocker pull\n\ndocker run\n";
        assert_eq!(
            report.missing(minimum, |_| true),
            ["docker pull", "docker run"]
        );
        assert_eq!(
            report.missing(minimum, |line| line == "docker push"),
            [""; 0]
        );
        assert_eq!(report.counts(), (1, 1));
    }
}
