//! `/v1/volumes`

mod find;
mod list;

/// All of them, by number.
pub const ALL: &[&str] =
    &["strategy", "citizen-participation", "data-governance", "mobility", "monitoring-and-evaluation", "public-private-partnerships"];
