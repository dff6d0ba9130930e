//! The log: one line for each request and for what an operator must know, on standard error.

mod lines;

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::configuration::arguments::{LogFormat, LogLevel};
use lines::Lines;

pub use lines::LastLines;

/// Starts the log of this process, and has panics written to it. It ends when the value is dropped.
///
/// Other people's crates are heard from warnings on only, whatever the level: what they write in detail about
/// connections holds credentials.
pub fn start(level: LogLevel, format: LogFormat) -> io::Result<LastLines> {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("ecru", level);
    let registry = tracing_subscriber::registry().with(filter);
    let (lines, last) = Lines::to(io::stderr())?;
    let layer = tracing_subscriber::fmt::layer().with_writer(lines);
    let started = match format {
        LogFormat::Text => registry.with(layer.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    started.map_err(io::Error::other)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, message = panic.payload_as_str(), "panic");
    }));
    Ok(last)
}
