//! `/v1/testimonies`

mod find;
mod list;
