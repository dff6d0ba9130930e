//! The contract of the blobs port.
