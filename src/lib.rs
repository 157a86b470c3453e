//! The map of the house. Arrows go one way:
//!
//! - `main` → `operations` (verbs) → `app` (the table of routes) → the routes of `catalogue` and `download`
//! - routes → `catalogue::answer` → `cache` or queries → `db`; routes → `format` → views; views ← queries
//! - `db`, `format`, `cache`, `http`, `storage`, `secret`, `error` know no noun and import no routes
//!
//! `catalogue` is what we publish, `download` what we accept (the only place with personal data), `storage` where files lie,
//! `format` how an answer is written, `http` the manners all routes share, `db` the two databases behind one door for reading and two for writing.

pub mod access;
pub mod app;
pub mod cache;
pub mod catalogue;
pub mod db;
pub mod download;
pub mod error;
pub mod format;
pub mod http;
pub mod openapi;
pub mod operations;
pub mod secret;
pub mod settings;
pub mod storage;
