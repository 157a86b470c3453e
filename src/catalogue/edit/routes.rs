//! Routes of editing, the same for all nouns.
