//! Figures, and the table that sets the sizes side by side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::compare::number;
use crate::growth::asker::Stopwatch;

/// A figure that is promised not to grow may be this many times as large at the last step as at
/// the one before: trees are a level or two deeper, and their pages are in fewer caches.
const FLAT: f64 = 2.0;
const NONE: &str = "–";

/// What is promised of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Promise {
    /// It does not depend on what is stored.
    Flat,
    /// It is at most this, however much is stored.
    AtMost(f64),
    /// Nothing.
    Nothing,
}

/// One measurement at one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Figure {
    title: String,
    unit: String,
    promise: Promise,
    median: f64,
    /// Least, and the 99th percentile (of fewer than 100 times: the greatest).
    spread: Option<(f64, f64)>,
}

impl Figure {
    /// A figure measured once.
    pub(super) fn once(title: &str, value: f64, unit: &str, promise: Promise) -> Self {
        Self {
            title: title.to_owned(),
            unit: unit.to_owned(),
            promise,
            median: value,
            spread: None,
        }
    }

    /// The median of times, in milliseconds.
    pub(super) fn times(title: &str, times: Stopwatch, promise: Promise) -> Self {
        let times = times.latencies();
        let spread = (times.percentile_ms(0), times.percentile_ms(990));
        Self {
            spread: Some(spread),
            ..Self::once(title, times.percentile_ms(500), "ms", promise)
        }
    }

    fn cell(&self) -> String {
        let median = format!("{} {}", number(self.median), self.unit);
        match self.spread {
            Some((least, most)) => format!("{median} [{}–{}]", number(least), number(most)),
            None => median,
        }
    }
}

/// Writes the table: a row for each figure of the last step, a column for each step, and the last
/// step's figure divided by that of the step before.
pub(super) fn markdown(measured: &BTreeMap<u64, Vec<Figure>>) -> String {
    let titles: Vec<String> = measured
        .keys()
        .map(|step| format!("{step} images"))
        .collect();
    let rule = "---|".repeat(titles.len() + 4);
    let mut text = format!(
        "| what | {} | ratio | promised | held |\n|{rule}\n",
        titles.join(" | ")
    );
    let Some(last) = measured.values().next_back() else {
        return text;
    };
    for figure in last {
        text.push_str(&row(figure, measured));
    }
    text
}

fn row(last: &Figure, measured: &BTreeMap<u64, Vec<Figure>>) -> String {
    let of_title = |figures: &Vec<Figure>| {
        let same = |figure: &&Figure| figure.title == last.title;
        figures.iter().find(same).cloned()
    };
    let all: Vec<Option<Figure>> = measured.values().map(of_title).collect();
    let before = all.iter().rev().nth(1).cloned().flatten();
    let ratio = before
        .filter(|before| before.median > 0.0)
        .map(|before| last.median / before.median);
    let cell = |figure: &Option<Figure>| figure.as_ref().map_or(NONE.to_owned(), Figure::cell);
    let mut cells = vec![last.title.clone()];
    cells.extend(all.iter().map(cell));
    cells.push(ratio.map_or(NONE.to_owned(), |ratio| format!("{} ×", number(ratio))));
    let (promised, held) = verdict(last, ratio);
    cells.push(promised);
    cells.push(held.to_owned());
    format!("| {} |\n", cells.join(" | "))
}

fn verdict(last: &Figure, ratio: Option<f64>) -> (String, &'static str) {
    let (promised, holds) = match last.promise {
        Promise::Nothing => return (NONE.to_owned(), NONE),
        Promise::Flat => ("flat".to_owned(), ratio.map(|ratio| ratio <= FLAT)),
        Promise::AtMost(most) => (
            format!("≤ {} {}", number(most), last.unit),
            Some(last.median <= most),
        ),
    };
    let held = match holds {
        None => NONE,
        Some(true) => "yes",
        Some(false) => "**no**",
    };
    (promised, held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_sets_the_steps_side_by_side() {
        let figures = |pull: f64, start: f64| {
            let start = Figure {
                spread: Some((start - 1.0, start + 1.0)),
                ..Figure::once("start", start, "ms", Promise::AtMost(200.0))
            };
            vec![
                Figure::once("pull", pull, "ms", Promise::Flat),
                start,
                Figure::once("disk", 7.0, "B", Promise::Nothing),
            ]
        };
        let measured = BTreeMap::from([
            (1, figures(0.1, 10.0)),
            (1000, figures(0.1, 11.0)),
            (2000, figures(0.25, 300.0)),
        ]);
        let wanted = "\
            | what | 1 images | 1000 images | 2000 images | ratio | promised | held |\n\
            |---|---|---|---|---|---|---|\n\
            | pull | 0.1 ms | 0.1 ms | 0.25 ms | 2.5 × | flat | **no** |\n\
            | start | 10 ms [9–11] | 11 ms [10–12] | 300 ms [299–301] | 27.3 × | ≤ 200 ms | **no** |\n\
            | disk | 7 B | 7 B | 7 B | 1 × | – | – |\n";
        assert_eq!(markdown(&measured), wanted);
    }

    #[test]
    fn twice_is_flat_still_and_one_step_tells_nothing() {
        let one = |median| vec![Figure::once("pull", median, "ms", Promise::Flat)];
        let both = BTreeMap::from([(1, one(1.0)), (2, one(2.0))]);
        assert!(markdown(&both).contains("| 2 × | flat | yes |"));
        let alone = BTreeMap::from([(1, one(1.0))]);
        assert!(markdown(&alone).contains("| – | flat | – |"));
    }
}
