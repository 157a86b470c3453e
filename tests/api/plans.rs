//! How lists are read: by an index wherever the page lies, with as many statements for one record as for many.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Once;

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation};
use diesel::prelude::*;
use diesel::sql_types::Text;
use handbooks::catalogue::answer::List;
use handbooks::catalogue::locale::Locale;
use handbooks::catalogue::volume::Volumes;
use handbooks::db::{Db, Store};
use handbooks::operations::generate;
use handbooks::secret::Secret;
use serde_json::Value;

use crate::support::app::SECRET;
use crate::support::database::Content;
use crate::support::{Database, Home, both};

both!(pages_are_read_by_an_index, a_page_takes_as_many_statements_as_any_other, pages_are_whole_in_every_order);

thread_local! {
    /// The statements that this thread has run, once it listens.
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

struct Ear;

impl Instrumentation for Ear {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            HEARD.with_borrow_mut(|heard| {
                if let Some(heard) = heard {
                    let text = query.to_string();
                    heard.push(text.split(" -- binds:").next().unwrap_or_default().to_owned());
                }
            });
        }
    }
}

/// A database with made-up volumes, whose connections can be listened to.
fn made(database: Database, volumes: u32) -> (Home, Store) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_default_instrumentation(|| Some(Box::new(Ear))).unwrap());
    let home = Home::new(database, Content::Empty);
    let store = home.open();
    generate::run(&store, volumes).unwrap();
    (home, store)
}

fn locale(codes: &[&str], fallback: bool) -> Locale {
    let rest = if fallback { &["fr", "en", "nl", "de"][..] } else { &[] };
    let mut chain: Vec<String> = Vec::new();
    for code in codes.iter().chain(rest) {
        if !chain.iter().any(|known| known == code) {
            chain.push((*code).to_owned());
        }
    }
    Locale { requested: chain[0].clone(), chain, all: false }
}

/// A page of volumes, and the statements that it took.
fn page(store: &Store, query: &str, locale: Locale) -> (Value, Vec<String>) {
    let secret = Secret::parse(SECRET).unwrap();
    let list = List::<Volumes>::parse(query, locale, &secret).unwrap();
    HEARD.set(Some(Vec::new()));
    let reply = store.read(|db| list.reply(db, "http://x", &secret, |count| count())).unwrap();
    let mut heard = HEARD.take().unwrap();
    heard.retain(|sql| sql.starts_with("SELECT"));
    (serde_json::from_slice(&reply.body).unwrap(), heard)
}

fn next(page: &Value, turn: &str) -> Option<String> {
    page[turn].as_str().map(|link| link.split_once('?').unwrap().1.to_owned())
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "detail")]
    detail: String,
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// What the database says of how it would run a statement.
fn explain(db: &mut Db, sql: &str) -> String {
    match db {
        Db::Sqlite(conn) => {
            let lines: Vec<Line> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).unwrap();
            lines.into_iter().map(|line| line.detail).collect::<Vec<_>>().join("\n")
        }
        Db::Postgres(conn) => {
            // With whatever values: the plan that is made for all of them. What is as small as a test's tables is read whole because that is cheap; here
            // it is asked whether there is an index to read it by when it has grown.
            let count = (1..).take_while(|n| sql.contains(&format!("${n}"))).count();
            let nulls = vec!["NULL"; count].join(", ");
            conn.batch_execute(&format!(
                "DEALLOCATE ALL; SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE asked AS {sql}"
            ))
            .unwrap();
            let run = if count == 0 { "EXPLAIN EXECUTE asked".to_owned() } else { format!("EXPLAIN EXECUTE asked({nulls})") };
            let lines: Vec<Plan> = diesel::sql_query(run).load(conn).unwrap();
            lines.into_iter().map(|line| line.line).collect::<Vec<_>>().join("\n")
        }
    }
}

/// The orders of the whole list that an index serves.
const ORDERS: [&str; 10] =
    ["", "sort=-number", "sort=id", "sort=-id", "sort=updatedAt", "sort=-updatedAt", "sort=year", "sort=-year", "sort=title", "sort=-title"];

fn pages_are_read_by_an_index(database: Database) {
    let (home, store) = made(database, 3_000);
    for order in ORDERS {
        for (locale, what) in [(locale(&["nl"], true), "with fallback"), (locale(&["nl"], false), "without")] {
            let (first, mut statements) = page(&store, order, locale.clone());
            assert_eq!(first["total"], 3_000, "{order} {what}");
            let (second, more) = page(&store, &next(&first, "next").unwrap(), locale.clone());
            statements.extend(more);
            let (_, more) = page(&store, &next(&second, "prev").unwrap(), locale.clone());
            statements.extend(more);
            let statements: BTreeSet<String> = statements.into_iter().collect();
            assert!(statements.len() > 15, "too few were heard: {statements:#?}");
            let mut db = home.target().connect().unwrap();
            for sql in &statements {
                let plan = explain(&mut db, sql);
                // Small tables are read whole by whoever finds that cheaper; what grows with the catalogue never is, and is never sorted to find a page.
                for line in plan.lines() {
                    let table = ["record_text", "record", "work_theme", "work_contributor", "edition", "work"]
                        .into_iter()
                        .find(|table| line.ends_with(&format!("SCAN {table}")) || line.contains(&format!("Seq Scan on {table} ")));
                    assert_eq!(table, None, "{order} {what}: all of a table is read:\n{sql}\n{plan}");
                }
                let pages =
                    sql.contains("LIMIT") && (sql.contains("FROM `record` ") || sql.contains("FROM \"record\" ") || sql.contains("title_sort"));
                if pages && !sql.contains("catalogue_revision") {
                    assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{order} {what}: a page is sorted:\n{sql}\n{plan}");
                }
                assert!(!sql.to_lowercase().contains("count("), "{order} {what}: the whole list is counted: {sql}");
            }
        }
    }
}

fn a_page_takes_as_many_statements_as_any_other(database: Database) {
    let (_home, store) = made(database, 150);
    let taken = |query: &str| page(&store, query, locale(&["fr"], true)).1.len();
    let least = taken("pageSize=1");
    assert!(least <= 25, "{least} statements for one volume");
    assert_eq!(taken("pageSize=100"), least);
    // One more where there is a page before, to know whether there is.
    let (first, _) = page(&store, "pageSize=50", locale(&["fr"], true));
    assert_eq!(taken(&next(&first, "next").unwrap()), least + 1);
    // A narrowed list is counted as well, by one statement; and whether there is such a theme is asked by another.
    assert_eq!(taken("number=1"), least + 1);
    assert_eq!(taken("theme=theme-1"), least + 2);
    assert!(taken("sort=title") <= least + 2);
    assert_eq!(taken("embed=themes&pageSize=1"), taken("embed=themes&pageSize=100"));
}

/// Forward and back through the whole list, in every order: each volume once, in the same order both ways, as sorting them all would have it.
fn pages_are_whole_in_every_order(database: Database) {
    let (_home, store) = made(database, 137);
    for order in ORDERS.into_iter().chain(["sort=year&sort=-title", "sort=-year&sort=id", "theme=theme-3&sort=title", "theme=theme-3"]) {
        for locale in [locale(&["en", "nl"], true), locale(&["en"], false)] {
            let (whole, _) = page(&store, &format!("{order}&pageSize=100"), locale.clone());
            let total = usize::try_from(whole["total"].as_u64().unwrap()).unwrap();
            let ids = |page: &Value| crate::support::ids(page);
            let mut forward: Vec<String> = Vec::new();
            let (mut at, _) = page(&store, &format!("{order}&pageSize=10"), locale.clone());
            forward.extend(ids(&at));
            while let Some(link) = next(&at, "next") {
                at = page(&store, &link, locale.clone()).0;
                forward.extend(ids(&at));
                assert!(forward.len() <= total, "{order} never ends");
            }
            assert_eq!(forward.iter().collect::<BTreeSet<_>>().len(), total, "{order}");
            assert_eq!(forward.len(), total, "{order}");
            assert_eq!(forward[..total.min(100)], ids(&whole)[..], "{order}");
            let mut backward = ids(&at);
            while let Some(link) = next(&at, "prev") {
                at = page(&store, &link, locale.clone()).0;
                backward.splice(0..0, ids(&at));
                assert!(backward.len() <= total, "{order} has no beginning");
            }
            assert_eq!(backward, forward, "{order}");
        }
    }
}
