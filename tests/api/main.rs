//! The API, through HTTP, on both databases.

mod support;

mod collection;
mod complements;
mod docs;
mod editions;
mod entry;
mod events;
mod health;
mod languages;
mod lists;
mod testimonies;
mod themes;
mod volumes;
