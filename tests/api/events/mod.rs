//! `/v1/events`

mod find;
mod list;
