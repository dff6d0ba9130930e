//! The suite on this engine.
