//! How an answer is written: one file per media type. Knows views, never tables.

pub mod json;
