//! Keeps the root key and seals small things under it; writes the first access key for its owner.
//!
//! It never stores anything but the two files of the keys directory, and never prints what they hold.
//!
//! ```text
//! <keys dir>  0700
//! ├── root.key      0600   32 bytes in hexadecimal; without it the store cannot be read
//! └── credentials   0600   the root access key, as the AWS command line reads it
//! ```
//!
//! Reading order: [`FileKeyStore`] (the port), `sealing` (the construction), `root_key` (custody),
//! [`credentials`], `private_file` (modes, owners, durability). Beside them, [`JsonWebTokens`] checks what others signed.

pub mod credentials;
mod error;
mod file_key_store;
mod identity_tokens;
mod owner;
mod private_file;
mod root_key;
mod sealing;

pub use error::KeyStoreError;
pub use file_key_store::FileKeyStore;
pub use identity_tokens::JsonWebTokens;
