//! Use cases on real adapters (SQLite, a directory, a key file) with time as an argument.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    clippy::large_stack_arrays,
    clippy::unchecked_time_subtraction,
    reason = "a test tells its story in one piece, in plain values"
)]

mod authorization;
mod collection;
mod golden;
mod iam;
mod identities;
mod image_tags;
mod images;
mod issuers;
mod latest;
mod leftovers;
mod organizations;
mod people;
mod policies;
mod repositories;
mod rigged;
mod sessions;
mod storm;
mod tokens;
mod uploads;
mod verification;
mod web_identities;
mod world;
