//! What one run found, as one JSON line.

use serde::Serialize;

use crate::latency::Latencies;
use crate::options::RunOptions;
use crate::process::Usage;
use crate::size::float;

/// Payload below which CPU time for each gigabyte says nothing.
const LEAST_BYTES: u64 = 1_000_000;

/// Figures of one run. MB and GB are powers of ten, MiB of two.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) label: String,
    pub(crate) workload: String,
    pub(crate) size: u64,
    pub(crate) conc: usize,
    pub(crate) upload: String,
    /// Requests that succeeded
    pub(crate) ok: u64,
    pub(crate) errors: u64,
    pub(crate) first_error: String,
    pub(crate) secs: f64,
    /// Payload moved by the requests that succeeded
    pub(crate) bytes: u64,
    pub(crate) mb_s: f64,
    pub(crate) req_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) srv_cpu_s: f64,
    pub(crate) srv_cpu_s_per_gb: f64,
    pub(crate) srv_cpu_us_per_req: f64,
    /// Peak of resident memory, MiB
    pub(crate) srv_rss_peak_mb: f64,
    pub(crate) srv_write_mb: f64,
    pub(crate) cli_cpu_s: f64,
}

/// What was counted while the clock ran.
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    pub(crate) bytes: u64,
    pub(crate) latencies: Latencies,
    pub(crate) errors: u64,
    pub(crate) first_error: String,
    pub(crate) server: Usage,
    pub(crate) memory_peak_mib: f64,
    pub(crate) client_cpu_seconds: f64,
}

impl Outcome {
    /// Derives rates and costs from counts.
    pub(crate) fn new(options: &RunOptions, measured: Measured) -> Self {
        let seconds = measured.seconds.max(1e-9);
        let requests = measured.latencies.count();
        let cpu = measured.server.cpu_seconds;
        let percentile = |per_mille| rounded(measured.latencies.percentile_ms(per_mille));
        Self {
            label: options.label.clone(),
            workload: workload_name(options),
            size: options.size,
            conc: options.conc,
            upload: options.upload.to_string(),
            ok: requests,
            errors: measured.errors,
            first_error: measured.first_error,
            secs: rounded(seconds),
            bytes: measured.bytes,
            mb_s: rounded(float(measured.bytes) / 1e6 / seconds),
            req_s: rounded(float(requests) / seconds),
            p50_ms: percentile(500),
            p90_ms: percentile(900),
            p99_ms: percentile(990),
            max_ms: percentile(1000),
            srv_cpu_s: rounded(cpu),
            srv_cpu_s_per_gb: rounded(cpu_per_gb(cpu, measured.bytes)),
            srv_cpu_us_per_req: rounded(cpu * 1e6 / float(requests.max(1))),
            srv_rss_peak_mb: rounded(measured.memory_peak_mib),
            srv_write_mb: rounded(measured.server.written_bytes / 1e6),
            cli_cpu_s: rounded(measured.client_cpu_seconds),
        }
    }

    /// The run as one line of JSON.
    pub(crate) fn to_json_line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// Turns failed requests into an error.
    ///
    /// # Errors
    /// The number of failures and the first of them.
    pub(crate) fn require_no_errors(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.errors == 0,
            "{} requests failed, the first with: {}",
            self.errors,
            self.first_error
        );
        Ok(())
    }
}

fn workload_name(options: &RunOptions) -> String {
    use clap::ValueEnum;
    let value = options.workload.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

fn cpu_per_gb(cpu: f64, bytes: u64) -> f64 {
    if bytes < LEAST_BYTES {
        return 0.0;
    }
    cpu / (float(bytes) / 1e9)
}

/// Three decimals are more than any figure here is worth.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Workload;

    fn measured(bytes: u64, micros: Vec<u32>) -> Measured {
        Measured {
            seconds: 2.0,
            bytes,
            latencies: Latencies::from_micros(micros),
            errors: 1,
            first_error: "PUT upload: status 500\n\"boom\"".to_owned(),
            server: Usage {
                cpu_seconds: 3.0,
                written_bytes: 5e6,
            },
            memory_peak_mib: 21.5,
            client_cpu_seconds: 0.25,
        }
    }

    #[test]
    fn json_line_is_one_line_with_the_documented_fields() {
        let options = RunOptions {
            label: "a\nb".to_owned(),
            ..RunOptions::of(Workload::ManifestGet)
        };
        let outcome = Outcome::new(&options, measured(4_000_000_000, vec![1000, 2000]));
        let line = outcome.to_json_line().unwrap();
        assert!(!line.contains('\n'), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let wanted = serde_json::json!({
            "label": "a\nb", "workload": "manifest-get", "size": 1_048_576, "conc": 1,
            "upload": "stream", "ok": 2, "errors": 1,
            "first_error": "PUT upload: status 500\n\"boom\"",
            "secs": 2.0, "bytes": 4_000_000_000_u64, "mb_s": 2000.0, "req_s": 1.0,
            "p50_ms": 2.0, "p90_ms": 2.0, "p99_ms": 2.0, "max_ms": 2.0,
            "srv_cpu_s": 3.0, "srv_cpu_s_per_gb": 0.75, "srv_cpu_us_per_req": 1_500_000.0,
            "srv_rss_peak_mb": 21.5, "srv_write_mb": 5.0, "cli_cpu_s": 0.25,
        });
        assert_eq!(value, wanted);
        assert!(outcome.require_no_errors().is_err());
    }

    #[test]
    fn cost_for_each_gigabyte_is_zero_where_nothing_moved() {
        let options = RunOptions::of(Workload::Ping);
        let outcome = Outcome::new(&options, measured(0, Vec::new()));
        assert!(outcome.srv_cpu_s_per_gb.abs() < 1e-9);
        assert!(outcome.req_s.abs() < 1e-9);
    }
}
