//! Figures, and the table: a row for each who asks and each size of the store.

use crate::authorization::people::{FEW, MANY, ROOT};
use crate::compare::{Samples, Unit, figure, number};
use crate::outcome::Outcome;

/// Rate of the user with many statements, as a part of the one with a single one.
const LEAST_RATIO: f64 = 0.9;
/// CPU of the server for a request of the root user, microseconds.
const MOST_CPU: f64 = 35.0;
const NONE: &str = "–";
const HEADER: &str = "\
| who asks | users and roles stored | manifest GET by tag c16 | ratio | target | CPU each | CPU target | held |
|---|---|---|---|---|---|---|---|
";

/// All figures.
#[derive(Default)]
pub(super) struct Sheet {
    rows: Vec<Row>,
}

/// What one asked for while so much was stored.
struct Row {
    title: &'static str,
    stored: u64,
    rate: Samples,
    cpu: Samples,
}

/// The figures of one size of the store.
pub(super) struct Column<'a> {
    sheet: &'a mut Sheet,
    stored: u64,
}

impl Sheet {
    /// The figures of a store of so many users and roles.
    pub(super) fn column(&mut self, stored: u64) -> Column<'_> {
        Column {
            sheet: self,
            stored,
        }
    }

    fn find(&self, title: &str, stored: u64) -> Option<&Row> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.title == title && row.stored == stored)
    }

    /// The rate of a row as a part of the rate of who has a single statement.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let base = self.find(FEW, row.stored)?.rate.median()?;
        (base > 0.0).then_some(row.rate.median()? / base)
    }

    /// The table, those who ask together.
    pub(super) fn markdown(&self) -> String {
        let mut text = HEADER.to_owned();
        for title in [ROOT, FEW, MANY] {
            for row in self.rows.iter().filter(|row| row.title == title) {
                text.push_str(&self.line(row));
            }
        }
        text
    }

    fn line(&self, row: &Row) -> String {
        let ratio = self.ratio(row);
        let cpu = row.cpu.median();
        let (target, cpu_target, held) = match row.title {
            MANY => (
                format!("≥ {}", number(LEAST_RATIO)),
                NONE.to_owned(),
                ratio.map(|ratio| ratio >= LEAST_RATIO),
            ),
            ROOT => (
                NONE.to_owned(),
                format!("≤ {} µs", number(MOST_CPU)),
                cpu.map(|cpu| cpu <= MOST_CPU),
            ),
            _ => (NONE.to_owned(), NONE.to_owned(), None),
        };
        let cells = [
            row.title.to_owned(),
            row.stored.to_string(),
            figure(&row.rate, Unit::PerSecond),
            ratio.map_or(NONE.to_owned(), number),
            target,
            figure(&row.cpu, Unit::CpuMicrosPerRequest),
            cpu_target,
            held.map_or(NONE, |held| if held { "yes" } else { "**no**" })
                .to_owned(),
        ];
        format!("| {} |\n", cells.join(" | "))
    }
}

impl Column<'_> {
    /// Adds what one run found.
    pub(super) fn add(&mut self, title: &'static str, outcome: &Outcome) {
        self.add_figures(title, outcome.req_s, outcome.srv_cpu_us_per_req);
    }

    fn add_figures(&mut self, title: &'static str, rate: f64, cpu: f64) {
        let (rows, stored) = (&mut self.sheet.rows, self.stored);
        let is_it = |row: &Row| row.title == title && row.stored == stored;
        let place = rows.iter().position(is_it).unwrap_or_else(|| {
            rows.push(Row {
                title,
                stored,
                rate: Samples::default(),
                cpu: Samples::default(),
            });
            rows.len() - 1
        });
        if let Some(row) = rows.get_mut(place) {
            row.rate.add(rate);
            row.cpu.add(cpu);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_to_one_statement_in_the_same_store() {
        let mut sheet = Sheet::default();
        for (stored, many) in [(0, 95.0), (10, 80.0)] {
            let mut column = sheet.column(stored);
            column.add_figures(ROOT, 110.0, 30.0);
            column.add_figures(FEW, 100.0, 31.0);
            column.add_figures(MANY, many, 36.0);
        }
        let text = sheet.markdown();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines.len(), 6);
        assert!(lines[0].ends_with("| 30 µs | ≤ 35 µs | yes |"), "{text}");
        assert!(lines[4].contains("| 0.95 | ≥ 0.9 |"), "{text}");
        assert!(lines[4].ends_with("| yes |"), "{text}");
        assert!(lines[5].ends_with("| **no** |"), "{text}");
    }
}
