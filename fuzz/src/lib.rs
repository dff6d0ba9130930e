//! What the fuzz targets share. Each target holds one family of parsers against properties that are written down
//! a second time, independently: see `docs/fuzzing.md`.
//!
//! - [`request`]: an HTTP request from text, so that a corpus can be read
//! - [`model`]: the API's model, read at run time, as a judge of the generated decoders
//! - [`registry`]: a registry in memory and a scratch directory

pub mod model;
pub mod registry;
pub mod request;
