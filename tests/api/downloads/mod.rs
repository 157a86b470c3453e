//! Download links.

mod find;
mod stream;
