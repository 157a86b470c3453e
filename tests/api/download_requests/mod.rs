//! Download requests.

mod create;
mod delete;
mod find;
mod idempotency;
mod privacy;
mod queue;
mod refused;
