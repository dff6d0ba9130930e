//! The markdown table of the comparison.

use std::fmt::Write;

use crate::compare::samples::{Bound, Line, Quantity, Samples, Target, Unit};

const HEADER: &str = "\
| workload | Ecru | peer | ratio | target | CPU, Ecru | CPU, peer | CPU ratio | CPU target | held |
|---|---|---|---|---|---|---|---|---|---|
";
const FRACTIONS: &str = "\
| workload | Ecru | pgbench | fraction |
|---|---|---|---|
";
const BARE: &str = "\
| workload | Ecru | bare | ratio | CPU, Ecru | CPU, bare | CPU ratio |
|---|---|---|---|---|---|---|
";
const NONE: &str = "–";

/// Writes all lines as one table.
pub(crate) fn markdown(lines: &[Line]) -> String {
    let mut text = HEADER.to_owned();
    for line in lines {
        text.push_str(&row(line));
    }
    text
}

/// Writes lines whose other side is `pgbench`.
pub(crate) fn fractions(lines: &[Line]) -> String {
    let mut text = FRACTIONS.to_owned();
    for line in lines {
        let [ecru, engine, fraction, _] = quantity(&line.main);
        let cells = [line.title.clone(), ecru, engine, fraction];
        text.push_str("| ");
        text.push_str(&cells.join(" | "));
        text.push_str(" |\n");
    }
    text
}

/// Writes lines whose other side is a server of nothing but the bytes.
pub(crate) fn beside_bare(lines: &[Line]) -> String {
    let mut text = BARE.to_owned();
    for line in lines {
        let quantities = std::iter::once(&line.main).chain(&line.cpu);
        let cells = quantities.flat_map(|figures| {
            let [ecru, bare, ratio, _] = quantity(figures);
            [ecru, bare, ratio]
        });
        let cells: Vec<String> = std::iter::once(line.title.clone()).chain(cells).collect();
        text.push_str("| ");
        text.push_str(&cells.join(" | "));
        text.push_str(" |\n");
    }
    text
}

fn row(line: &Line) -> String {
    let mut cells = vec![line.title.clone()];
    cells.extend(quantity(&line.main));
    match &line.cpu {
        Some(cpu) => cells.extend(quantity(cpu)),
        None => cells.extend(vec![NONE.to_owned(); 4]),
    }
    let held = match line.held() {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => NONE,
    };
    cells.push(held.to_owned());
    format!("| {} |\n", cells.join(" | "))
}

/// Four cells: Ecru, peer, ratio, target.
fn quantity(quantity: &Quantity) -> [String; 4] {
    let ratio = quantity.ratio();
    [
        figure(&quantity.samples.ecru, quantity.unit),
        figure(&quantity.samples.peer, quantity.unit),
        ratio.map_or(NONE.to_owned(), |ratio| format!("{} ×", number(ratio))),
        quantity
            .target
            .map_or(NONE.to_owned(), |target| goal(target, quantity.unit)),
    ]
}

fn goal(target: Target, unit: Unit) -> String {
    let (bound, suffix) = match target {
        Target::Ratio(bound) => (bound, "×"),
        Target::Own(bound) => (bound, suffix(unit)),
    };
    match bound {
        Bound::AtLeast(value) => format!("≥ {} {suffix}", number(value)),
        Bound::AtMost(value) => format!("≤ {} {suffix}", number(value)),
    }
}

/// `median unit [min–max]`
pub(crate) fn figure(samples: &Samples, unit: Unit) -> String {
    let Some(median) = samples.median() else {
        return NONE.to_owned();
    };
    let mut text = format!("{} {}", number(median), suffix(unit));
    if let Some((least, greatest)) = samples.spread() {
        let written = write!(text, " [{}–{}]", number(least), number(greatest));
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    text
}

fn suffix(unit: Unit) -> &'static str {
    match unit {
        Unit::MegabytesPerSecond => "MB/s",
        Unit::PerSecond => "/s",
        Unit::Milliseconds => "ms",
        Unit::Mebibytes => "MiB",
        Unit::Bytes => "B",
        Unit::Times => "×",
        Unit::CpuSecondsPerGigabyte => "s/GB",
        Unit::CpuMicrosPerRequest => "µs",
    }
}

/// At least three digits, thousands separated.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, fraction.trim_end_matches('0')),
        None => (text.as_str(), ""),
    };
    let whole = separated(whole);
    if fraction.is_empty() {
        return whole;
    }
    format!("{whole}.{fraction}")
}

fn separated(digits: &str) -> String {
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        let left = digits.len() - position;
        if position > 0 && left.is_multiple_of(3) && digit.is_ascii_digit() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::samples::Side;

    #[test]
    fn numbers_carry_three_digits_and_separators() {
        let cases = [
            (0.0, "0"),
            (0.35, "0.35"),
            (1.0, "1"),
            (1.018, "1.02"),
            (2.5, "2.5"),
            (12.34, "12.3"),
            (263.4, "263"),
            (95_000.0, "95,000"),
            (1_234_567.0, "1,234,567"),
        ];
        for (value, wanted) in cases {
            assert_eq!(number(value), wanted);
        }
    }

    #[test]
    fn costs_stand_beside_those_of_the_bare_server() {
        let mut line = Line::plain("push".to_owned(), Unit::MegabytesPerSecond, None);
        let mut cpu = Quantity::new(Unit::CpuSecondsPerGigabyte, None);
        for (quantity, ecru, bare) in [(&mut line.main, 750.0, 1000.0), (&mut cpu, 1.5, 1.2)] {
            quantity.samples.ecru.add(ecru);
            quantity.samples.peer.add(bare);
        }
        line.cpu = Some(cpu);
        let wanted = "| push | 750 MB/s | 1,000 MB/s | 0.75 × | 1.5 s/GB | 1.2 s/GB | 1.25 × |\n";
        assert_eq!(beside_bare(&[line]), format!("{BARE}{wanted}"));
    }

    #[test]
    fn table_shows_medians_spread_ratio_and_verdict() {
        let mut line = Line::plain(
            "push".to_owned(),
            Unit::MegabytesPerSecond,
            Some(Target::Ratio(Bound::AtLeast(2.5))),
        );
        for (ecru, peer) in [(700.0, 250.0), (800.0, 263.0), (790.0, 300.0)] {
            line.main.samples.get_mut(Side::Ecru).add(ecru);
            line.main.samples.get_mut(Side::Peer).add(peer);
        }
        let mut cpu = Quantity::new(
            Unit::CpuSecondsPerGigabyte,
            Some(Target::Ratio(Bound::AtMost(0.4))),
        );
        cpu.samples.get_mut(Side::Ecru).add(1.85);
        cpu.samples.get_mut(Side::Peer).add(3.7);
        line.cpu = Some(cpu);
        let empty = Line::plain("idle".to_owned(), Unit::Mebibytes, None);
        let wanted = format!(
            "{HEADER}\
             | push | 790 MB/s [700–800] | 263 MB/s [250–300] | 3 × | ≥ 2.5 × \
             | 1.85 s/GB | 3.7 s/GB | 0.5 × | ≤ 0.4 × | **no** |\n\
             | idle | – | – | – | – | – | – | – | – | – |\n"
        );
        assert_eq!(markdown(&[line, empty]), wanted);
    }
}
