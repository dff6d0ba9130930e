//! Settings, from one definition (`docs/configuration.md` is printed from it). In reading order:
//!
//! - [`arguments`]: every setting, as it is typed
//! - [`layers`]: file under environment under flags
//! - [`meaning`]: what the settings mean together, checked
//! - [`report`]: the values in force and their sources; the reference page
//! - [`span`], [`secret_url`]: two kinds of values

pub mod arguments;
pub mod layers;
pub mod meaning;
mod places;
pub mod report;
pub mod secret_url;
pub mod span;

pub use arguments::{ServeArgs, StoreArgs};
pub use meaning::{Config, StoreConfig};
