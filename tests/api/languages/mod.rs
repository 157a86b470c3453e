//! `/v1/languages`

mod find;
mod list;
