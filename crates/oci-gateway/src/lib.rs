//! oci-gateway
