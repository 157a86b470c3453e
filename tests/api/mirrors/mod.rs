//! Mirrors: what changed, the proof, and everything at once.

mod catalogue;
mod changes;
mod crowd;
mod seven;
