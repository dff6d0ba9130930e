//! Puts the layers of settings on top of each other: defaults, then the file, then the environment, then flags.
//!
//! The values of the file become the defaults of the arguments of the same name, so that one parser checks them all
//! and one order of precedence holds for every setting.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use thiserror::Error;

/// The file that is read from the working directory if it is there.
const CUSTOMARY_FILE: &str = "ecru.toml";
/// The longest file that is read, in bytes.
const LARGEST_FILE: u64 = 64 * 1_024;

/// Why a settings file is refused.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is too long to be one.
    #[error("{} is longer than {LARGEST_FILE} bytes", .0.display())]
    TooLong(PathBuf),
    /// It is not TOML.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// It has a key that no setting has.
    #[error("{}: unknown key `{key}`; known are {known}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// All settings.
        known: String,
    },
    /// A value is not one of its setting.
    #[error("{}: {message}", path.display())]
    InvalidValue {
        /// The file.
        path: PathBuf,
        /// Which and why.
        message: String,
    },
}

/// The settings of a file, checked to be settings.
#[derive(Debug, Default)]
pub struct SettingsFile {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A settings file.
    File(PathBuf),
    /// The variable of that name.
    Environment(String),
    /// A flag.
    Flag,
}

impl SettingsFile {
    /// Reads the file that `named` says, else the customary one if it is there.
    ///
    /// `settings` are the names of all settings of `serve`.
    pub fn read(named: Option<&Path>, settings: &BTreeSet<String>) -> Result<Self, FileError> {
        let path = named.unwrap_or(Path::new(CUSTOMARY_FILE));
        let unreadable = |source| FileError::Unreadable {
            path: path.to_owned(),
            source,
        };
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
                return Ok(Self::default());
            }
            Err(error) => return Err(unreadable(error)),
            Ok(metadata) if metadata.len() > LARGEST_FILE => {
                return Err(FileError::TooLong(path.to_owned()));
            }
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(path, &text, settings)
    }

    /// Reads the text of the file at `path`.
    pub fn parse(path: &Path, text: &str, settings: &BTreeSet<String>) -> Result<Self, FileError> {
        let table: toml::Table =
            text.parse()
                .map_err(|error: toml::de::Error| FileError::Malformed {
                    path: path.to_owned(),
                    message: located(&error, text),
                })?;
        let mut values = BTreeMap::new();
        for (key, value) in table {
            if !settings.contains(&key) {
                let known = settings
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", ");
                return Err(FileError::UnknownKey {
                    path: path.to_owned(),
                    key,
                    known,
                });
            }
            let Some(text) = scalar(value) else {
                let message = format!("`{key}` must be a string, a number or a truth value");
                return Err(FileError::InvalidValue {
                    path: path.to_owned(),
                    message,
                });
            };
            values.insert(key, text);
        }
        Ok(Self {
            path: path.to_owned(),
            values,
        })
    }

    /// Makes the file's values the defaults of the arguments of the same name, in every subcommand.
    pub fn underlie(&self, command: Command) -> Command {
        let command = command.mut_args(|argument| match self.value_of(&argument) {
            Some(value) => argument.default_value(value.to_owned()),
            None => argument,
        });
        command.mut_subcommands(|subcommand| self.underlie(subcommand))
    }

    /// The same error, told of the file's key instead of a flag that nobody typed.
    pub fn blame(&self, error: &clap::Error) -> FileError {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => text.as_str(),
            _ => "",
        };
        let flag = text(ContextKind::InvalidArg);
        let key = long_name(flag);
        let reason = std::error::Error::source(error)
            .map_or_else(String::new, |source| format!(": {source}"));
        let message = format!(
            "`{key}` cannot be `{}`{reason}",
            text(ContextKind::InvalidValue)
        );
        FileError::InvalidValue {
            path: self.path.clone(),
            message,
        }
    }

    /// Where the value of an argument comes from.
    pub fn source_of(&self, argument: &Arg, matches: &ArgMatches) -> Source {
        match matches.value_source(argument.get_id().as_str()) {
            Some(ValueSource::CommandLine) => Source::Flag,
            Some(ValueSource::EnvVariable) => Source::Environment(
                argument
                    .get_env()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
            ),
            _ if self.value_of(argument).is_some() => Source::File(self.path.clone()),
            _ => Source::Default,
        }
    }

    fn value_of(&self, argument: &Arg) -> Option<&str> {
        self.values.get(argument.get_long()?).map(String::as_str)
    }
}

/// The names of the settings that a file may have: the long flags of `serve` that take a value.
pub fn settings_of(serve: &Command) -> BTreeSet<String> {
    let settable = serve
        .get_arguments()
        .filter(|argument| argument.get_env().is_some());
    settable
        .filter_map(Arg::get_long)
        .filter(|name| *name != "config")
        .map(str::to_owned)
        .collect()
}

/// Parses a command line over the settings file that it names, or the customary one.
///
/// # Errors
/// The inner error is a refused command line (or a wish for help), the outer a refused file.
pub fn parse(
    command: &Command,
    line: &[OsString],
) -> Result<Result<(ArgMatches, SettingsFile), clap::Error>, FileError> {
    let typed = match command.clone().try_get_matches_from(line) {
        Ok(typed) => typed,
        Err(error) => return Ok(Err(name_variable(error, command, line))),
    };
    let Some(named) = leaf(&typed)
        .try_get_one::<PathBuf>("config")
        .ok()
        .map(Option::<&PathBuf>::cloned)
    else {
        return Ok(Ok((typed, SettingsFile::default())));
    };
    let serve = command
        .find_subcommand("serve")
        .map(settings_of)
        .unwrap_or_default();
    let file = SettingsFile::read(named.as_deref(), &serve)?;
    match file.underlie(command.clone()).try_get_matches_from(line) {
        Ok(matches) => Ok(Ok((matches, file))),
        Err(error) => Err(file.blame(&error)),
    }
}

/// The same error, told of the variable too if the value comes from there.
fn name_variable(mut error: clap::Error, command: &Command, line: &[OsString]) -> clap::Error {
    let is_of_value = matches!(
        error.kind(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation
    );
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let name = long_name(flag);
    let is_typed = line.iter().any(|word| {
        word.to_string_lossy().starts_with("--") && long_name(&word.to_string_lossy()) == name
    });
    let variable = variable_of(command, name).filter(|name| std::env::var_os(name).is_some());
    if let Some(variable) = variable.filter(|_| is_of_value && !is_typed) {
        let both = format!("{flag}' from '{}", variable.to_string_lossy());
        error.insert(ContextKind::InvalidArg, ContextValue::String(both));
    }
    error
}

/// The variable of a flag, in whichever subcommand has it.
fn variable_of(command: &Command, name: &str) -> Option<OsString> {
    let mut arguments = command.get_arguments();
    let own = arguments.find(|argument| argument.get_long() == Some(name));
    own.and_then(Arg::get_env).map(OsStr::to_owned).or_else(|| {
        let mut subcommands = command.get_subcommands();
        subcommands.find_map(|subcommand| variable_of(subcommand, name))
    })
}

/// `--name VALUE` and `--name=VALUE` without dashes and value.
fn long_name(flag: &str) -> &str {
    let name = flag.trim_start_matches('-').split([' ', '=']).next();
    name.unwrap_or_default()
}

/// The matches of the innermost subcommand.
pub fn leaf(matches: &ArgMatches) -> &ArgMatches {
    matches
        .subcommand()
        .map_or(matches, |(_, inner)| leaf(inner))
}

fn scalar(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Float(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => None,
    }
}

/// The parser's message without the line of the file, which may hold a password.
fn located(error: &toml::de::Error, text: &str) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map_or(1, |before| before.lines().count().max(1));
    format!("line {line}: {}", error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> BTreeSet<String> {
        ["listen", "max-connections"].map(str::to_owned).into()
    }

    #[test]
    fn files_with_unknown_keys_wrong_kinds_or_no_toml_are_refused_by_name() {
        for (text, told) in [
            (
                "lisen = \"127.0.0.1:1\"",
                "f.toml: unknown key `lisen`; known are listen, max-connections",
            ),
            (
                "[listen]\nx = 1",
                "f.toml: `listen` must be a string, a number or a truth value",
            ),
            (
                "listen = [1]",
                "f.toml: `listen` must be a string, a number or a truth value",
            ),
        ] {
            let error = SettingsFile::parse(Path::new("f.toml"), text, &settings()).unwrap_err();
            assert_eq!(error.to_string(), told);
        }
        let error = SettingsFile::parse(Path::new("f.toml"), "\nlisten = s3cret", &settings())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("f.toml: line 2: "), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn numbers_and_strings_are_settings() {
        let file = SettingsFile::parse(
            Path::new("f"),
            "listen = \"[::1]:1\"\nmax-connections = 7",
            &settings(),
        )
        .unwrap();
        assert_eq!(file.values["listen"], "[::1]:1");
        assert_eq!(file.values["max-connections"], "7");
    }
}
