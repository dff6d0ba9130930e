//! aws-model
