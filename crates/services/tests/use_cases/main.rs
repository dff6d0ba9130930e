//! Use cases on real adapters (SQLite, a directory, a key file) with time as an argument.

mod authorization;
mod collection;
mod images;
mod latest;
mod repositories;
mod tokens;
mod uploads;
mod verification;
mod world;
