//! The server is killed, or told to stop, while many ask for handbooks at once: what was acknowledged is there, once, and nothing is half there.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::{Connection, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use handbooks::db::Target;
use handbooks::db::schema::download_request;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::database::Content;
use crate::support::downloads::{REQUESTS, by_person, rows, text};
use crate::support::process::within;
use crate::support::{Database, Home, Process, both};

both!(is_killed, is_told_to_stop);

const CLIENTS: usize = 32;

/// A form that no other client sends.
fn form(client: usize, number: usize) -> Value {
    let mut body = by_person("mobility", "fr");
    body["requester"]["email"] = json!(format!("client-{client}-{number}@example.org"));
    body["consents"] = json!([{"text": "news-1", "given": number.is_multiple_of(2)}]);
    body
}

/// A request as its client knows it.
struct Sent {
    key: String,
    body: Value,
    /// The whole answer, when there was one.
    answer: Option<Vec<u8>>,
}

/// Asks for one handbook after another until the server is gone. What is answered is counted.
fn client(process: &Process, number: usize, answered: &AtomicUsize, sent: &Mutex<Vec<Sent>>) {
    for count in 0.. {
        let (key, body) = (Uuid::new_v4().to_string(), form(number, count));
        let answer = process.call("POST", REQUESTS).header("Idempotency-Key", &key).json(&body).attempt();
        // A full house may say so; nobody is promised anything then.
        let busy = answer.as_ref().is_ok_and(|answer| answer.status == 503);
        let over = answer.is_err();
        let acknowledged = answer.ok().filter(|answer| answer.status == 201).map(|answer| answer.body);
        assert!(over || busy || acknowledged.is_some(), "neither an acknowledgement nor an excuse");
        if acknowledged.is_some() {
            answered.fetch_add(1, Ordering::SeqCst);
        }
        sent.lock().unwrap().push(Sent { key, body, answer: acknowledged });
        if over {
            return;
        }
    }
}

/// What the database says of itself.
fn is_whole(home: &Home) {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    if let Target::Sqlite(path) = home.target() {
        let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        for (question, wanted) in [
            ("SELECT integrity_check AS line FROM pragma_integrity_check", vec!["ok".to_owned()]),
            ("SELECT \"table\" AS line FROM pragma_foreign_key_check", Vec::new()),
        ] {
            let said: Vec<Line> = diesel::sql_query(question).load(&mut conn).unwrap();
            assert_eq!(said.into_iter().map(|line| line.line).collect::<Vec<_>>(), wanted, "{question}");
        }
    }
    // Each request with all that belongs to it, on either database.
    let [requests, requesters, items, consents, kept] = rows(&home.open());
    assert_eq!([requesters, items, consents], [requests; 3], "a request is half there");
    assert!(kept <= requests);
}

fn ids(home: &Home) -> Vec<String> {
    home.open().read(|db| Ok(download_request::table.select(download_request::id).load(db)?)).unwrap()
}

fn is_killed(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let all: Mutex<Vec<Sent>> = Mutex::default();
    for round in 1..=5 {
        let mut process = Process::serve(&home, &[("RUST_LOG", "warn")]);
        let answered = AtomicUsize::new(0);
        let sent: Mutex<Vec<Sent>> = Mutex::default();
        std::thread::scope(|scope| {
            for number in 0..CLIENTS {
                let (process, answered, sent) = (&process, &answered, &sent);
                scope.spawn(move || client(process, number, answered, sent));
            }
            // In the midst of it: each round at another moment.
            within(Duration::from_secs(60), "many requests are answered", || (answered.load(Ordering::SeqCst) >= 40 * round).then_some(()));
            process.kill();
        });
        assert!(!process.ended().success());
        all.lock().unwrap().extend(sent.into_inner().unwrap());

        is_whole(&home);
        let stored = ids(&home);
        let process = Process::serve(&home, &[("RUST_LOG", "warn")]);
        let all = all.lock().unwrap();
        let acknowledged: Vec<&Sent> = all.iter().filter(|sent| sent.answer.is_some()).collect();
        assert!(acknowledged.len() >= 40 * round);
        for sent in &acknowledged {
            let request: Value = serde_json::from_slice(sent.answer.as_ref().unwrap()).unwrap();
            let id = text(&request, "/id");
            assert_eq!(stored.iter().filter(|stored| **stored == id).count(), 1, "{id} was acknowledged");
            let found = process
                .call("GET", &format!("{REQUESTS}/{id}"))
                .header("Authorization", &format!("Bearer {}", text(&request, "/accessToken")))
                .send()
                .ok();
            assert_eq!(found["id"], id.as_str());
            assert_eq!(found["consents"], sent.body["consents"]);
        }
    }
    // Who got no answer asks again, with the same key: the request that was stored in the last moment, or a new one; never a second one.
    let process = Process::serve(&home, &[("RUST_LOG", "warn")]);
    let mut by_id: BTreeMap<String, usize> = BTreeMap::new();
    let all = all.into_inner().unwrap();
    for sent in &all {
        let again = process.call("POST", REQUESTS).header("Idempotency-Key", &sent.key).json(&sent.body).send().expect(201);
        assert!(sent.answer.as_ref().is_none_or(|answer| *answer == again.body), "an acknowledged request is answered otherwise");
        *by_id.entry(text(&again.json(), "/id")).or_default() += 1;
    }
    assert!(by_id.values().all(|count| *count == 1));
    let mut stored = ids(&home);
    stored.sort();
    assert_eq!(stored, by_id.into_keys().collect::<Vec<_>>(), "as many requests as were sent, each once");
    is_whole(&home);
}

/// One request on a connection: all of it sent, then its answer read to its end. Nothing when the connection was refused, or closed without a word.
fn exchange(stream: &mut TcpStream, key: &str, body: &str, last: bool) -> Option<Vec<u8>> {
    let close = if last { "Connection: close\r\n" } else { "" };
    let request = format!(
        "POST {REQUESTS} HTTP/1.1\r\nHost: x\r\n{close}Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    if stream.write_all(request.as_bytes()).is_err() {
        return None;
    }
    let mut received = Vec::new();
    let mut piece = [0; 16_384];
    loop {
        if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = std::str::from_utf8(&received[..end]).unwrap().to_lowercase();
            let length: usize =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|value| value.parse().ok()).expect("Content-Length");
            if received.len() >= end + 4 + length {
                assert!(head.starts_with("http/1.1 201"), "{head}");
                return Some(received.split_off(end + 4));
            }
        }
        match stream.read(&mut piece) {
            Ok(read @ 1..) => received.extend_from_slice(&piece[..read]),
            Ok(0) | Err(_) => {
                assert!(received.is_empty(), "an answer breaks off: {}", String::from_utf8_lossy(&received));
                return None;
            }
        }
    }
}

fn is_told_to_stop(database: Database) {
    let home = Home::new(database, Content::Seeded);
    for round in 1..=2 {
        let mut process = Process::serve(&home, &[]);
        let before = ids(&home).len();
        let (answered, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        let answers: Mutex<Vec<Vec<u8>>> = Mutex::default();
        std::thread::scope(|scope| {
            for number in 0..CLIENTS {
                let (address, answered, stopped, answers) = (process.address, &answered, &stopped, &answers);
                scope.spawn(move || {
                    // Half of them keep their connection, the others open one for each request.
                    let keeps = number.is_multiple_of(2);
                    let mut stream: Option<TcpStream> = None;
                    for count in 0.. {
                        let mut connection = match stream.take() {
                            Some(kept) => kept,
                            None => match TcpStream::connect(address) {
                                Ok(fresh) => fresh,
                                Err(_) => break,
                            },
                        };
                        match exchange(&mut connection, &Uuid::new_v4().to_string(), &form(number, count + 10_000 * round).to_string(), !keeps) {
                            Some(answer) => {
                                answers.lock().unwrap().push(answer);
                                answered.fetch_add(1, Ordering::SeqCst);
                                stream = keeps.then_some(connection);
                            }
                            // A server that has not been told to stop answers everybody.
                            None => {
                                assert!(stopped.load(Ordering::SeqCst), "no answer before the end");
                                if !keeps {
                                    break;
                                }
                            }
                        }
                    }
                });
            }
            within(Duration::from_secs(60), "many requests are answered", || (answered.load(Ordering::SeqCst) >= 64).then_some(()));
            stopped.store(true, Ordering::SeqCst);
            process.terminate();
        });
        assert!(process.ended().success(), "{}", process.log());
        assert!(process.log().trim_end().ends_with("stopped"), "{}", process.log());
        // What was answered is stored, and what was stored was answered: nobody's request was lost on the way.
        let mut told: Vec<String> =
            answers.into_inner().unwrap().iter().map(|answer| text(&serde_json::from_slice(answer).unwrap(), "/id")).collect();
        told.sort();
        let mut stored = ids(&home);
        stored.sort();
        // Ids are made of the time: those of this round come last.
        assert_eq!(stored.split_off(before), told);
        is_whole(&home);
    }
}
