//! Changes: filters, places, long polls and streams.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use handbooks::catalogue::pen::{self, Author};
use handbooks::db::schema::public_change;
use serde_json::Value;

use crate::support::keys::{bearer, make_key};
use crate::support::mirror::Mirror;
use crate::support::records::volume;
use crate::support::{App, both};

both!(
    deletions_stay_and_filters_keep_them,
    a_place_is_one_of_this_database,
    who_waits_is_told_at_once,
    a_stream_goes_on_where_it_broke,
    the_server_ends_while_many_wait,
    a_digest_finds_where_a_copy_differs,
    every_answer_tells_its_revision,
);

fn remove(app: &App, kind: &str, id: &str) {
    pen::with(&app.state.store, &Author::command("test"), |pen| pen.remove(kind, id)).expect("an end");
}

fn cursor(app: &App) -> String {
    app.get("/v1/changes?since=now").ok()["cursor"].as_str().unwrap().to_owned()
}

fn deletions_stay_and_filters_keep_them(app: App) {
    let begin = cursor(&app);
    app.pen("seven", &volume(7, "published", "Sept"));
    remove(&app, "volume", "seven");
    app.pen("eight", &volume(8, "published", "Huit"));
    let read = |target: &str| app.get(target).ok();
    let page = read(&format!("/v1/changes?type=volume&embed=record&after={begin}"));
    let told: Vec<(String, bool)> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (format!("{} {}", change["change"].as_str().unwrap(), change["id"].as_str().unwrap()), change.get("record").is_some()))
        .collect();
    // Each is published in two languages.
    assert_eq!(
        told,
        [("published seven", false), ("published seven", false), ("deleted seven", false), ("published eight", true), ("published eight", true)]
            .map(|(a, b)| (a.to_owned(), b))
    );
    // Other types have nothing here, and their place still moves on.
    let other = read(&format!("/v1/changes?type=theme&after={begin}"));
    assert_eq!(other["items"], Value::Array(Vec::new()));
    assert_eq!(other["cursor"], page["cursor"]);
    // A volume of the past is deleted for who begins today as well.
    assert!(read("/v1/changes?type=volume&pageSize=100").to_string().contains("\"deleted\""));
    app.get("/v1/changes?type=volumes").expect(400);
    app.get(&format!("/v1/changes?since=now&after={begin}")).expect(400);
}

fn a_place_is_one_of_this_database(app: App) {
    let place = cursor(&app);
    for wrong in ["AAAAAAAAAAAAAAAAAAAAAAAA", &place[1..]] {
        let answer = app.get(&format!("/v1/changes?after={wrong}")).expect(400);
        assert_eq!(answer.issues()[0].name, "after");
    }
    // A database that was put back to an earlier state.
    app.pen("seven", &volume(7, "published", "Sept"));
    let later = cursor(&app);
    // What is no cursor of changes is told where to take one from: there is not always a next page.
    let next = app.get("/v1/volumes?pageSize=1").ok()["next"].as_str().unwrap().to_owned();
    let foreign = next.rsplit("after=").next().unwrap();
    for wrong in [&later.to_lowercase(), foreign, "short"] {
        let issues = app.get(&format!("/v1/changes?after={wrong}")).expect(400).issues();
        assert!(issues[0].name == "after" && issues[0].detail.contains("'cursor'"), "{issues:?}");
    }
    app.write(|db| {
        use diesel::prelude::*;
        let last: Option<i64> = public_change::table.select(diesel::dsl::max(public_change::sequence)).first(db)?;
        diesel::delete(public_change::table.filter(public_change::sequence.eq(last.unwrap()))).execute(db)?;
        Ok(())
    });
    assert_eq!(app.get(&format!("/v1/changes?after={later}")).expect(410).problem(), "cursorLapsed");
    app.get(&format!("/v1/changes?after={place}")).expect(200);
    // Also when as many changes were made again: they are others.
    app.pen("eight", &volume(8, "published", "Huit"));
    app.pen("nine", &volume(9, "published", "Neuf"));
    assert_eq!(app.get(&format!("/v1/changes?after={later}")).expect(410).problem(), "cursorLapsed");
    // What waits is kept by nobody on the way; the rest is asked for again each time.
    let kept = |target: &str| app.get(target).header("cache-control").unwrap().to_owned();
    assert_eq!(kept(&format!("/v1/changes?after={place}")), "no-cache");
    for target in ["/v1/changes?since=now", &format!("/v1/changes?wait=1&after={place}")] {
        assert_eq!(kept(target), "no-store", "{target}");
    }
}

fn who_waits_is_told_at_once(app: App) {
    let place = cursor(&app);
    let begun = Instant::now();
    assert_eq!(app.get(&format!("/v1/changes?wait=1&after={place}")).ok()["items"], Value::Array(Vec::new()));
    assert!(begun.elapsed() >= Duration::from_millis(900), "it did not wait");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| app.get(&format!("/v1/changes?wait=30&after={place}")).ok());
        let from_now = scope.spawn(|| app.get("/v1/changes?wait=30&since=now").ok());
        std::thread::sleep(Duration::from_millis(300));
        app.pen("seven", &volume(7, "published", "Sept"));
        let page = waiting.join().unwrap();
        assert_eq!(page["items"][0]["id"], "seven");
        assert_eq!(from_now.join().unwrap()["items"], page["items"]);
    });
    assert!(begun.elapsed() < Duration::from_secs(20), "the wait was not ended by the change");
    app.get("/v1/changes?wait=31").expect(400);
    // How long somebody was ready to wait is no part of what the page is.
    let page = app.get("/v1/changes?wait=1&pageSize=1").ok();
    assert!(page["self"].as_str().unwrap().ends_with("/v1/changes?pageSize=1"), "{page}");
}

/// Reads a stream until `enough`, and returns its lines.
fn stream(app: &App, headers: &str, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
    let mut connection = TcpStream::connect(app.address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(connection, "GET /v1/changes?since=now HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{headers}\r\n").unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(connection).lines() {
        lines.push(line.expect("a line in time"));
        if enough(&lines) {
            break;
        }
    }
    lines
}

fn a_stream_goes_on_where_it_broke(app: App) {
    let place = cursor(&app);
    app.pen("seven", &volume(7, "published", "Sept"));
    app.pen("eight", &volume(8, "published", "Huit"));
    let events = |lines: &[String]| lines.iter().filter(|line| line.starts_with("data: ")).count();
    let lines = stream(&app, &format!("Last-Event-ID: {place}\r\n"), |lines| events(lines) == 4);
    assert!(lines[0].starts_with("HTTP/1.1 200") && lines.iter().any(|line| line.eq_ignore_ascii_case("content-type: text/event-stream")));
    let of = |lines: &[String], name: &str| lines.iter().find_map(|line| line.strip_prefix(name).map(str::to_owned)).expect("a line");
    let (id, data) = (of(&lines, "id: "), of(&lines, "data: "));
    let change: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((change["id"].as_str(), change["cursor"].as_str()), (Some("seven"), Some(id.as_str())));
    assert!(lines.iter().any(|line| line == "event: change"));
    // After the first comes the rest, then what happens while it looks.
    let lines = std::thread::scope(|scope| {
        let reading = scope.spawn(|| stream(&app, &format!("Last-Event-ID: {id}\r\n"), |lines| events(lines) == 5));
        std::thread::sleep(Duration::from_millis(300));
        app.pen("nine", &volume(9, "published", "Neuf"));
        reading.join().unwrap()
    });
    let ids: Vec<String> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["seven", "eight", "eight", "nine", "nine"]);
    // HEAD has the head alone, and the connection is free for the next request.
    let mut connection = TcpStream::connect(app.address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = "HEAD /v1/changes?since=now HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n";
    write!(connection, "{head}GET /v1/languages/nl HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut both = String::new();
    connection.read_to_string(&mut both).expect("both answers in time");
    assert_eq!(both.matches("HTTP/1.1 200 OK").count(), 2, "{both}");
    assert!(both.contains("text/event-stream") && both.contains("\"nativeName\""), "{both}");
    // Patience is for pages.
    let refused = app.call("GET", "/v1/changes?since=now&wait=3").header("Accept", "text/event-stream").send().expect(400);
    assert_eq!(refused.issues()[0].name, "wait");
    // Also where the same address was answered before, and is remembered.
    app.get("/v1/changes").expect(200);
    app.call("GET", "/v1/changes").header("Last-Event-ID", "nonsense-nonsense").send().expect(400);
    app.call("GET", "/v1/changes").header("Accept", "text/event-stream").header("Last-Event-ID", "nonsense-nonsense").send().expect(400);
}

fn the_server_ends_while_many_wait(database: crate::support::Database) {
    let home = crate::support::Home::new(database, crate::support::database::Content::Seeded);
    let mut server = crate::support::Process::serve(&home, &[]);
    let place = server.get("/v1/changes?since=now").ok()["cursor"].as_str().unwrap().to_owned();
    let begun = Instant::now();
    let target = format!("/v1/changes?wait=30&after={place}");
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| server.get(&target))).collect();
        std::thread::sleep(Duration::from_millis(500));
        server.terminate();
        for one in waiting {
            assert_eq!(one.join().unwrap().ok()["items"], Value::Array(Vec::new()));
        }
    });
    assert!(server.ended().success());
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited for those who wait");
}

fn a_digest_finds_where_a_copy_differs(app: App) {
    let mut mirror = Mirror::default();
    mirror.follow(&app, 50);
    app.pen("seven", &volume(7, "published", "Sept"));
    let digest = app.get("/v1/digest").ok();
    let (count, sha256) = mirror.digest();
    assert!(digest["count"] != count && digest["sha256"] != sha256);
    let bucket = handbooks::catalogue::mirror::digest::bucket_of("volume", "seven");
    let part = app.get(&format!("/v1/digest?bucket={bucket}")).ok();
    let listed = part["items"].as_array().unwrap();
    assert!(listed.iter().any(|item| item["id"] == "seven") && part["count"] == listed.len());
    let told = digest["buckets"].as_array().unwrap().iter().find(|one| one["bucket"] == bucket).expect("its bucket");
    assert_eq!((&told["count"], &told["sha256"]), (&part["count"], &part["sha256"]));
    let sum: u64 = digest["buckets"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum();
    assert_eq!(digest["count"], sum);
    // The digest says where in the changes it stands.
    mirror.follow(&app, 50);
    mirror.prove(&app);
    assert_eq!(digest["cursor"], app.get("/v1/changes?since=now").ok()["cursor"]);
    app.get("/v1/digest?bucket=256").expect(400);
}

fn every_answer_tells_its_revision(app: App) {
    let revision = |target: &str| app.get(target).expect(200).header("catalogue-revision").expect("Catalogue-Revision").parse::<i64>().unwrap();
    let before = revision("/v1/volumes");
    app.pen("seven", &volume(7, "published", "Sept"));
    for target in
        ["/v1/volumes", "/v1/volumes/mobility", "/v1/collection", "/v1/changes", "/v1/digest", "/v1/catalogue", "/v1/volumes/strategy/editions"]
    {
        assert_eq!(revision(target), before + 1, "{target}");
    }
    assert_eq!(revision(&format!("/v1/volumes?at={before}")), before);
    let tag = app.get("/v1/volumes").header("etag").unwrap().to_owned();
    let fresh = app.call("GET", "/v1/volumes").header("If-None-Match", &tag).send().expect(304);
    assert_eq!(fresh.header("catalogue-revision"), Some((before + 1).to_string().as_str()));
    // So do problems, and what is answered to a write.
    assert_eq!(app.get("/v1/volumes/nothing").expect(404).header("catalogue-revision"), Some((before + 1).to_string().as_str()));
    let key = make_key(&app, &["catalogue:write"]);
    let patch = app.call("PATCH", "/v1/volumes/seven").header("Authorization", &bearer(&key)).header("If-Match", "*");
    let written = patch.json(&serde_json::json!({"note": "New"})).send().expect(200);
    assert_eq!(written.header("catalogue-revision"), Some((before + 2).to_string().as_str()));
    // So does what is no record: the entry (made, and from memory), redirects, refusals.
    let now = (before + 2).to_string();
    for _ in 0..2 {
        assert_eq!(app.get("/v1").expect(200).header("catalogue-revision"), Some(now.as_str()));
    }
    let patch = app.call("PATCH", "/v1/volumes/seven").header("Authorization", &bearer(&key)).header("If-Match", "*");
    patch.json(&serde_json::json!({"id": "eight"})).send().expect(200);
    let now = (before + 3).to_string();
    for (target, status) in [("/v1/volumes/seven", 308), ("/v1/downloads/none", 400), ("/v1/keys", 401), ("/v1/downloadForm", 200), ("/v1", 200)] {
        assert_eq!(app.get(target).expect(status).header("catalogue-revision"), Some(now.as_str()), "{target}");
    }
    for target in ["/", "/health", "/openapi.json", "/docs"] {
        for _ in 0..2 {
            assert_eq!(app.get(target).header("catalogue-revision"), Some(now.as_str()), "{target}");
        }
    }
}
