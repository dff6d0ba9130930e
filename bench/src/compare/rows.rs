//! The rows of the comparison, each one run of the driver with a number to hold.

use crate::compare::samples::{Bound, Line, Quantity, Target, Unit};
use crate::compare::scale::{Scale, spoken};
use crate::options::{RunOptions, Workload};
use crate::outcome::Outcome;
use crate::upload::UploadMode;

/// Repository whose many tags are listed.
pub(crate) const TAGS_REPOSITORY: &str = "bench/tags";
const SMALL: u64 = 4096;
/// Seeds of the blobs of a pass, relative to the first seed of the pass.
const LARGE_SEED: u64 = 1;
const MEDIUM_SEED: u64 = 101;
const SMALL_SEED: u64 = 1_000_001;
const OTHER_SEED: u64 = 2_000_001;
/// Distance between the first seeds of two passes.
const SEEDS_PER_PASS: u64 = 10_000_000;

/// First seed of a pass.
pub(crate) fn first_seed(pass: u32) -> u64 {
    u64::from(pass + 1) * SEEDS_PER_PASS
}

/// Repository that a pass works in.
pub(crate) fn repository(pass: u32) -> String {
    format!("bench/pass{pass}")
}

/// Repository that a pass mounts into.
pub(crate) fn mount_repository(pass: u32) -> String {
    format!("bench/pass{pass}-mounted")
}

/// One row: a run, and what of its outcome goes into the table.
pub(crate) struct Row {
    title: String,
    options: RunOptions,
    unit: Unit,
    target: Target,
    cost: Unit,
    cost_target: Option<Target>,
}

impl Row {
    /// The run of this row in a pass: its own repository and blobs that were never seen before.
    pub(crate) fn options(&self, pass: u32) -> RunOptions {
        let own = self.options.workload != Workload::TagsList
            && self.options.workload != Workload::TagsPage;
        let repo = if own {
            repository(pass)
        } else {
            TAGS_REPOSITORY.to_owned()
        };
        RunOptions {
            label: format!("{}, pass {}", self.title, pass + 1),
            seed: self.options.seed + first_seed(pass),
            mount_to: Some(mount_repository(pass)),
            repo,
            ..self.options.clone()
        }
    }

    /// The line of this row, without figures.
    pub(crate) fn line(&self) -> Line {
        Line {
            title: self.title.clone(),
            main: Quantity::new(self.unit, Some(self.target)),
            cpu: Some(Quantity::new(self.cost, self.cost_target)),
        }
    }

    /// The line in which it is set beside a server of nothing but the bytes, if bytes are what it costs.
    pub(crate) fn bare_line(&self) -> Option<Line> {
        let is_wanted = self.options.workload == Workload::Push && self.cost_target.is_some();
        is_wanted.then(|| Line {
            title: self.title.clone(),
            main: Quantity::new(self.unit, None),
            cpu: Some(Quantity::new(self.cost, None)),
        })
    }

    /// The two figures of an outcome that go into the line.
    pub(crate) fn figures(&self, outcome: &Outcome) -> (f64, f64) {
        let main = match self.unit {
            Unit::MegabytesPerSecond => outcome.mb_s,
            Unit::Milliseconds => outcome.p50_ms,
            _ => outcome.req_s,
        };
        let cost = match self.cost {
            Unit::CpuSecondsPerGigabyte => outcome.srv_cpu_s_per_gb,
            _ => outcome.srv_cpu_us_per_req,
        };
        (main, cost)
    }

    /// Whether its requests change something.
    pub(crate) fn writes(&self) -> bool {
        matches!(
            self.options.workload,
            Workload::Push | Workload::ManifestPut
        )
    }

    /// What `pgbench` does that is set beside it.
    pub(crate) fn engine(&self) -> &'static str {
        if self.writes() { "insert" } else { "select" }
    }

    fn transfer(title: String, options: RunOptions, least: f64) -> Self {
        Self {
            title,
            options,
            unit: Unit::MegabytesPerSecond,
            target: Target::Ratio(Bound::AtLeast(least)),
            cost: Unit::CpuSecondsPerGigabyte,
            cost_target: None,
        }
    }

    fn requests(title: String, options: RunOptions, least: f64) -> Self {
        Self {
            unit: Unit::PerSecond,
            cost: Unit::CpuMicrosPerRequest,
            ..Self::transfer(title, options, least)
        }
    }

    fn cost_at_most(self, target: fn(Bound) -> Target, most: f64) -> Self {
        Self {
            cost_target: Some(target(Bound::AtMost(most))),
            ..self
        }
    }
}

/// The rows with a number to hold, in the order in which a pass runs them: what is pushed first
/// is pulled later.
pub(crate) fn to_hold(scale: &Scale) -> Vec<Row> {
    let (large, medium) = (spoken(scale.large), spoken(scale.medium));
    vec![
        Row::transfer(format!("push {large}, streamed"), push_large(scale), 2.5)
            .cost_at_most(Target::Ratio, 0.4),
        Row::transfer(format!("push {medium} c4"), push_medium(scale), 1.8)
            .cost_at_most(Target::Ratio, 0.4),
        Row::requests("push 4 KiB c16".to_owned(), push_small(scale), 12.0),
        Row::transfer(format!("pull {large}"), pull_large(scale), 1.1)
            .cost_at_most(Target::Ratio, 0.9),
        Row::requests("pull 4 KiB c16".to_owned(), pull_small(scale), 20.0),
        Row::requests(
            format!("range 64 KiB of {medium} c4"),
            range_medium(scale),
            10.0,
        ),
        manifest_row("manifest GET by tag c16", Workload::ManifestGet, scale),
        manifest_row("manifest HEAD by tag c16", Workload::ManifestHead, scale),
        Row::requests(
            "manifest PUT c16".to_owned(),
            timed(Workload::ManifestPut, 16, scale),
            10.0,
        ),
        tag_list(scale, 10.0),
        tag_page(scale),
    ]
}

/// The rows that ask for rows of the metadata rather than bytes, with their numbers to hold where
/// the metadata is in PostgreSQL.
pub(crate) fn on_postgres(scale: &Scale) -> Vec<Row> {
    let row = |title: &str, workload, least| {
        Row::requests(title.to_owned(), timed(workload, 16, scale), least)
    };
    vec![
        Row::requests("push 4 KiB c16".to_owned(), push_small(scale), 1.0),
        row("manifest GET by tag c16", Workload::ManifestGet, 6.0),
        row("manifest HEAD by tag c16", Workload::ManifestHead, 6.0),
        row("manifest PUT c16", Workload::ManifestPut, 4.0),
        tag_list(scale, 1.0),
    ]
}

/// Rows without a number to hold: no slower than the peer.
pub(crate) fn not_slower(scale: &Scale) -> Vec<Row> {
    let medium = spoken(scale.medium);
    let uploads = [
        ("monolithic", UploadMode::Mono),
        ("in 20 MiB chunks", UploadMode::Chunk(20 << 20)),
    ];
    let uploads = uploads.into_iter().zip([201, 301]).map(|(kind, seed)| {
        let options = RunOptions {
            upload: kind.1,
            conc: 1,
            seed,
            ..push_medium(scale)
        };
        Row::transfer(format!("push {medium}, {}", kind.0), options, 1.0)
    });
    let requests = [
        ("GET /v2/ c16", Workload::Ping, 16),
        ("blob HEAD c16", Workload::HeadBlob, 16),
        ("mount c4", Workload::Mount, 4),
    ];
    let requests = requests.into_iter().map(|(title, workload, conc)| {
        let options = RunOptions {
            size: scale.medium,
            seed: MEDIUM_SEED,
            ..timed(workload, conc, scale)
        };
        Row::requests(title.to_owned(), options, 1.0)
    });
    let images = [Workload::ImagePush, Workload::ImagePull];
    let images = images.into_iter().zip(["push", "pull"]);
    let images = images.map(|(workload, deed)| {
        let title = format!("image {deed}, 8 layers of {} c2", spoken(scale.medium / 8));
        Row::transfer(title, image(workload, scale), 1.0)
    });
    uploads.chain(requests).chain(images).collect()
}

fn timed(workload: Workload, conc: usize, scale: &Scale) -> RunOptions {
    RunOptions {
        secs: Some(scale.seconds),
        conc,
        ..RunOptions::of(workload)
    }
}

fn push_large(scale: &Scale) -> RunOptions {
    RunOptions {
        size: scale.large,
        count: Some(1),
        seed: LARGE_SEED,
        ..RunOptions::of(Workload::Push)
    }
}

fn push_medium(scale: &Scale) -> RunOptions {
    RunOptions {
        size: scale.medium,
        count: Some(scale.medium_pushes),
        conc: 4,
        seed: MEDIUM_SEED,
        ..RunOptions::of(Workload::Push)
    }
}

fn push_small(scale: &Scale) -> RunOptions {
    RunOptions {
        size: SMALL,
        count: Some(scale.small_pushes),
        seed: SMALL_SEED,
        ..timed(Workload::Push, 16, scale)
    }
}

fn pull_large(scale: &Scale) -> RunOptions {
    RunOptions {
        count: Some(3),
        workload: Workload::Pull,
        ..push_large(scale)
    }
}

fn pull_small(scale: &Scale) -> RunOptions {
    RunOptions {
        size: SMALL,
        seed: SMALL_SEED,
        blobs: Some(100),
        ..timed(Workload::Pull, 16, scale)
    }
}

fn range_medium(scale: &Scale) -> RunOptions {
    RunOptions {
        size: scale.medium,
        seed: MEDIUM_SEED,
        ..timed(Workload::Range, 4, scale)
    }
}

fn image(workload: Workload, scale: &Scale) -> RunOptions {
    RunOptions {
        size: scale.medium / 8,
        count: Some(8),
        conc: 2,
        seed: OTHER_SEED,
        ..RunOptions::of(workload)
    }
}

fn manifest_row(title: &str, workload: Workload, scale: &Scale) -> Row {
    Row::requests(title.to_owned(), timed(workload, 16, scale), 20.0)
        .cost_at_most(Target::Own, 35.0)
}

fn tag_list(scale: &Scale, least: f64) -> Row {
    let title = format!("tag list of {}", scale.tags);
    Row::requests(title, timed(Workload::TagsList, 1, scale), least)
}

fn tag_page(scale: &Scale) -> Row {
    let options = RunOptions {
        page: 100,
        ..timed(Workload::TagsPage, 1, scale)
    };
    Row {
        unit: Unit::Milliseconds,
        target: Target::Own(Bound::AtMost(1.0)),
        ..Row::requests("tag page of 100, p50".to_owned(), options, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_never_share_a_blob() {
        let scale = Scale::full();
        for row in to_hold(&scale).iter().chain(&not_slower(&scale)) {
            let first = row.options(0);
            let blobs = first.requests().saturating_mul(first.layers);
            let blobs = blobs.min(scale.small_pushes);
            assert!(first.seed + blobs < first_seed(1), "{}", row.title);
            assert!(row.options(1).seed >= first_seed(1), "{}", row.title);
        }
    }

    #[test]
    fn what_is_pulled_was_pushed_by_an_earlier_row_of_the_pass() {
        let rows = to_hold(&Scale::full());
        let key = |row: &Row| (row.options(3).seed, row.options(3).size);
        let keys = |workload| {
            let of = move |row: &&Row| row.options.workload == workload;
            rows.iter().filter(of).map(key).collect::<Vec<_>>()
        };
        let pushed = keys(Workload::Push);
        for wanted in [Workload::Pull, Workload::Range] {
            assert!(keys(wanted).iter().all(|key| pushed.contains(key)));
        }
    }

    #[test]
    fn every_row_with_a_number_to_hold_is_there() {
        let titles: Vec<String> = to_hold(&Scale::full())
            .into_iter()
            .map(|row| row.title)
            .collect();
        let wanted = [
            "push 1 GiB, streamed",
            "push 64 MiB c4",
            "push 4 KiB c16",
            "pull 1 GiB",
            "pull 4 KiB c16",
            "range 64 KiB of 64 MiB c4",
            "manifest GET by tag c16",
            "manifest HEAD by tag c16",
            "manifest PUT c16",
            "tag list of 10000",
            "tag page of 100, p50",
        ];
        assert_eq!(titles, wanted);
    }
}
