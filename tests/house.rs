//! The rules of the house, enforced: what a reader of the tree may rely on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use handbooks::db::{Db, Target, migrate};
use handbooks::error::PROBLEMS;
use handbooks::openapi::{EXAMPLE_BASE, document};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// All files below a folder with this ending, by their path from the root.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    fn walk(at: &Path, ending: &str, all: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(at).unwrap_or_else(|e| panic!("{}: {e}", at.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, all);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                all.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(&root().join(folder), ending, &mut all);
    assert!(!all.is_empty(), "{folder} has no *{ending}");
    all
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Lines of the files for which `wrong` says why.
fn lines(files: &BTreeMap<String, String>, wrong: impl Fn(&str, &str) -> Option<String>) -> Vec<String> {
    files
        .iter()
        .flat_map(|(name, text)| text.lines().enumerate().map(move |(number, line)| (name, number + 1, line)))
        .filter_map(|(name, number, line)| Some(format!("{name}:{number}: {}: {}", wrong(name, line)?, line.trim())))
        .collect()
}

#[test]
fn only_the_database_folder_says_which_database_it_is() {
    let found = lines(&files("src", ".rs"), |name, line| {
        let free = name.starts_with("src/db/") || name == "src/settings.rs";
        let line = line.to_lowercase();
        (!free && ["sqlite", "postgres", "pgconnection", "libpq"].iter().any(|word| line.contains(word))).then(|| "names a database".into())
    });
    none(&found);
}

#[test]
fn arrows_go_one_way() {
    // Who may not import what; a noun's own tests are code too.
    let rules: &[(&str, &[&str])] = &[
        ("src/db/", &["crate::catalogue", "crate::download", "crate::http", "crate::app", "crate::operations", "crate::format", "crate::openapi"]),
        ("src/format/", &["crate::catalogue", "crate::download", "crate::app", "crate::operations", "crate::db", "diesel"]),
        ("src/storage/", &["crate::catalogue", "crate::download", "crate::app", "crate::operations", "crate::http", "diesel"]),
        ("src/cache/", &["crate::catalogue", "crate::download", "crate::app", "crate::operations", "crate::db", "diesel", "::routes"]),
        ("src/http/", &["crate::catalogue", "crate::download", "crate::app", "crate::operations", "diesel", "::routes"]),
        ("src/error.rs", &["crate::"]),
    ];
    let found = lines(&files("src", ".rs"), |name, line| {
        let (_, forbidden) = rules.iter().find(|(place, _)| name.starts_with(place))?;
        let code = line.split("//").next().unwrap_or_default();
        forbidden.iter().find(|word| code.contains(**word)).map(|word| format!("imports {word}"))
    });
    none(&found);
}

#[test]
fn routes_do_not_ask_the_database_themselves() {
    let routes: BTreeMap<_, _> = files("src", "routes.rs").into_iter().filter(|(name, _)| !name.contains("publication")).collect();
    none(&lines(&routes, |_, line| line.contains("diesel").then(|| "a route imports diesel".into())));
}

/// Every write of the catalogue goes through the pen, which moves the revision, keeps the state, tells the change and writes the audit log.
#[test]
fn only_the_pen_writes_the_catalogue() {
    // Who calls what writes a record; the rest goes to the pen, or builds the small database of a past moment.
    let (doors, callers) = (
        ["record::write(", "record::remove(", "record::set_dates(", "every::put("],
        ["pen.rs", "past.rs", "every.rs"].map(|name| format!("src/catalogue/{name}")),
    );
    let all = files("src", ".rs");
    let mut found = lines(&all, |name, line| {
        let calls = !callers.iter().any(|caller| caller == name) && doors.iter().any(|door| line.contains(door));
        calls.then(|| "writes a record, and is not the pen".into())
    });
    // The statements themselves stand where the documents of a noun are, and with what the pen keeps.
    let nouns = [
        "collection/mod",
        "event/store",
        "language",
        "supporter",
        "testimony",
        "theme",
        "parts",
        "record/store",
        "record/kept",
        "publication/store",
        "publication/file",
        "publication/cover",
    ];
    let kept = ["pen", "past", "face", "history", "revision", "tombstone", "seed/apply"];
    let places: Vec<String> = nouns.iter().chain(&kept).map(|name| format!("src/catalogue/{name}.rs")).collect();
    // Beside the catalogue: keys, and what visitors sent.
    let others = ["access/store", "download/form/texts", "download/request/idempotency", "download/request/store"];
    let places: Vec<String> = places.into_iter().chain(others.map(|name| format!("src/{name}.rs"))).collect();
    let writes = ["insert_into(", "diesel::update(", "diesel::delete(", "replace_into(", "sql_query(", "batch_execute("];
    let writes_at_all = |text: &str| writes.iter().any(|verb| text.contains(verb));
    for place in &places {
        assert!(all.get(place).is_some_and(|text| writes_at_all(text)), "{place} is no more, or writes nothing: take it off the list");
    }
    found.extend(lines(&all, |name, line| {
        let free = name.starts_with("src/db/") || places.iter().any(|place| place == name);
        (!free && writes_at_all(line)).then(|| "writes to the database, and is not on the list".into())
    }));
    none(&found);
}

#[test]
fn every_folder_says_what_it_is() {
    let found: Vec<String> = files("src", ".rs")
        .iter()
        .filter(|(name, text)| !text.starts_with("//!") && !name.ends_with("schema.rs"))
        .map(|(name, _)| format!("{name} begins without //!"))
        .collect();
    none(&found);
}

#[test]
fn nothing_is_unfinished_or_silenced() {
    // Written in two parts, so that this file does not name them.
    let words = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[ig", "nore"), concat!("FIX", "ME"), concat!("dbg", "!(")];
    let mut all = files("src", ".rs");
    all.extend(files("tests", ".rs"));
    none(&lines(&all, |_, line| words.iter().find(|word| line.contains(**word)).map(|word| format!("has {word}"))));
}

#[test]
fn migrations_have_the_same_names_on_both_sides() {
    let names = |side: &str| -> BTreeSet<String> {
        files(&format!("migrations/{side}"), ".sql").into_keys().map(|name| name.split_once(&format!("{side}/")).unwrap().1.to_owned()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(names("sqlite").iter().any(|name| name.ends_with("down.sql")));
}

#[test]
fn constraints_are_named_after_their_table() {
    let mut found = Vec::new();
    for (name, sql) in files("migrations", "up.sql") {
        let mut table = String::new();
        for line in sql.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ").or_else(|| line.strip_prefix("ALTER TABLE ")) {
                table = rest.split(' ').next().unwrap().to_owned();
            }
            for (at, _) in line.match_indices("CONSTRAINT ") {
                let constraint = line[at + 11..].split(' ').next().unwrap();
                let kind = ["_pkey", "_key", "_fkey", "_check"].iter().any(|ending| constraint.ends_with(ending));
                if !constraint.starts_with(&format!("{table}_")) || !kind {
                    found.push(format!("{name}: {constraint} on {table}"));
                }
            }
            let nameless = ["CHECK (", "REFERENCES ", "UNIQUE ("].iter().any(|word| line.contains(word)) && !line.contains("CONSTRAINT ");
            if nameless && !line.starts_with("--") {
                found.push(format!("{name}: nameless: {line}"));
            }
        }
    }
    none(&found);
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The schema of a database as text, sorted.
fn dump(db: &mut Db) -> Vec<String> {
    let sql = match db {
        Db::Sqlite(_) => {
            "SELECT coalesce(sql, '') AS line FROM sqlite_master WHERE name NOT LIKE '\\_\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY type, name"
        }
        Db::Postgres(_) => {
            "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(collation_name, '') AS line FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%' \
             UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE '\\_\\_%' \
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%' ORDER BY 1"
        }
    };
    diesel::sql_query(sql).load::<Row>(db).unwrap().into_iter().map(|row| row.line).collect()
}

/// `table.column type nullable`, in the words of `schema.rs`.
fn columns(db: &mut Db) -> BTreeSet<String> {
    let sql = match db {
        Db::Sqlite(_) => {
            "SELECT m.name || '.' || c.name || ' ' || CASE WHEN c.pk > 0 AND c.type = 'INTEGER' AND m.sql LIKE '%AUTOINCREMENT%' THEN 'BIGINT' ELSE upper(c.type) END || CASE c.\"notnull\" WHEN 1 THEN '' ELSE ' NULL' END AS line \
             FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'"
        }
        Db::Postgres(_) => {
            "SELECT table_name || '.' || column_name || ' ' || CASE WHEN data_type LIKE 'timestamp%' THEN 'TIMESTAMP' ELSE upper(data_type) END || CASE is_nullable WHEN 'NO' THEN '' ELSE ' NULL' END AS line \
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'"
        }
    };
    diesel::sql_query(sql).load::<Row>(db).unwrap().into_iter().map(|row| row.line).collect()
}

/// The same of `schema.rs`.
fn declared() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut table = String::new();
    // A table may be declared in two parts; the second one says whose.
    let mut named = None;
    for line in text("src/db/schema.rs").lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("#[sql_name = \"") {
            named = name.strip_suffix("\"]");
        } else if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            table = named.take().unwrap_or(name).to_owned();
        } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let (kind, null) = kind.strip_prefix("Nullable<").map_or((kind, ""), |inner| (inner.trim_end_matches('>'), " NULL"));
            let kind = match kind {
                "Text" => "TEXT",
                "BigInt" => "BIGINT",
                "Integer" => "INTEGER",
                "Bool" => "BOOLEAN",
                "Timestamp" => "TIMESTAMP",
                other => panic!("an unportable type: {other}"),
            };
            all.insert(format!("{table}.{column} {kind}{null}"));
        }
    }
    all
}

/// Migrated, reverted and migrated again, the schema is what it was, and what `schema.rs` says.
fn there_and_back(db: &mut Db) {
    let ran = migrate::up(db).unwrap();
    assert!(ran.len() >= 2);
    let first = dump(db);
    assert!(first.len() > 30, "too little was dumped");
    assert_eq!(columns(db), declared());
    migrate::down(db).unwrap();
    assert_eq!(dump(db), Vec::<String>::new(), "something stays after down.sql");
    migrate::up(db).unwrap();
    assert_eq!(dump(db), first);
    assert_eq!(migrate::up(db).unwrap(), Vec::<String>::new());
}

#[test]
fn migrations_turn_round_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::parse(&format!("sqlite:{}", folder.path().join("house.db").display())).unwrap();
    there_and_back(&mut target.connect().unwrap());
}

#[test]
fn migrations_turn_round_on_postgres() {
    let url = std::env::var("HANDBOOKS_TEST_POSTGRES_URL").expect("HANDBOOKS_TEST_POSTGRES_URL is not set: run `make test`");
    let mut server = Target::parse(&url).unwrap().connect().unwrap();
    let name = format!("house_{}", std::process::id());
    server.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let (before, _) = url.rsplit_once('/').unwrap();
    let outcome = std::panic::catch_unwind(|| there_and_back(&mut Target::parse(&format!("{before}/{name}")).unwrap().connect().unwrap()));
    server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn every_route_is_described_and_the_reverse() {
    let described: BTreeSet<String> = document(EXAMPLE_BASE)["paths"].as_object().unwrap().keys().cloned().collect();
    let app = text("src/app.rs");
    let routed: BTreeSet<String> = ["reads(\"", "resource(\""]
        .iter()
        .flat_map(|call| app.match_indices(call).map(|(at, _)| app[at + call.len()..].split('"').next().unwrap().to_owned()).collect::<Vec<_>>())
        .collect();
    assert_eq!(routed, described);
}

#[test]
fn every_operation_is_described_in_full() {
    let document = document(EXAMPLE_BASE);
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            for part in ["operationId", "summary", "description", "tags", "responses", "security"] {
                if operation.get(part).is_none_or(|value| value.as_str() == Some("")) {
                    found.push(format!("{name}: no {part}"));
                }
            }
            let responses = operation["responses"].as_object().unwrap();
            if !responses.contains_key("default") || !responses.keys().any(|status| status.starts_with('4')) {
                found.push(format!("{name}: no error responses"));
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|one| one.get("$ref").is_none()) {
                // A cursor is never made by hand.
                if parameter["name"] != "after" && (parameter.get("example").is_none() || parameter.get("description").is_none()) {
                    found.push(format!("{name}: {} has no example or description", parameter["name"]));
                }
            }
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
                let json = &response["content"]["application/json"];
                let shown = json.get("example").is_some() || json["schema"].get("$ref").is_some() || path.starts_with("/openapi");
                if json != &Value::Null && !shown {
                    found.push(format!("{name}: {status} shows nothing"));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn every_setting_is_told() {
    #[derive(clap::Parser)]
    struct Only {
        #[command(flatten)]
        settings: handbooks::settings::Settings,
    }
    let (example, readme) = (text(".env.example"), text("README.md"));
    let mut found = Vec::new();
    let mut seen = 0;
    for argument in Only::command().get_arguments() {
        let Some(variable) = argument.get_env().map(|name| name.to_string_lossy().into_owned()) else { continue };
        seen += 1;
        for (file, text) in [(".env.example", &example), ("README.md", &readme)] {
            if !text.contains(&variable) {
                found.push(format!("{variable} is not in {file}"));
            }
        }
    }
    assert!(seen >= 9, "only {seen} settings were found");
    none(&found);
}

#[test]
fn every_problem_is_explained() {
    for entry in PROBLEMS {
        assert!(entry.meaning.ends_with('.') && entry.remedy.ends_with('.'), "{}: a meaning and a remedy are sentences", entry.name);
        assert!((400..600).contains(&entry.status), "{}", entry.name);
    }
    let names: BTreeSet<_> = PROBLEMS.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), PROBLEMS.len(), "a name stands twice");
    // Each can happen: the code makes it somewhere, or the framework does.
    let source: String = files("src", ".rs").into_iter().filter(|(name, _)| name != "src/error.rs").map(|(_, text)| text).collect();
    let made = |entry: &handbooks::error::Entry| {
        let code = format!("Code::{:?}", entry.code);
        source.contains(&code)
            || ["badRequest", "resourceNotFound", "methodNotAllowed", "internalServerError", "serviceUnavailable"].contains(&entry.name)
    };
    none(&PROBLEMS.iter().filter(|entry| !made(entry)).map(|entry| format!("nothing makes {}", entry.name)).collect::<Vec<_>>());
}

#[test]
fn every_format_has_a_golden_file() {
    let found: Vec<String> = files("src/format", ".rs")
        .into_keys()
        .filter_map(|name| Some(name.strip_prefix("src/format/")?.strip_suffix(".rs")?.to_owned()))
        .filter(|name| name != "mod")
        .filter(|name| {
            std::fs::read_dir(root().join("tests/golden"))
                .map_or(true, |mut dir| !dir.any(|file| file.unwrap().file_name().to_string_lossy().starts_with(name.as_str())))
        })
        .map(|name| format!("src/format/{name}.rs has no tests/golden/{name}…"))
        .collect();
    none(&found);
}

#[test]
fn every_public_read_has_its_line_in_caching() {
    let caching = text("tests/api/caching.rs");
    let found: Vec<String> = document(EXAMPLE_BASE)["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, methods)| methods.get("get").is_some())
        .map(|(path, _)| path.clone())
        .filter(|path| !caching.contains(&format!("\"{path}\"")))
        .map(|path| format!("{path} is not in tests/api/caching.rs"))
        .collect();
    none(&found);
}
