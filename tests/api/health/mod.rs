//! `/health`

mod check;
