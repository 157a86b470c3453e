//! What operators and developers use: the entry, health, documentation, and the verbs of the command line.

pub mod docs;
pub mod edition_cover;
pub mod edition_file;
pub mod entry;
pub mod export;
pub mod file;
pub mod generate;
pub mod health;
pub mod import;
pub mod key;
pub mod logging;
pub mod progress;
pub mod serve;
