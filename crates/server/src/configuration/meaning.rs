//! What the settings mean together. Everything that can be wrong with them is found here, before anything is opened.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ecru_domain::latest::LatestMode;
use ecru_domain::{AccountId, Region, Registry, address};
use ecru_key_store::KeyStoreError;
use ecru_key_store::credentials::AccessKeyPair;
use ecru_outbound::EgressAllow;
use thiserror::Error;
use zeroize::Zeroizing;

use super::arguments::{Latest, LogFormat, LogLevel, MetricsListen, ServeArgs, StoreArgs};
use super::places::{audit_place, beside, blobs_directory, is_within, metadata_place};
use super::secret_url::SecretUrl;
use super::span::Span;
use crate::proxies::TrustedProxies;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const YEAR: Duration = Duration::from_hours(24 * 365);
const MOST_CONNECTIONS: u32 = 1_000_000;
const LONGEST_HOST: usize = 255;
const METRICS_PORT: u16 = 5051;

/// The variables of the root access key. They are never flags: process lists show those.
pub const ROOT_KEY_VARIABLES: [&str; 2] =
    ["ECRU_ROOT_ACCESS_KEY_ID", "ECRU_ROOT_SECRET_ACCESS_KEY"];

/// A setting that cannot be meant.
#[derive(Debug, Error)]
pub enum SettingError {
    /// A value is not of its kind, or out of bounds.
    #[error("{name}: {reason}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Two settings do not go together.
    #[error("{0}")]
    Together(String),
    /// The root access key in the environment cannot be used.
    #[error("ECRU_ROOT_ACCESS_KEY_ID, ECRU_ROOT_SECRET_ACCESS_KEY: {0}")]
    RootKey(#[source] KeyStoreError),
}

/// Where the metadata is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataPlace {
    /// An `SQLite` file.
    Sqlite(PathBuf),
    /// A `PostgreSQL` server.
    Postgres(SecretUrl),
}

/// Where the audit log is, and how it is cut into files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPlace {
    /// Its directory.
    pub directory: PathBuf,
    /// From how many bytes on a file is followed by another.
    pub max_file_bytes: u64,
}

/// The store and its owner.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The data directory.
    pub data: PathBuf,
    /// The keys directory.
    pub keys: PathBuf,
    /// Management account and server region.
    pub home: Registry,
    /// Where the metadata is.
    pub metadata: MetadataPlace,
    /// Where the objects are.
    pub blobs: PathBuf,
    /// The audit log.
    pub audit: AuditPlace,
    /// How long an unreferenced layer stays.
    pub layer_grace: Duration,
    /// How long an upload lives without a request.
    pub upload_lifetime: Duration,
    /// What `latest` answers.
    pub latest: LatestMode,
    /// What the server may ask though it is not public.
    pub egress_allow: EgressAllow,
    /// The root access key that the operator supplies, if any.
    pub root_key: Option<AccessKeyPair>,
    /// Which lines are logged.
    pub log_level: LogLevel,
    /// How.
    pub log_format: LogFormat,
}

/// Certificate and key of the listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Where metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsPlace {
    /// There.
    pub address: SocketAddr,
    /// Whether it was asked for: then the server does not start without it.
    pub is_required: bool,
}

/// How long clients may take, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// For the head of a request, or a TLS handshake.
    pub header_timeout: Duration,
    /// For a connection without a request, or an answer that is not read.
    pub idle_timeout: Duration,
    /// For requests in flight once the server is asked to end.
    pub shutdown_grace: Duration,
    /// Open connections.
    pub max_connections: u32,
}

/// How clients reach the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryUri {
    /// Host and port; `{account}` and `{region}` stand for those of the registry meant.
    pub host: String,
    /// Whether they dial it without TLS.
    pub is_plain_http: bool,
}

/// Everything that `serve` needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The listener's address.
    pub listen: SocketAddr,
    /// Its TLS files, if it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// The store.
    pub store: StoreConfig,
    /// How clients reach the registry, if set.
    pub registry_uri: Option<RegistryUri>,
    /// Where metrics are served, if anywhere.
    pub metrics: Option<MetricsPlace>,
    /// Whose forwarding headers are believed.
    pub proxies: TrustedProxies,
    /// The limits of the listener.
    pub http: HttpLimits,
}

impl Config {
    /// What `args` mean; `variable` reads the environment.
    pub fn from_args(
        args: &ServeArgs,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let store = StoreConfig::from_args(&args.store, variable)?;
        let template = args.registry_uri.as_deref();
        let registry_uri = template.map(|text| registry_uri(text, args, &store.home));
        Ok(Self {
            listen: args.listen,
            tls: tls_files(args)?,
            registry_uri: registry_uri.transpose()?,
            metrics: metrics_place(args)?,
            proxies: proxies(args)?,
            http: HttpLimits {
                header_timeout: bounded("header-timeout", args.header_timeout, SECOND, HOUR)?,
                idle_timeout: bounded("idle-timeout", args.idle_timeout, SECOND, HOUR)?,
                shutdown_grace: bounded(
                    "shutdown-grace",
                    args.shutdown_grace,
                    Duration::ZERO,
                    HOUR,
                )?,
                max_connections: connections(args.max_connections)?,
            },
            store,
        })
    }

    /// How clients reach the registry, given where the listener really is.
    ///
    /// A listener on loopback or on every address is `localhost`: what docker takes without TLS.
    pub fn reached_at(&self, bound: SocketAddr) -> RegistryUri {
        if let Some(uri) = &self.registry_uri {
            return uri.clone();
        }
        let host = if bound.ip().is_loopback() || bound.ip().is_unspecified() {
            format!("localhost:{}", bound.port())
        } else {
            bound.to_string()
        };
        RegistryUri {
            host,
            is_plain_http: self.tls.is_none(),
        }
    }
}

impl StoreConfig {
    /// What `args` mean; `variable` reads the environment.
    pub fn from_args(
        args: &StoreArgs,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let data = args.data.clone();
        let keys = match &args.keys {
            Some(keys) => keys.clone(),
            None => beside(&data)?,
        };
        if is_within(&keys, &data)? {
            let reason = "the keys directory lies within the data directory: keys are backed up apart from what they open";
            return Err(SettingError::Together(reason.to_owned()));
        }
        Ok(Self {
            home: home(args)?,
            metadata: metadata_place(&args.metadata, &data)?,
            blobs: blobs_directory(args.blobs.as_deref(), &data)?,
            audit: audit_place(args, &data)?,
            layer_grace: bounded("layer-grace", args.layer_grace, SECOND, YEAR)?,
            upload_lifetime: bounded("upload-lifetime", args.upload_lifetime, SECOND, YEAR)?,
            latest: match args.latest {
                Latest::Newest => LatestMode::Newest,
                Latest::Explicit => LatestMode::Explicit,
                Latest::Follow => LatestMode::Follow,
            },
            egress_allow: EgressAllow::parse(args.egress_allow.as_deref().unwrap_or_default())
                .map_err(|error| invalid("egress-allow", error.to_string()))?,
            root_key: root_key(variable)?,
            log_level: args.log_level,
            log_format: args.log_format,
            data,
            keys,
        })
    }
}

pub(super) fn invalid(name: &'static str, reason: impl Into<String>) -> SettingError {
    SettingError::Invalid {
        name,
        reason: reason.into(),
    }
}

fn bounded(
    name: &'static str,
    span: Span,
    least: Duration,
    most: Duration,
) -> Result<Duration, SettingError> {
    let duration = span.duration();
    if (least..=most).contains(&duration) {
        return Ok(duration);
    }
    let (least, most) = (Span::from(least), Span::from(most));
    Err(invalid(
        name,
        format!("{span} is not between {least} and {most}"),
    ))
}

fn connections(count: u32) -> Result<u32, SettingError> {
    if (1..=MOST_CONNECTIONS).contains(&count) {
        return Ok(count);
    }
    Err(invalid(
        "max-connections",
        format!("{count} is not between 1 and {MOST_CONNECTIONS}"),
    ))
}

fn home(args: &StoreArgs) -> Result<Registry, SettingError> {
    Ok(Registry {
        account: AccountId::parse(&args.account_id)
            .map_err(|error| invalid("account-id", error.to_string()))?,
        region: Region::parse(&args.region)
            .map_err(|error| invalid("region", error.to_string()))?,
    })
}

fn proxies(args: &ServeArgs) -> Result<TrustedProxies, SettingError> {
    let text = args.trusted_proxies.as_deref().unwrap_or_default();
    TrustedProxies::parse(text).map_err(|reason| invalid("trusted-proxies", reason))
}

fn tls_files(args: &ServeArgs) -> Result<Option<TlsFiles>, SettingError> {
    match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        })),
        (None, None) => Ok(None),
        _ => Err(SettingError::Together(
            "tls-cert and tls-key go together: one is set, the other is not".to_owned(),
        )),
    }
}

fn metrics_place(args: &ServeArgs) -> Result<Option<MetricsPlace>, SettingError> {
    match args.metrics_listen {
        Some(MetricsListen::Off) => Ok(None),
        Some(MetricsListen::At(address)) if address == args.listen && address.port() != 0 => {
            Err(SettingError::Together(
                "metrics-listen is the address of listen: metrics have a listener of their own"
                    .to_owned(),
            ))
        }
        Some(MetricsListen::At(address)) => Ok(Some(MetricsPlace {
            address,
            is_required: true,
        })),
        None => {
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), METRICS_PORT);
            Ok(Some(MetricsPlace {
                address,
                is_required: false,
            }))
        }
    }
}

/// A template either names no registry, or every registry's own host in the AWS form.
fn registry_uri(
    text: &str,
    args: &ServeArgs,
    home: &Registry,
) -> Result<RegistryUri, SettingError> {
    let (template, is_plain_http) = match text.split_once("://") {
        Some(("https", rest)) => (rest, false),
        Some(("http", rest)) => (rest, true),
        _ => (text, args.tls_cert.is_none()),
    };
    let host = template
        .replace("{account}", home.account.as_str())
        .replace("{region}", home.region.as_str());
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b);
    if host.is_empty() || host.len() > LONGEST_HOST || !host.bytes().all(allowed) {
        let reason = "write a host in lower case, with a port if need be, without a path";
        return Err(invalid("registry-uri", reason));
    }
    if template.contains('{') && address::registry_of_host(&host).as_ref() != Some(home) {
        let reason = "with placeholders, write {account}.dkr.ecr.{region}. and a suffix";
        return Err(invalid("registry-uri", reason));
    }
    Ok(RegistryUri {
        host: template.to_owned(),
        is_plain_http,
    })
}

fn root_key(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<AccessKeyPair>, SettingError> {
    let [id, secret] = ROOT_KEY_VARIABLES.map(|name| variable(name).map(Zeroizing::new));
    match (id, secret) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => AccessKeyPair::new(&id, &secret)
            .map(Some)
            .map_err(SettingError::RootKey),
        _ => Err(SettingError::Together(format!(
            "{} go together: one is set, the other is not",
            ROOT_KEY_VARIABLES.join(" and ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::command_line::{Command, CommandLine};

    fn config(flags: &[&str]) -> Result<Config, String> {
        with_variables(flags, &[])
    }

    fn with_variables(flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, String> {
        let line = ["ecru", "serve"].iter().chain(flags);
        let Command::Serve(args) = CommandLine::try_parse_from(line).unwrap().command else {
            unreachable!()
        };
        let variable = |wanted: &str| {
            variables
                .iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::from_args(&args, variable).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_set_follows_from_what_is() {
        let plain = config(&[]).unwrap();
        assert_eq!(plain.store.keys, Path::new("./ecru-data.keys"));
        assert_eq!(plain.store.blobs, Path::new("./ecru-data/blobs"));
        assert_eq!(
            plain.store.metadata,
            MetadataPlace::Sqlite("./ecru-data/metadata.sqlite".into())
        );
        assert!(!plain.metrics.unwrap().is_required);
        let moved = config(&["--data", "/var/lib/ecru/", "--metrics-listen", "off"]).unwrap();
        assert_eq!(moved.store.keys, Path::new("/var/lib/ecru.keys"));
        assert_eq!(moved.metrics, None);
    }

    #[test]
    fn the_registry_is_localhost_unless_it_is_reached_otherwise() {
        let template = "{account}.dkr.ecr.{region}.example.com:5050";
        for (flags, bound, host, is_plain_http) in [
            (&[][..], "127.0.0.1:5050", "localhost:5050", true),
            (&[], "[::1]:7", "localhost:7", true),
            (&[], "0.0.0.0:7", "localhost:7", true),
            (&[], "192.0.2.1:7", "192.0.2.1:7", true),
            (
                &["--tls-cert", "c", "--tls-key", "k"],
                "192.0.2.1:7",
                "192.0.2.1:7",
                false,
            ),
            (
                &["--registry-uri", "r.example.com"],
                "127.0.0.1:5050",
                "r.example.com",
                true,
            ),
            (
                &["--registry-uri", "https://r.example.com"],
                "127.0.0.1:7",
                "r.example.com",
                false,
            ),
            (
                &["--registry-uri", template],
                "127.0.0.1:5050",
                template,
                true,
            ),
        ] {
            let reached = config(flags).unwrap().reached_at(bound.parse().unwrap());
            let expected = RegistryUri {
                host: host.to_owned(),
                is_plain_http,
            };
            assert_eq!(reached, expected, "{flags:?} {bound}");
        }
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused_by_name() {
        for (flags, told) in [
            (&["--account-id", "12"][..], "account-id: "),
            (&["--region", "Narnia"], "region: "),
            (
                &["--keys", "./ecru-data/keys"],
                "the keys directory lies within",
            ),
            (&["--data", "/"], "keys: / has no name"),
            (&["--metadata", "mysql://x"], "metadata: neither"),
            (&["--metadata", "sqlite://x"], "metadata: neither"),
            (&["--blobs", "s3://bucket"], "blobs: objects are kept"),
            (&["--tls-cert", "c.pem"], "tls-cert and tls-key go together"),
            (&["--tls-key", "k.pem"], "tls-cert and tls-key go together"),
            (
                &["--metrics-listen", "127.0.0.1:5050"],
                "metrics-listen is the address",
            ),
            (
                &["--header-timeout", "0s"],
                "header-timeout: 0s is not between 1s and 1h",
            ),
            (
                &["--idle-timeout", "2h"],
                "idle-timeout: 2h is not between 1s and 1h",
            ),
            (&["--shutdown-grace", "2h"], "shutdown-grace: "),
            (&["--layer-grace", "0s"], "layer-grace: "),
            (&["--upload-lifetime", "366d"], "upload-lifetime: "),
            (&["--max-connections", "0"], "max-connections: "),
            (&["--registry-uri", "ftp://registry"], "registry-uri: "),
            (&["--registry-uri", "registry/path"], "registry-uri: "),
            (&["--registry-uri", ""], "registry-uri: "),
            (&["--audit-file-size", "0"], "audit-file-size: 0 is not"),
            (
                &["--trusted-proxies", "10.0.0.0/33"],
                "trusted-proxies: 10.0.0.0/33 is neither",
            ),
            (
                &["--registry-uri", "{account}.registry"],
                "registry-uri: with placeholders",
            ),
            (&["--registry-uri", "{host}"], "registry-uri: "),
        ] {
            let error = config(flags).unwrap_err();
            assert!(error.starts_with(told), "{flags:?}: {error}");
        }
    }

    #[test]
    fn the_root_key_comes_whole_from_the_environment_and_is_not_told() {
        let [id, secret] = ROOT_KEY_VARIABLES;
        let pair = with_variables(
            &[],
            &[(id, "AKIAIOSFODNN7EXAMPLE"), (secret, "s3cret-s3cret")],
        )
        .unwrap();
        assert!(!format!("{pair:?}").contains("s3cret"));
        assert_eq!(pair.store.root_key.unwrap().secret(), "s3cret-s3cret");
        assert!(
            with_variables(&[], &[(id, "AKIAIOSFODNN7EXAMPLE")])
                .unwrap_err()
                .contains("go together")
        );
        assert!(
            with_variables(&[], &[(secret, "s3cret-s3cret")])
                .unwrap_err()
                .contains("go together")
        );
        let short = with_variables(&[], &[(id, "AKIA"), (secret, "s3cret-s3cret")]).unwrap_err();
        assert!(
            short.starts_with("ECRU_ROOT_ACCESS_KEY_ID") && !short.contains("s3cret"),
            "{short}"
        );
    }
}
