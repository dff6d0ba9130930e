//! The audit port on files: JSON lines, each with its place in the chain of its node.
//!
//! ```text
//! <audit>/node                      the node's name
//! <audit>/<node>.journal            lines that are on disk here before they are in their file
//! <audit>/<node>-0000000001.jsonl   first line: which file came before, and the hash at its end
//!         <node>-0000000002.jsonl   {…,"chain":{"line":2,"hash":"…"}}
//! ```
//!
//! A file that has ended is never touched again: what a crash left unfinished is closed by the first line of the next
//! file. The chain has no key. What keeps somebody from writing all of it anew is its head, which is kept elsewhere.
//! This room must never know what a line says.
//!
//! In reading order: `chain` (a line and its hash), `walk` (reading lines again), `first_line`, `directory` (names of
//! files), `journal` and `recovery` (where a chain goes on), `disk` and `writer` (the thread), `lines` and `queue` (the way
//! to it), [`log`], [`verify`](mod@verify).

mod chain;
mod directory;
mod disk;
mod first_line;
mod journal;
mod lines;
pub mod log;
mod queue;
mod recovery;
pub mod verify;
mod walk;
mod writer;

#[cfg(test)]
mod fault_tests;

pub use log::{AuditLog, OpenError, Options};
pub use verify::verify;
