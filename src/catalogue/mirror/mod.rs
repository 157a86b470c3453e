//! For who keeps a copy of the catalogue: what changed, a proof that nothing is missing, and all of it at once.

pub mod ahead;
pub mod changes;
pub mod digest;
pub mod place;
pub mod routes;
pub mod stream;
pub mod whole;
