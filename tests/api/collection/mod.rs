//! `/v1/collection`

mod find;
