//! Eight writers and four mirrors at once, before two server processes on one Postgres: no mirror misses a change or reads one twice.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::database::Content;
use crate::support::keys::{bearer, key_by_command};
use crate::support::mirror::Mirror;
use crate::support::{Database, Home, Process};

/// Seconds; the issue of it is a minute.
fn time() -> Duration {
    Duration::from_secs(std::env::var("HANDBOOKS_CROWD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60))
}

#[test]
fn eight_writers_and_four_mirrors_on_postgres() {
    let home = Home::new(Database::Postgres, Content::Seeded);
    let servers = [Process::serve(&home, &[("RUST_LOG", "warn")]), Process::serve(&home, &[("RUST_LOG", "warn")])];
    let key = key_by_command(&home, &["catalogue:write"]);
    let (over, written) = (AtomicBool::new(false), AtomicU32::new(0));
    let mirrors: Vec<Mirror> = std::thread::scope(|scope| {
        let mirrors: Vec<_> = (0..4usize)
            .map(|number| {
                let (servers, over) = (&servers, &over);
                scope.spawn(move || {
                    let mut mirror = Mirror::default();
                    let mut turn = number;
                    while !over.load(Ordering::Relaxed) {
                        // From one server now and from the other then: places are the same in both.
                        mirror.follow(&servers[turn % 2], 10 + number * 20);
                        turn += 1;
                    }
                    mirror
                })
            })
            .collect();
        let writers: Vec<_> = (0..8u32)
            .map(|number| {
                let (server, over, written, key) = (&servers[number as usize % 2], &over, &written, &key);
                scope.spawn(move || write(server, number, key, over, written))
            })
            .collect();
        let until = Instant::now() + time();
        while Instant::now() < until && !writers.iter().any(std::thread::ScopedJoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(100));
        }
        over.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|one| one.join().expect("a writer"));
        mirrors.into_iter().map(|one| one.join().expect("a mirror")).collect()
    });
    assert!(u64::from(written.load(Ordering::Relaxed)) > 2 * time().as_secs(), "hardly anything was written");
    // What others wrote is seen within a second.
    std::thread::sleep(Duration::from_millis(1_100));
    let mut reference = Mirror::default();
    reference.follow(&servers[0], 100);
    for mut mirror in mirrors {
        mirror.follow(&servers[1], 100);
        assert_eq!(mirror.log, reference.log, "a mirror missed or repeated a change");
        mirror.prove(&servers[0]);
        mirror.prove(&servers[1]);
    }
    let mut cursors: Vec<_> = reference.log.iter().map(|change| &change.0).collect();
    let all = cursors.len();
    cursors.sort();
    cursors.dedup();
    assert_eq!(cursors.len(), all, "a place came twice");
}

/// Makes, changes, renames and removes volumes of its own, until it is over.
fn write(server: &Process, number: u32, key: &str, over: &AtomicBool, written: &AtomicU32) {
    let send = |method: &str, target: &str, body: Option<serde_json::Value>, wanted: u16| {
        let call = server.call(method, target).header("Authorization", &bearer(key)).header("If-Match", "*");
        let answer = match body {
            Some(body) => call.json(&body).send(),
            None => call.send(),
        };
        answer.expect(wanted);
        written.fetch_add(1, Ordering::Relaxed);
    };
    for round in 0.. {
        let id = format!("w{number}-{round}");
        let volume = json!({"id": id, "number": 1_000 + number * 100_000 + round, "year": 2026, "state": "published", "texts": {"fr": {"title": "Un"}}, "themes": ["mobility"]});
        send("POST", "/v1/volumes", Some(volume), 201);
        send("PATCH", &format!("/v1/volumes/{id}"), Some(json!({"texts": {"fr": {"title": format!("Deux {round}")}, "nl": {"title": "Twee"}}})), 200);
        let id = if round % 3 == 0 {
            send("PATCH", &format!("/v1/volumes/{id}"), Some(json!({"id": format!("{id}-b")})), 200);
            format!("{id}-b")
        } else {
            id
        };
        if round % 2 == 0 {
            send("DELETE", &format!("/v1/volumes/{id}"), None, 204);
        }
        if over.load(Ordering::Relaxed) {
            return;
        }
    }
}
