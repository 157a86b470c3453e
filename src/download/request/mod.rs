//! Download requests: what visitors ask for, and what they are answered.

pub mod create;
pub mod desk;
pub mod idempotency;
pub mod query;
pub mod read;
pub mod routes;
pub mod rules;
pub mod store;
pub mod token;
pub mod view;

pub use desk::Desk;
pub use idempotency::InFlight;
// The handlers with the descriptions that `utoipa` generates beside them.
pub use routes::*;
