//! aws-gateway
