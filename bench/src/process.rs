//! What a server process has used, read from /proc (`proc(5)`).

use std::fs;

use anyhow::Context;

use crate::size::float;

/// Ticks a second of the times in `/proc/PID/stat`: `USER_HZ`, 100 on every Linux there is.
const TICKS_PER_SECOND: f64 = 100.0;
const BYTES_PER_KIB: f64 = 1024.0;

/// CPU time and bytes written so far, of several processes together, children not included.
#[derive(Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system time, seconds.
    pub(crate) cpu_seconds: f64,
    /// Bytes sent to the storage layer.
    pub(crate) written_bytes: f64,
}

impl Usage {
    /// Reads what the processes have used up to now.
    ///
    /// # Errors
    /// A process that is not there, or that this user may not read.
    pub(crate) fn of(pids: &[u32]) -> anyhow::Result<Self> {
        let mut usage = Self::default();
        for pid in pids {
            usage.cpu_seconds += cpu_seconds(&read(*pid, "stat")?)?;
            usage.written_bytes += float(field(&read(*pid, "io")?, "write_bytes:")?);
        }
        Ok(usage)
    }

    /// What was used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds - earlier.cpu_seconds,
            written_bytes: self.written_bytes - earlier.written_bytes,
        }
    }
}

/// Forgets the peak of resident memory, so that the next peak is that of the run.
///
/// # Errors
/// A process that is not there, or that this user may not change.
pub(crate) fn reset_memory_peak(pids: &[u32]) -> anyhow::Result<()> {
    for pid in pids {
        fs::write(format!("/proc/{pid}/clear_refs"), "5")
            .with_context(|| format!("reset the memory peak of process {pid}"))?;
    }
    Ok(())
}

/// Peak of resident memory since the last reset, MiB.
pub(crate) fn memory_peak_mib(pids: &[u32]) -> anyhow::Result<f64> {
    memory_mib(pids, "VmHWM:")
}

/// Resident memory now, MiB.
pub(crate) fn memory_now_mib(pids: &[u32]) -> anyhow::Result<f64> {
    memory_mib(pids, "VmRSS:")
}

fn memory_mib(pids: &[u32], name: &str) -> anyhow::Result<f64> {
    let mut kib = 0;
    for pid in pids {
        kib += field(&read(*pid, "status")?, name)?;
    }
    Ok(float(kib) / BYTES_PER_KIB)
}

/// CPU seconds that the driver itself has used.
pub(crate) fn own_cpu_seconds() -> anyhow::Result<f64> {
    cpu_seconds(&fs::read_to_string("/proc/self/stat")?)
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).with_context(|| format!("read {path}"))
}

/// Fields 14 and 15; the name in field 2 may hold blanks and parentheses.
fn cpu_seconds(stat: &str) -> anyhow::Result<f64> {
    let (_, fields) = stat.rsplit_once(')').context("no process name in stat")?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = 0;
    for _ in 0..2 {
        let field = fields.next().context("stat is too short")?;
        ticks += field.parse::<u64>().context("stat field is not a number")?;
    }
    Ok(float(ticks) / TICKS_PER_SECOND)
}

fn field(text: &str, name: &str) -> anyhow::Result<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_ascii_whitespace().next())
        .with_context(|| format!("no field {name}"))?;
    Ok(value.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_and_system_of_the_process_alone() {
        let stat = "42 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 9000 9000 20 0 8 0";
        assert!((cpu_seconds(stat).unwrap() - 2.0).abs() < 1e-9);
        assert!(cpu_seconds("42 nothing").is_err());
        assert!(cpu_seconds("42 (x) S 1").is_err());
    }

    #[test]
    fn fields_are_found_by_name() {
        let status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n";
        assert_eq!(field(status, "VmHWM:").unwrap(), 2048);
        assert_eq!(field(status, "VmRSS:").unwrap(), 1024);
        assert!(field(status, "VmSwap:").is_err());
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(Usage::of(&[u32::MAX]).is_err());
        assert!(Usage::of(&[std::process::id()]).is_ok());
    }
}
