//! The commands of the binary.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::configuration::{ServeArgs, StoreArgs};

/// Settings of a server that mean nothing to a command that asks one, or opens its store.
const OF_SERVING: [&str; 4] = [
    "layer_grace",
    "upload_lifetime",
    "latest",
    "audit_file_size",
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
        .mut_subcommand("audit", |audit| {
            audit.mut_subcommand("verify", asks_or_opens)
        })
        .mut_subcommand("token", |token| token.mut_subcommand("revoke-all", asks))
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
    /// The audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Authorization tokens
    #[command(subcommand)]
    Token(TokenCommand),
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
    /// End every authorization token, page token and layer URL at once
    RevokeAll(Box<AdministrationArgs>),
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
