//! What one run of the driver is told to do.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::size::parse_size;
use crate::upload::UploadMode;

/// What is asked of the registry, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// GET /v2/
    Ping,
    /// Push of one blob
    Push,
    /// GET of one blob
    Pull,
    /// GET of 64 KiB at a varying offset of one blob
    Range,
    /// HEAD of one blob
    HeadBlob,
    /// GET of one manifest
    ManifestGet,
    /// HEAD of one manifest
    ManifestHead,
    /// PUT of a new manifest under a new tag
    ManifestPut,
    /// Mount of one blob into another repository
    Mount,
    /// Push of an image: layers (after a HEAD each) and manifest
    ImagePush,
    /// Pull of an image: manifest, configuration, layers
    ImagePull,
    /// PUT of the same manifest under many tags
    TagsFill,
    /// GET of the whole tag list
    TagsList,
    /// GET of one page of the tag list
    TagsPage,
}

/// What names a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reference {
    /// The tag `bench`
    Tag,
    /// The digest
    Digest,
}

/// Command line of `run`.
#[derive(Args)]
pub(crate) struct RunArgs {
    /// Registry, http://host:port
    #[arg(long)]
    pub(crate) url: String,
    /// Credentials, basic:USER:PASSWORD or bearer:TOKEN
    #[arg(long, env = "ECRU_BENCH_AUTH", hide_env_values = true)]
    pub(crate) auth: Option<String>,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// One run: a workload and its extent.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunOptions {
    /// Kind of request
    #[arg(long, value_enum)]
    pub(crate) workload: Workload,
    /// Name that the JSON line carries
    #[arg(long, default_value = "")]
    pub(crate) label: String,
    /// Repository to work in
    #[arg(long, default_value = "bench/r")]
    pub(crate) repo: String,
    /// Bytes of a blob
    #[arg(long, default_value = "1m", value_parser = parse_size)]
    pub(crate) size: u64,
    /// Requests in all; without it and without --secs, one for each connection
    #[arg(long)]
    pub(crate) count: Option<u64>,
    /// No request begins after this many seconds
    #[arg(long)]
    pub(crate) secs: Option<u64>,
    /// Connections at a time
    #[arg(short = 'c', long, default_value_t = 1)]
    pub(crate) conc: usize,
    /// How blobs are pushed: stream, mono or chunk:SIZE
    #[arg(long, default_value = "stream")]
    pub(crate) upload: UploadMode,
    /// Layers of an image
    #[arg(long, default_value_t = 8)]
    pub(crate) layers: u64,
    /// Tags that tags-fill writes
    #[arg(long, default_value_t = 10_000)]
    pub(crate) tags: u64,
    /// Tags on a page of tags-page
    #[arg(long, default_value_t = 1000)]
    pub(crate) page: u64,
    /// Seed of the first blob; the next have the next numbers
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Distinct blobs, used in turn (pull: 1, push: as many as requests)
    #[arg(long)]
    pub(crate) blobs: Option<u64>,
    /// Target of mount; without it a new repository for each request
    #[arg(long)]
    pub(crate) mount_to: Option<String>,
    /// What names the manifest
    #[arg(long, value_enum, default_value = "tag")]
    pub(crate) by: Reference,
    /// Hash what is pulled and compare
    #[arg(long)]
    pub(crate) verify: bool,
    /// Server processes to account, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub(crate) pid: Vec<u32>,
    /// Seconds after which a request counts as failed
    #[arg(long, default_value_t = 300)]
    pub(crate) timeout: u64,
}

impl RunOptions {
    /// The defaults of the command line for a workload.
    pub(crate) fn of(workload: Workload) -> Self {
        Self {
            workload,
            label: String::new(),
            repo: "bench/r".to_owned(),
            size: 1 << 20,
            count: None,
            secs: None,
            conc: 1,
            upload: UploadMode::Stream,
            layers: 8,
            tags: 10_000,
            page: 1000,
            seed: 1,
            blobs: None,
            mount_to: None,
            by: Reference::Tag,
            verify: false,
            pid: Vec::new(),
            timeout: 300,
        }
    }

    /// Requests after which the run ends, whatever the clock says.
    pub(crate) fn requests(&self) -> u64 {
        match (self.workload, self.count, self.secs) {
            (Workload::TagsFill, _, _) => self.tags,
            (_, Some(count), _) => count,
            (_, None, Some(_)) => u64::MAX,
            (_, None, None) => self.conc as u64,
        }
    }

    /// Time that one request may take.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, FromArgMatches, Parser};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: RunOptions,
    }

    #[test]
    fn defaults_in_code_are_those_of_the_command_line() {
        let matches = Line::command().get_matches_from(["run", "--workload", "pull"]);
        let line = Line::from_arg_matches(&matches).unwrap();
        let of = RunOptions::of(Workload::Pull);
        assert_eq!(format!("{:?}", line.options), format!("{of:?}"));
    }

    #[test]
    fn a_run_ends_by_count_else_by_time_else_after_one_request_each() {
        let requests = |workload, count, secs| {
            let options = RunOptions {
                count,
                secs,
                conc: 3,
                tags: 7,
                ..RunOptions::of(workload)
            };
            options.requests()
        };
        assert_eq!(requests(Workload::Ping, Some(5), Some(1)), 5);
        assert_eq!(requests(Workload::Ping, None, Some(1)), u64::MAX);
        assert_eq!(requests(Workload::Ping, None, None), 3);
        assert_eq!(requests(Workload::TagsFill, Some(5), None), 7);
    }
}
