//! Editing: documents as editors read and send them, what is wrong with one, preconditions, and the writes themselves. One way for all nouns.

pub mod body;
pub mod editions;
pub mod history;
pub mod history_routes;
pub mod precondition;
pub mod routes;
pub mod schema;
pub mod write;

/// The largest document, in bytes.
pub const MAX_DOCUMENT: usize = 1024 * 1024;
