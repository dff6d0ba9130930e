//! The commands of the binary.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::configuration::{ServeArgs, StoreArgs};

/// Settings of a server that mean nothing to a command that asks one, or opens its store.
const OF_SERVING: [&str; 5] = [
    "layer_grace",
    "upload_lifetime",
    "latest",
    "audit_file_size",
    "egress_allow",
];
/// Settings of the store, which a command that only asks a server never opens.
const OF_THE_STORE: [&str; 4] = ["metadata", "blobs", "account_id", "audit_dir"];

/// A self-hosted Elastic Container Registry: the AWS ECR API and the OCI distribution API in one program.
#[derive(Debug, Parser)]
#[command(name = "ecru", version, about, disable_help_subcommand = true)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The definition of the command line. Each command takes all settings, so that one file does for all of them; its
/// help lists those that concern it.
pub fn definition() -> clap::Command {
    let asks_or_opens = |command: clap::Command| hidden(command, &OF_SERVING);
    let asks = move |command| hidden(asks_or_opens(command), &OF_THE_STORE);
    CommandLine::command()
        .mut_subcommand("verify", asks_or_opens)
        .mut_subcommand("explain", asks)
        .mut_subcommand("audit", |audit| {
            audit.mut_subcommand("verify", asks_or_opens)
        })
        .mut_subcommand("token", |token| token.mut_subcommand("revoke-all", asks))
        .mut_subcommand("oidc", |oidc| oidc.mut_subcommand("keys", asks))
}

fn hidden(command: clap::Command, settings: &[&'static str]) -> clap::Command {
    settings.iter().fold(command, |command, setting| {
        command.mut_arg(*setting, |argument| argument.hide(true))
    })
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the registry
    Serve(Box<ServeArgs>),
    /// Read everything that is stored again, compare it with its digests and report what is wrong
    Verify(Box<VerifyArgs>),
    /// Say why a principal may do something, or not: every policy that binds it, and what it says
    Explain(Box<ExplainArgs>),
    /// The audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Authorization tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Providers of identities (`OpenID` Connect)
    #[command(subcommand)]
    Oidc(OidcCommand),
    /// Settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the version
    Version,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Read the files of the audit log and report every line that was changed, removed or cut off
    Verify(Box<AuditVerifyArgs>),
}

/// How to verify the audit log.
#[derive(Debug, Args)]
pub struct AuditVerifyArgs {
    /// Let the running server do it, for its own node
    #[arg(long)]
    pub online: bool,

    /// The server to ask, or the store.
    #[command(flatten)]
    pub administration: AdministrationArgs,
}

/// What to do with authorization tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// End every authorization token, session, page token and layer URL at once
    RevokeAll(Box<AdministrationArgs>),
}

/// What to do with providers of identities.
#[derive(Debug, Subcommand)]
pub enum OidcCommand {
    /// Give the server the keys of a provider that it cannot ask for them
    Keys(Box<OidcKeysArgs>),
}

/// Which keys of which provider.
#[derive(Debug, Args)]
pub struct OidcKeysArgs {
    /// ARN of the registered provider
    #[arg(long, value_name = "ARN")]
    pub provider: String,

    /// File of its keys, a JSON Web Key Set; without it, the provider is asked for them again
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// The server to ask.
    #[command(flatten)]
    pub administration: AdministrationArgs,
}

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting of `serve` with its value and where it comes from
    Explain(Box<ServeArgs>),
    /// Print the reference page
    Reference,
}

/// How to verify.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Set damaged objects aside, out of reach; nothing is deleted
    #[arg(long)]
    pub repair: bool,

    /// Open the store itself, which no server may be using
    #[arg(long)]
    pub offline: bool,

    /// The server to ask.
    #[command(flatten)]
    pub administration: AdministrationArgs,
}

/// What to explain.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// ARN of the user, role, session of a role, or root user
    #[arg(long, value_name = "ARN")]
    pub principal: String,

    /// What it would do, such as `ecr:PutImage` or `sts:AssumeRole`
    #[arg(long)]
    pub action: String,

    /// On what: an ARN, or `*` for actions that have no resource
    #[arg(long, value_name = "ARN", default_value = "*")]
    pub resource: String,

    /// A condition key of the imagined request, such as `aws:SourceIp=192.0.2.1`; a key given twice has both values
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,

    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,

    /// The server to ask.
    #[command(flatten)]
    pub administration: AdministrationArgs,
}

/// Which server to ask.
#[derive(Debug, Args)]
pub struct AdministrationArgs {
    /// Address of the running server; its root credentials are taken from the keys directory or the environment
    #[arg(
        long,
        env = "ECRU_LISTEN",
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:5050"
    )]
    pub listen: SocketAddr,

    /// File of the certificate that the server must show, if it speaks TLS
    #[arg(long, env = "ECRU_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}
