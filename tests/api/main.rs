//! The API, through HTTP, on both databases.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::needless_pass_by_value, reason = "a test owns its server")]
#![allow(unreachable_pub, reason = "a test binary exports nothing")]

mod support;

mod caching;
mod cli;
mod collection;
mod complements;
mod docs;
mod download_form;
mod download_requests;
mod downloads;
mod drafts;
mod editing;
mod editions;
mod entry;
mod events;
mod exchange;
mod facts;
mod faults;
mod files;
mod headers;
mod health;
mod keys;
mod languages;
mod life;
mod limits;
mod lists;
mod locales;
mod mirrors;
mod openapi;
mod plans;
mod problems;
mod readme;
mod ready;
mod seed;
mod sheets;
mod testimonies;
mod themes;
mod translations;
mod volumes;
