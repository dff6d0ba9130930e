//! Every setting, defined once: flags, `--help`, variables, keys of `ecru.toml` and the reference page all come
//! from the fields below. This is what was typed; [`super::Config`] is what it means.

#![expect(
    rustdoc::invalid_html_tags,
    rustdoc::broken_intra_doc_links,
    reason = "these docs are the help on a terminal, where <data> is a placeholder and [default: …] no link"
)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::secret_url::SecretUrl;
use super::span::Span;

/// Where the store is and whose it is.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// Directory of the store: database, objects and the lock that keeps a second process out
    #[arg(
        long,
        env = "ECRU_DATA",
        value_name = "DIR",
        default_value = "./ecru-data"
    )]
    pub data: PathBuf,

    /// Directory of the root key and the root credentials; must not lie within the data directory [default: <data>.keys]
    #[arg(long, env = "ECRU_KEYS", value_name = "DIR")]
    pub keys: Option<PathBuf>,

    /// The management account: twelve digits
    #[arg(
        long,
        env = "ECRU_ACCOUNT_ID",
        value_name = "ID",
        default_value = "000000000000"
    )]
    pub account_id: String,

    /// The server's region: a bare repository path belongs to it
    #[arg(
        long,
        env = "ECRU_REGION",
        value_name = "REGION",
        default_value = "us-east-1"
    )]
    pub region: String,

    /// Where the metadata is: `sqlite` (a file in the data directory) or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(
        long,
        env = "ECRU_METADATA",
        hide_env_values = true,
        value_name = "URL",
        default_value = "sqlite"
    )]
    pub metadata: SecretUrl,

    /// Directory of the encrypted objects [default: <data>/blobs]
    #[arg(long, env = "ECRU_BLOBS", value_name = "DIR")]
    pub blobs: Option<PathBuf>,

    /// Directory of the audit log [default: <data>/audit]
    #[arg(long, env = "ECRU_AUDIT_DIR", value_name = "DIR")]
    pub audit_dir: Option<PathBuf>,

    /// How many MiB of a file of the audit log are followed by another file
    #[arg(
        long,
        env = "ECRU_AUDIT_FILE_SIZE",
        value_name = "MIB",
        default_value_t = 64
    )]
    pub audit_file_size: u32,

    /// How long a layer that no image refers to is kept; it counts as present in the first half
    #[arg(
        long,
        env = "ECRU_LAYER_GRACE",
        value_name = "SPAN",
        default_value = "24h"
    )]
    pub layer_grace: Span,

    /// How long an upload lives without a request
    #[arg(
        long,
        env = "ECRU_UPLOAD_LIFETIME",
        value_name = "SPAN",
        default_value = "24h"
    )]
    pub upload_lifetime: Span,

    /// What `latest` answers while no such tag was ever pushed: the newest push, nothing (as ECR), or a tag that
    /// follows every push
    #[arg(
        long,
        env = "ECRU_LATEST",
        value_name = "MODE",
        default_value = "newest"
    )]
    pub latest: Latest,

    /// Networks and places that the server may ask though they are not public, also without TLS, separated by commas,
    /// such as `10.20.0.0/16,idp.internal:8443`; it asks for the keys of identity providers [default: none]
    #[arg(long, env = "ECRU_EGRESS_ALLOW", value_name = "LIST")]
    pub egress_allow: Option<String>,

    /// The least important lines that are logged
    #[arg(
        long,
        env = "ECRU_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info"
    )]
    pub log_level: LogLevel,

    /// How log lines are written, on standard error
    #[arg(
        long,
        env = "ECRU_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// File of settings; `ecru.toml` in the working directory is read if there is one
    #[arg(long, env = "ECRU_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How requests are served.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Address and port of the one listener that serves everything
    #[arg(
        long,
        env = "ECRU_LISTEN",
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:5050"
    )]
    pub listen: SocketAddr,

    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,

    /// File of the TLS certificate chain (PEM); the listener then speaks TLS. Read again on SIGHUP
    #[arg(long, env = "ECRU_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// File of the certificate's private key (PEM)
    #[arg(long, env = "ECRU_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Host and port that repository URIs and the proxy endpoint carry, such as `https://registry.example.com` or
    /// `{account}.dkr.ecr.{region}.example.com`; without a scheme, clients speak TLS to it if the listener does
    /// [default: localhost:<port> on a loopback listener, else the address]
    #[arg(long, env = "ECRU_REGISTRY_URI", value_name = "HOST")]
    pub registry_uri: Option<String>,

    /// Addresses and ranges, separated by commas, of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are
    /// believed: `10.0.0.0/8,192.0.2.1` [default: none]
    #[arg(long, env = "ECRU_TRUSTED_PROXIES", value_name = "RANGES")]
    pub trusted_proxies: Option<String>,

    /// Address and port of `/metrics`, or `off`; where the default is taken already, the server goes on without
    /// [default: 127.0.0.1:5051]
    #[arg(long, env = "ECRU_METRICS_LISTEN", value_name = "ADDR:PORT")]
    pub metrics_listen: Option<MetricsListen>,

    /// How long a client may take to send the head of a request, or to finish a TLS handshake
    #[arg(
        long,
        env = "ECRU_HEADER_TIMEOUT",
        value_name = "SPAN",
        default_value = "15s"
    )]
    pub header_timeout: Span,

    /// How long a connection may stay without a request, and how long a client may stop sending a body under `/v2/` or
    /// reading its answer
    #[arg(
        long,
        env = "ECRU_IDLE_TIMEOUT",
        value_name = "SPAN",
        default_value = "75s"
    )]
    pub idle_timeout: Span,

    /// How long requests may go on after the server was asked to end; uploads that are cut can be resumed
    #[arg(
        long,
        env = "ECRU_SHUTDOWN_GRACE",
        value_name = "SPAN",
        default_value = "10s"
    )]
    pub shutdown_grace: Span,

    /// How many connections are open at once; more wait in the system's queue
    #[arg(
        long,
        env = "ECRU_MAX_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 20_000
    )]
    pub max_connections: u32,
}

/// What `latest` means while nobody pushed such a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Latest {
    /// The image last pushed by tag.
    Newest,
    /// Nothing: what ECR does.
    Explicit,
    /// The tag moves with every tagged push.
    Follow,
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Something failed that should not have.
    Error,
    /// Something needs attention.
    Warn,
    /// What the server does, a line for each request.
    Info,
    /// Why it does it.
    Debug,
    /// Everything.
    Trace,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Where metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListen {
    /// Nowhere.
    Off,
    /// There.
    At(SocketAddr),
}

impl FromStr for MetricsListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse()
            .map(Self::At)
            .map_err(|_| "neither ADDR:PORT nor off".to_owned())
    }
}
