//! The download form.

mod find;
mod schema;
