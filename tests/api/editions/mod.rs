//! `/v1/{volumes,complements}/{id}/editions`

mod find;
mod list;
