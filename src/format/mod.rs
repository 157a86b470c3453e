//! How an answer is written: one file per media type. Knows views, never tables.

pub mod csv;
pub mod json;
pub mod ndjson;
