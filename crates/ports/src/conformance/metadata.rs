//! The contract of the metadata port.
