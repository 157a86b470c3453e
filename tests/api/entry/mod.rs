//! `/` and `/v1`

mod find;
