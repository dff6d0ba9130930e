//! Settings: the file, the command line over it, and what both mean together. Passwords stay where they are.
//!
//! Input: the text of `ecru.toml`; values of single settings are read from its lines too.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _};
use ecru_key_store::FileKeyStore;
use ecru_key_store::credentials::AccessKeyPair;
use ecru_server::command_line::CommandLine;
use ecru_server::configuration::layers::{FileError, SettingsFile, settings_of};
use ecru_server::configuration::meaning::{MetadataPlace, SettingError};
use ecru_server::configuration::secret_url::SecretUrl;
use ecru_server::configuration::span::Span;
use ecru_server::configuration::{Config, ServeArgs};
use libfuzzer_sys::fuzz_target;

static COMMAND: LazyLock<clap::Command> = LazyLock::new(CommandLine::command);

fuzz_target!(|text: &str| {
    file(text);
    for line in text.lines().take(8) {
        let value = line.split_once('=').map_or(line, |(_, value)| value).trim();
        values(value.trim_matches('"'));
    }
});

fn file(text: &str) {
    let serve = COMMAND.find_subcommand("serve").expect("there is serve");
    let settings = settings_of(serve);
    let file = match SettingsFile::parse(Path::new("ecru.toml"), text, &settings) {
        Ok(file) => file,
        Err(refused) => return is_one_line(&refused),
    };
    let command = file.underlie(serve.clone());
    match command.try_get_matches_from(["serve"]) {
        Ok(matches) => {
            let args = ServeArgs::from_arg_matches(&matches).expect("settings have their types");
            meaning(&args);
        }
        Err(error) => is_one_line(&file.blame(&error)),
    }
}

/// What is refused is told without what the file holds elsewhere.
fn is_one_line(refused: &FileError) {
    let told = refused.to_string();
    assert!(told.starts_with("ecru.toml"), "{told}");
}

fn meaning(args: &ServeArgs) {
    let config = match Config::from_args(args, |_| None) {
        Ok(config) => config,
        Err(refused) => {
            assert!(!matches!(refused, SettingError::RootKey(_)));
            return;
        }
    };
    let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3_600));
    let year = hour * 24 * 365;
    assert!((second..=hour).contains(&config.http.header_timeout));
    assert!((second..=hour).contains(&config.http.idle_timeout));
    assert!(config.http.shutdown_grace <= hour);
    assert!((1..=1_000_000).contains(&config.http.max_connections));
    assert!((second..=year).contains(&config.store.layer_grace));
    assert!((second..=year).contains(&config.store.upload_lifetime));
    assert!(!config.store.keys.starts_with(&config.store.data));
    assert_eq!(
        config.tls.is_some(),
        args.tls_cert.is_some() && args.tls_key.is_some()
    );
    let reached = config.reached_at(config.listen);
    assert!(!reached.host.is_empty() && !reached.host.contains(['/', '@', ' ']));
    if let MetadataPlace::Postgres(url) = &config.store.metadata {
        hides_the_password(url.expose(), &url.to_string());
    }
}

fn values(text: &str) {
    if let Ok(span) = text.parse::<Span>() {
        assert_eq!(span.to_string().parse(), Ok(span));
    }
    let Ok(url) = text.parse::<SecretUrl>();
    assert_eq!(url.expose(), text);
    hides_the_password(text, &url.to_string());
    assert_eq!(format!("{url:?}"), url.to_string());
    if let Some((id, secret)) = text.split_once(' ')
        && let Ok(pair) = AccessKeyPair::new(id, secret)
    {
        assert!((16..=128).contains(&pair.id().len()) && (8..=128).contains(&pair.secret().len()));
        assert_eq!(format!("{pair:?}"), format!("AccessKeyPair({id}, …)"));
    }
    if let Ok(keys) = FileKeyStore::from_text(text) {
        assert!(!format!("{keys:?}").contains(text.trim()));
        assert_eq!(keys.fingerprint().len(), 32);
    }
}

/// Neither the password between the first colon of a URL and its last `@`, nor any piece of it that is long enough to
/// be told from what stands around it, is ever shown.
fn hides_the_password(url: &str, shown: &str) {
    let Some((_, rest)) = url.split_once("://") else {
        return;
    };
    let Some((user, _)) = rest.rsplit_once('@') else {
        return;
    };
    let Some((_, password)) = user.split_once(':') else {
        return;
    };
    for piece in password.as_bytes().windows(8) {
        let Ok(piece) = std::str::from_utf8(piece) else {
            continue;
        };
        let is_telling = url.matches(piece).count() == 1 && !piece.contains('…');
        assert!(!is_telling || !shown.contains(piece), "{shown}");
    }
}
