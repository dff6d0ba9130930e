//! metadata-sql
