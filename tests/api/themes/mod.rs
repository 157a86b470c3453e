//! `/v1/themes`

mod find;
mod list;
