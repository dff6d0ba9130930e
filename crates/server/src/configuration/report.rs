//! What people read about settings: the values in force and where each comes from, and the reference page.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::{Arg, ArgMatches, Command};

use super::layers::{SettingsFile, Source};
use super::meaning::{Config, MetadataPlace};

/// Lists every setting of `serve`: name, effective value, source. Passwords are masked.
pub fn explain(
    serve: &Command,
    matches: &ArgMatches,
    file: &SettingsFile,
    config: &Config,
) -> String {
    let mut text = String::new();
    for argument in settings(serve) {
        let name = argument.get_long().unwrap_or_default();
        let value = derived(name, config)
            .or_else(|| typed(argument, matches))
            .unwrap_or_else(|| "(not set)".to_owned());
        let source = match file.source_of(argument, matches) {
            Source::Default => "default".to_owned(),
            Source::File(path) => path.display().to_string(),
            Source::Environment(variable) => variable,
            Source::Flag => "flag".to_owned(),
        };
        // writing to a String cannot fail
        writeln!(text, "{name} = {value}  [{source}]").ok();
    }
    text
}

/// The value of a setting that depends on others, or must not be printed as it was typed.
fn derived(name: &str, config: &Config) -> Option<String> {
    match name {
        "keys" => Some(config.store.keys.display().to_string()),
        "audit-dir" => Some(config.store.audit.directory.display().to_string()),
        "blobs" => Some(config.store.blobs.display().to_string()),
        "metadata" => Some(match &config.store.metadata {
            MetadataPlace::Sqlite(path) => path.display().to_string(),
            MetadataPlace::Postgres(url) => url.to_string(),
        }),
        "registry-uri" => Some(config.reached_at(config.listen).host),
        "metrics-listen" => Some(
            config
                .metrics
                .map_or_else(|| "off".to_owned(), |place| place.address.to_string()),
        ),
        _ => None,
    }
}

fn typed(argument: &Arg, matches: &ArgMatches) -> Option<String> {
    let mut values = matches.get_raw(argument.get_id().as_str())?;
    values
        .next()
        .map(|value| value.to_string_lossy().into_owned())
}

/// The reference page, `docs/configuration.md`.
pub fn reference(serve: &Command) -> String {
    let mut page = String::from(INTRODUCTION);
    for argument in settings(serve) {
        let name = argument.get_long().unwrap_or_default();
        let placeholder = argument
            .get_value_names()
            .and_then(|names| names.first())
            .map_or("", |name| name.as_str());
        let variable = argument
            .get_env()
            .map(|name| name.to_string_lossy())
            .unwrap_or_default();
        let help = argument
            .get_help()
            .map(StyledStr::to_string)
            .unwrap_or_default();
        writeln!(page, "\n### `{name}`\n\n{}.\n", escaped(&help)).ok();
        let key = if name == "config" {
            "–".to_owned()
        } else {
            format!("`{name}`")
        };
        writeln!(
            page,
            "| flag | variable | key in the file | default |\n|---|---|---|---|"
        )
        .ok();
        let default = default_of(argument)
            .map_or_else(|| "see above".to_owned(), |value| format!("`{value}`"));
        writeln!(
            page,
            "| `--{name} {placeholder}` | `{variable}` | {key} | {default} |"
        )
        .ok();
        let values: Vec<_> = argument.get_possible_values();
        if !values.is_empty() {
            page.push('\n');
        }
        for value in values {
            let help = value
                .get_help()
                .map(StyledStr::to_string)
                .unwrap_or_default();
            writeln!(page, "- `{}`: {help}", value.get_name()).ok();
        }
    }
    page.push_str(ROOT_KEY);
    page
}

fn settings(serve: &Command) -> impl Iterator<Item = &Arg> {
    serve
        .get_arguments()
        .filter(|argument| argument.get_env().is_some())
}

/// The default that is part of the definition; those that follow from other settings are told in the help.
fn default_of(argument: &Arg) -> Option<String> {
    argument
        .get_default_values()
        .first()
        .map(|value| value.to_string_lossy().into_owned())
}

/// `<data>` is not a tag.
fn escaped(help: &str) -> String {
    help.replace('<', "&lt;").replace('>', "&gt;")
}

const INTRODUCTION: &str = "\
# Settings

<!-- written by `ecru config reference`; a test compares -->

Every setting of `ecru serve` can be a flag, a variable of the environment, or a key of a TOML file; a flag wins over
a variable, a variable over the file. The file is the one that `--config` names, or `ecru.toml` in the working
directory. It is flat: `listen = \"127.0.0.1:5050\"`. A key that is no setting is refused.
`ecru config explain` prints the values in force and where each comes from. All settings exist since version 0.1.

A span is a whole number and a unit: `500ms`, `30s`, `15m`, `24h`, `7d`.

## Settings of `serve`
";

const ROOT_KEY: &str = "
## The root access key

`ECRU_ROOT_ACCESS_KEY_ID` and `ECRU_ROOT_SECRET_ACCESS_KEY` set the root access key of the management account, both or
neither. They are variables only: flags and files are read by too many. Another pair at a later start replaces the
one before and ends its tokens. Without them, the first start makes a pair and writes it to `credentials` in the keys
directory.
";
