//! Filled with the nonce property test.
