//! The program: settings, listeners, wiring and background jobs around the gateways.
//!
//! It decides nothing about a registry: it starts what does, and keeps clients within limits. In reading order:
//!
//! - [`program`], [`command_line`], [`configuration`]: what the operator says, and what it means
//! - [`serve`], [`open_store`], [`welcome`]: from nothing to a server that answers, and back
//! - [`listener`], [`front`], [`registry`]: connections, what happens to every request, and who answers it
//! - [`proxies`]: who sent what came through a proxy
//! - [`jobs`], [`unhurried_clock`]: work in the background, and the time by which it collects
//! - [`administration`]: the commands that ask a running server
//! - [`logging`], [`metrics`], [`readiness`]: what operators and their machines see
//! - [`data_directory`], [`outside`], [`kernel`]: the machine

pub mod administration;
pub mod command_line;
pub mod configuration;
pub mod data_directory;
pub mod front;
pub mod jobs;
pub mod kernel;
pub mod listener;
pub mod logging;
pub mod metrics;
pub mod open_store;
pub mod outside;
pub mod program;
pub mod proxies;
pub mod readiness;
pub mod registry;
pub mod serve;
pub mod unhurried_clock;
pub mod welcome;
