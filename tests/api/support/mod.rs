//! What the tests stand on: a database of its own for each test, the real server before it, and a client that holds every answer against the
//! OpenAPI document.

pub mod app;
pub mod client;
pub mod database;
pub mod document;
pub mod downloads;
pub mod image;
pub mod keys;
pub mod mirror;
pub mod pdf;
pub mod process;
pub mod raw;
pub mod reads;
pub mod records;
pub mod table;

pub use app::App;
pub use client::Answer;
pub use database::{Database, Home};
pub use process::Process;
pub use table::{at, run};

/// Lists tests, each of which runs on SQLite and on Postgres: `cargo test` shows both. The type of its argument says what a test gets:
/// an [`App`] that serves the collection of the seed, or only the [`Database`] to make something else of.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name($crate::support::Database::Sqlite.into());
            })*
        }

        mod postgres {
            $(#[test]
            fn $name() {
                super::$name($crate::support::Database::Postgres.into());
            })*
        }
    };
}
pub(crate) use both;

/// The ids of a list's items, in order.
pub fn ids(list: &serde_json::Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    items.iter().map(|item| item["id"].as_str().unwrap_or_else(|| panic!("no id: {item}")).to_owned()).collect()
}

/// Text made fit for a query's value.
pub fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Path and query of a link, whatever server it leads to.
pub fn local(link: &serde_json::Value) -> String {
    let url = url::Url::parse(link.as_str().unwrap_or_else(|| panic!("no link: {link}"))).expect("an absolute link");
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// The pages of a list from `target` on, by following `next`.
pub fn crawl(app: &App, target: &str) -> Vec<serde_json::Value> {
    let mut pages = vec![app.get(target).ok()];
    while let Some(next) = pages.last().and_then(|page| page.get("next")) {
        let next = next.as_str().expect("a link").to_owned();
        pages.push(app.get(&next).ok());
        assert!(pages.len() < 1_000, "{target} never ends");
    }
    pages
}
