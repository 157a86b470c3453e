//! Requests that wait for each other: committed together, each with its own answer; when too many wait, the last to come are told so and nothing is lost.

use std::sync::mpsc::{Receiver, Sender, channel};

use std::time::Duration;

use futures_util::future::join4;
use handbooks::catalogue::revision;
use handbooks::error::Error;
use serde_json::{Value, json};

use crate::support::downloads::{REQUESTS, by_person, text};
use crate::support::process::within;
use crate::support::{Answer, App, Database, both};

both!(
    a_full_queue_says_so_and_loses_nothing,
    one_that_fails_harms_no_other,
    each_may_have_a_transaction_of_its_own,
    a_panic_is_no_acknowledgement,
    lost_connections_end_nothing,
);

const CLIENTS: usize = 60;
const ROOM: usize = 8;

fn form(client: usize) -> Value {
    let mut body = by_person("mobility", "fr");
    body["requester"]["email"] = json!(format!("queue-{client}@example.org"));
    body
}

/// Keeps all writers waiting while `work` runs; `work` gets what lets them go.
fn while_writers_wait<T>(app: &App, work: impl FnOnce(Sender<()>) -> T) -> T {
    let (held, wait): (Sender<()>, Receiver<()>) = channel();
    let (go, gone) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            app.state
                .store
                .write(|db| {
                    revision::take(db)?;
                    held.send(()).unwrap();
                    // Until told, or until whoever should tell has failed.
                    let _ = gone.recv();
                    Ok(())
                })
                .unwrap();
        });
        wait.recv().unwrap();
        work(go)
    })
}

/// The answers to one request of each client, all sent at once.
fn all_at_once(app: &App, bodies: &[Value], answered: &(dyn Fn(usize) + Sync)) -> Vec<Answer> {
    let count = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let all: Vec<_> = bodies
            .iter()
            .map(|body| {
                let count = &count;
                scope.spawn(move || {
                    let answer = app.call("POST", REQUESTS).json(body).send();
                    answered(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1);
                    answer
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn a_full_queue_says_so_and_loses_nothing(app: App) {
    let mut app = app;
    app.restart_with(&[format!("--write-queue={ROOM}"), format!("--write-batch={ROOM}")]);
    let bodies: Vec<Value> = (0..CLIENTS).map(form).collect();
    // Some wait, and two writers may have taken as many with them; all others are told at once.
    let told = CLIENTS - 3 * ROOM;
    let answers = while_writers_wait(&app, |go| {
        let go = std::sync::Mutex::new(Some(go));
        all_at_once(&app, &bodies, &|count| {
            if count == told {
                go.lock().unwrap().take();
            }
        })
    });
    let (made, refused): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 201);
    assert!(refused.len() >= told && made.len() >= ROOM, "{} made, {} refused", made.len(), refused.len());
    for answer in &refused {
        assert_eq!((answer.status, answer.problem().as_str()), (503, "serviceUnavailable"), "{}", answer.what());
        assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0)));
    }
    // What was acknowledged is stored, and what was refused is not.
    let rows = app.rows();
    let stored = i64::try_from(made.len()).unwrap();
    assert_eq!(rows[..3], [stored; 3]);
    for answer in made {
        assert_eq!(app.opened("GET", &answer.json()).status, 200);
    }
    // Reads never waited, and who was refused is welcome now.
    app.ask_for(&form(CLIENTS)).expect(201);
}

fn one_that_fails_harms_no_other(app: App) {
    app.ask_with_key("a-key-that-is-used", &form(1000)).expect(201);
    let before = app.rows();
    let bodies: Vec<Value> = (0..30)
        .map(|client| {
            let mut body = form(client);
            match client % 3 {
                0 => body["editions"] = json!([{"volume": "nothing", "language": "fr"}]),
                1 => body["privacyNotice"] = json!("privacy-0"),
                _ => {}
            }
            body
        })
        .collect();
    let answers = while_writers_wait(&app, |go| {
        let other = std::thread::scope(|scope| {
            let used = scope.spawn(|| app.ask_with_key("a-key-that-is-used", &form(1001)));
            let all = scope.spawn(|| all_at_once(&app, &bodies, &|_| {}));
            // Long enough for most of them to be waiting.
            std::thread::sleep(Duration::from_millis(300));
            drop(go);
            (used.join().unwrap(), all.join().unwrap())
        });
        assert_eq!(other.0.status, 422);
        other.1
    });
    for (client, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, if client % 3 == 2 { 201 } else { 400 }, "{}", answer.text());
        if client % 3 == 2 {
            assert_eq!(text(&answer.json(), "/editions/0/status"), "waiting");
        }
    }
    assert_eq!(app.rows()[0] - before[0], 10);
}

fn each_may_have_a_transaction_of_its_own(app: App) {
    let mut app = app;
    app.restart_with(&["--write-batch=1"]);
    let bodies: Vec<Value> = (0..20).map(form).collect();
    let answers = all_at_once(&app, &bodies, &|_| {});
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert_eq!(app.rows()[0], 20);
}

/// Whatever was told to be done is done, also when another job of the group panics.
fn a_panic_is_no_acknowledgement(app: App) {
    let (store, revision) = (app.state.store.clone(), || app.state.store.read(revision::current).unwrap().number);
    let before = revision();
    let acknowledged = while_writers_wait(&app, |go| {
        actix_web::rt::System::new().block_on(async {
            let first = store.queue(revision::advance);
            let panics = store.queue(|db| -> Result<(), Error> {
                revision::advance(db)?;
                panic!("a test wants it so")
            });
            let last = store.queue(revision::advance);
            // All are waiting before the writers go on.
            let (first, panics, last, ()) = join4(first, panics, last, async { drop(go) }).await;
            assert!(panics.is_err());
            i64::from(first.is_ok()) + i64::from(last.is_ok())
        })
    });
    assert_eq!(revision(), before + acknowledged);
    actix_web::rt::System::new().block_on(store.queue(revision::advance)).unwrap();
    assert_eq!(revision(), before + acknowledged + 1);
    app.ask_for(&form(0)).expect(201);
}

/// Connections are cut while a crowd is being served: nobody hangs, what was acknowledged is stored, and the desk goes on.
fn lost_connections_end_nothing(app: App) {
    for round in 0..3 {
        let bodies: Vec<Value> = (0..CLIENTS).map(|client| form(round * 1_000 + client)).collect();
        let answers = std::thread::scope(|scope| {
            let all = scope.spawn(|| all_at_once(&app, &bodies, &|_| {}));
            if app.home.database == Database::Postgres {
                let mine = "datname = current_database() AND pid <> pg_backend_pid()";
                app.home.execute(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}"));
            }
            all.join().unwrap()
        });
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 503)));
        assert!(app.home.database == Database::Postgres || made == CLIENTS);
        within(Duration::from_secs(10), "the desk goes on", || (app.ask_for(&form(round * 1_000 + 999)).status < 300).then_some(()));
        for answer in answers.iter().filter(|answer| answer.status == 201) {
            assert_eq!(app.opened("GET", &answer.json()).status, 200);
        }
    }
}
