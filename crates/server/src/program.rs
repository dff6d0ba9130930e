//! From a command line to a command that has run.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{ArgMatches, FromArgMatches as _};
use tokio::runtime::Runtime;

use crate::command_line::{
    self, AuditCommand, Command, CommandLine, ConfigCommand, OidcCommand, TokenCommand,
};
use crate::configuration::layers::{self, SettingsFile, Source};
use crate::configuration::meaning::SettingError;
use crate::configuration::{Config, ServeArgs, StoreArgs, report};
use crate::logging::{self, LastLines};
use crate::{administration, serve};

/// Each reads or writes one object or file at a time.
const MOST_BLOCKING_THREADS: usize = 128;

/// Runs the command that `line` names, program name first, and returns how the process ends.
///
/// Wrong usage is told by clap with its own exit code, every other failure on standard error with exit code 1.
/// Threads call `give_back` when they have nothing to do.
pub fn run(line: &[OsString], give_back: fn()) -> ExitCode {
    match dispatch(line, give_back) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ecru: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// A failure with its causes, each told once: some errors repeat the one that they come from.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

fn dispatch(line: &[OsString], give_back: fn()) -> Result<ExitCode> {
    let definition = command_line::definition();
    let (matches, file) = match layers::parse(&definition, line)? {
        Ok(parsed) => parsed,
        Err(usage) => usage.exit(),
    };
    let command_line = CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let settings = Settings {
        definition: definition
            .find_subcommand("serve")
            .context("there is no serve command")?,
        matches: layers::leaf(&matches),
        file: &file,
    };
    carry_out(command_line.command, &settings, give_back).map_err(|error| settings.blame(error))
}

/// The settings as they were given.
struct Settings<'a> {
    /// Of `serve`, which has them all.
    definition: &'a clap::Command,
    matches: &'a ArgMatches,
    file: &'a SettingsFile,
}

impl Settings<'_> {
    /// The same error, told of where the value comes from if nobody typed it.
    fn blame(&self, error: anyhow::Error) -> anyhow::Error {
        let Some(SettingError::Invalid { name, .. }) = error.downcast_ref() else {
            return error;
        };
        let mut arguments = self.definition.get_arguments();
        let argument = arguments.find(|argument| argument.get_long() == Some(name));
        match argument.map(|argument| self.file.source_of(argument, self.matches)) {
            Some(Source::Environment(variable)) => error.context(variable),
            Some(Source::File(path)) => error.context(path.display().to_string()),
            Some(Source::Flag | Source::Default) | None => error,
        }
    }
}

fn carry_out(command: Command, settings: &Settings<'_>, give_back: fn()) -> Result<ExitCode> {
    match command {
        Command::Serve(args) => {
            let config = meant(&args)?;
            let _log = logging::start(config.store.log_level, config.store.log_format)?;
            runtime(give_back)?.block_on(serve::serve(config))?;
        }
        Command::Verify(args) => {
            let _log = start_log(&args.administration.store)?;
            if !runtime(give_back)?.block_on(administration::verify(&args))? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Explain(args) => {
            let _log = start_log(&args.administration.store)?;
            if !runtime(give_back)?.block_on(administration::explain(&args))? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Audit(AuditCommand::Verify(args)) => {
            let _log = start_log(&args.administration.store)?;
            if !runtime(give_back)?.block_on(administration::audit::verify(&args))? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Token(TokenCommand::RevokeAll(args)) => {
            let _log = start_log(&args.store)?;
            runtime(give_back)?.block_on(administration::revoke_tokens(&args))?;
        }
        Command::Oidc(OidcCommand::Keys(args)) => {
            let _log = start_log(&args.administration.store)?;
            runtime(give_back)?.block_on(administration::put_oidc_keys(&args))?;
        }
        Command::Config(ConfigCommand::Explain(args)) => {
            let config = meant(&args)?;
            print!(
                "{}",
                report::explain(
                    settings.definition,
                    settings.matches,
                    settings.file,
                    &config
                )
            );
        }
        Command::Config(ConfigCommand::Reference) => {
            print!("{}", report::reference(settings.definition));
        }
        Command::Version => println!("ecru {}", env!("CARGO_PKG_VERSION")),
    }
    Ok(ExitCode::SUCCESS)
}

/// A worker for each core, and threads for what blocks, within bounds.
fn runtime(give_back: fn()) -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .enable_all()
        .on_thread_park(give_back)
        .max_blocking_threads(MOST_BLOCKING_THREADS);
    builder.build().context("the runtime cannot be started")
}

fn start_log(args: &StoreArgs) -> Result<LastLines> {
    Ok(logging::start(args.log_level, args.log_format)?)
}

fn meant(args: &ServeArgs) -> Result<Config> {
    Ok(Config::from_args(args, |name| std::env::var(name).ok())?)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow!("no such file").context("the key: no such file");
        assert_eq!(told(&error), "the key: no such file");
        let error = anyhow!("no such file").context("the key");
        assert_eq!(
            told(&error.context("serve")),
            "serve: the key: no such file"
        );
    }
}
