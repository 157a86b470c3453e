//! What a person tells is nowhere to be read: not in an answer, not in the log, not in the database.

use diesel::prelude::*;
use diesel::sql_types::Text;
use handbooks::db::{Db, Target};
use serde_json::{Value, json};

use crate::support::database::Content;
use crate::support::downloads::{REQUESTS, least, text};
use crate::support::{Database, Home, Process, both};

both!(a_person_is_nowhere_to_be_read);

/// Words that stand nowhere else. The e-mail address has its letters in both cases, as people type them.
const PERSONAL: [&str; 6] = ["Quetzalcoatl", "Zoë", "Xylophon.Quagga", "quokka-mail.example", "Administration des Narvals", "xylophon.quagga"];

fn form(volume: &str) -> Value {
    let mut body = least(volume, "fr");
    body["requester"] = json!({"name": "Zoë Quetzalcoatl", "email": "Xylophon.Quagga@quokka-mail.example", "organization": "Administration des Narvals", "role": "citizen"});
    body
}

#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    for word in PERSONAL {
        assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{what} holds {word:?}");
    }
}

/// All that the database keeps, as its own files or as the text of all rows.
fn everything(home: &Home) -> Vec<u8> {
    match home.target() {
        Target::Sqlite(path) => {
            let beside = |suffix: &str| {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                std::fs::read(name).unwrap_or_default()
            };
            ["", "-wal", "-shm", "-journal"].into_iter().flat_map(beside).collect()
        }
        Target::Postgres(_) => {
            #[derive(QueryableByName)]
            struct Line {
                #[diesel(sql_type = Text)]
                line: String,
            }
            fn lines(db: &mut Db, query: &str) -> Vec<String> {
                diesel::sql_query(query).load::<Line>(db).expect(query).into_iter().map(|line| line.line).collect()
            }
            let dump = home.open().read(|db| {
                let tables = lines(db, "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'");
                assert!(tables.iter().any(|table| table == "requester"), "{tables:?}");
                Ok(tables.iter().flat_map(|table| lines(db, &format!("SELECT t::text AS line FROM \"{table}\" t"))).collect::<Vec<_>>())
            });
            dump.unwrap().join("\n").into_bytes()
        }
    }
}

fn a_person_is_nowhere_to_be_read(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let mut process = Process::serve(&home, &[("RUST_LOG", "debug"), ("HANDBOOKS_LOG_FORMAT", "json")]);
    let post = |key: Option<&str>, body: String| {
        let mut call = process.call("POST", REQUESTS).header("Content-Type", "application/json");
        if let Some(key) = key {
            call = call.header("Idempotency-Key", key);
        }
        let answer = call.body(body).send();
        clean("an answer", &answer.body);
        clean("a header", format!("{:?}", answer.headers).as_bytes());
        answer
    };
    let key = "quagga-key-0123456789";
    let request = post(None, form("mobility").to_string()).expect(201).json();
    post(None, form("mobility").to_string()).expect(200);
    post(Some(key), form("strategy").to_string()).expect(201);
    post(Some(key), form("strategy").to_string()).expect(201);
    post(Some(key), form("mobility").to_string()).expect(422);
    // Refused for every reason there is, with the person in it each time.
    for (name, value) in [
        ("purpose", json!("fun")),
        ("privacyNotice", json!("privacy-0")),
        ("editions", json!([])),
        ("newsletter", json!(1)),
        ("language", json!(null)),
    ] {
        let mut body = form("mobility");
        body[name] = value;
        post(None, body.to_string()).expect(400);
    }
    for (name, value) in [
        ("name", "Zoë Quetzalcoatl\u{7}"),
        ("email", "Xylophon.Quagga@@quokka-mail.example"),
        ("organization", "Administration des Narvals\n"),
        ("role", "Quetzalcoatl"),
        ("municipality", "Quetzalcoatl"),
    ] {
        let mut body = form("mobility");
        body["requester"][name] = json!(value);
        post(None, body.to_string()).expect(400);
    }
    let twice = form("mobility").to_string().replace("\"name\"", "\"name\":\"Quetzalcoatl\",\"name\"");
    post(None, twice).expect(400);
    let cut = form("mobility").to_string();
    post(None, cut[..cut.len() - 2].to_owned()).expect(400);

    let (href, token) = (text(&request, "/href"), text(&request, "/accessToken"));
    let read = process.call("GET", &href).header("Authorization", &format!("Bearer {token}")).send().expect(200);
    clean("the request", &read.body);
    let kept = everything(&home);
    clean("the database", &kept);
    let holds = |word: &str| kept.windows(word.len()).any(|window| window == word.as_bytes());
    // It is the whole database that was looked through; neither a token nor a key is in it.
    assert!(holds(&text(&request, "/id")) && holds("privacy-1"));
    assert!(!holds(&token) && !holds(token.trim_start_matches("hbr_")) && !holds(key));

    process.terminate();
    assert!(process.ended().success());
    let log = process.log();
    assert!(log.lines().filter(|line| line.contains("\"target\":\"access\"")).count() >= 17, "{log}");
    clean("the log", log.as_bytes());
    assert!(!log.contains(&token) && !log.contains(key), "a token or a key is in the log");
    clean("the database after the end", &everything(&home));
}
