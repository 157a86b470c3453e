//! `/v1/complements`

mod find;
mod list;
