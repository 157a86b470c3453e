//! Ready answers: made once, true at every moment, and never more than a second behind what another process wrote.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use chrono::DateTime;
use handbooks::catalogue::theme::ThemeDocument;
use handbooks::catalogue::volume::VolumeDocument;
use serde_json::Value;

use crate::support::database::Content;
use crate::support::process::{Process, within};
use crate::support::raw::exchange;
use crate::support::records::change_in;
use crate::support::{App, Database, Home, both, encode};

both!(
    the_next_read_shows_what_was_written,
    another_process_is_seen_within_a_second,
    one_computation_serves_all_who_ask_at_once,
    however_it_is_spelled_it_is_made_once,
    unrelated_answers_keep_their_tags,
    without_a_cache_the_answers_are_the_same,
    who_is_named_takes_the_long_way,
    many_questions_do_not_grow_the_memory,
    answers_keep_their_order_and_their_bytes,
    hundreds_at_once_are_all_answered,
    a_slow_reader_gets_all_of_it,
    an_answer_without_its_place_is_never_sent,
);

fn title(answer: &Value) -> String {
    answer["title"].as_str().unwrap().to_owned()
}

fn the_next_read_shows_what_was_written(app: App) {
    for round in 1..=20 {
        let wanted = format!("Mobilité {round}");
        app.change::<VolumeDocument>("mobility", |volume| volume.0.texts.get_mut("fr").unwrap().title = Some(wanted.clone()));
        // Each twice: made, and ready.
        for target in ["/v1/volumes/mobility", "/v1/volumes/mobility", "/v1/volumes?number=4", "/v1/volumes?number=4"] {
            let answer = app.get(target).expect(200);
            let time = |name: &str| DateTime::parse_from_rfc2822(answer.header(name).unwrap()).unwrap();
            assert!(time("last-modified") <= time("date"), "{:?}", answer.headers);
            let found = answer.json();
            let found = if target.contains('?') { &found["items"][0] } else { &found };
            assert_eq!(title(found), wanted, "{target}");
        }
    }
}

fn another_process_is_seen_within_a_second(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let process = Process::serve(&home, &[]);
    let store = home.open();
    for round in 1..=5 {
        let wanted = format!("Autre titre {round}");
        assert_ne!(title(&process.get("/v1/volumes/mobility").ok()), wanted);
        let change = |volume: &mut VolumeDocument| volume.0.texts.get_mut("fr").unwrap().title = Some(wanted.clone());
        store
            .write(|db| {
                change_in(db, "mobility", change)?;
                handbooks::catalogue::revision::advance(db)
            })
            .unwrap();
        let written = Instant::now();
        // Asked all the time, so that there is always something ready.
        within(Duration::from_secs(5), "the change is shown", || (title(&process.get("/v1/volumes/mobility").ok()) == wanted).then_some(()));
        assert!(written.elapsed() < Duration::from_secs(1), "shown only after {:?}", written.elapsed());
        // And from then on, for good.
        for _ in 0..20 {
            assert_eq!(title(&process.get("/v1/volumes/mobility").ok()), wanted);
        }
    }
}

fn one_computation_serves_all_who_ask_at_once(app: App) {
    let made = app.state.cache.made();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..100).map(|_| scope.spawn(|| app.get("/v1/volumes?lang=en&sort=-title").expect(200).body)).collect();
        let all: Vec<Vec<u8>> = all.into_iter().map(|one| one.join().unwrap()).collect();
        assert!(all.iter().all(|body| *body == all[0]));
    });
    assert_eq!(app.state.cache.made() - made, 1);
}

fn however_it_is_spelled_it_is_made_once(app: App) {
    let first = app.call("GET", "/v1/volumes?language=fr&language=nl&pageSize=5").header("Accept-Language", "nl").send().expect(200);
    let made = app.state.cache.made();
    for (target, accept_language) in [
        ("/v1/volumes?language=nl&language=fr&pageSize=5", "nl"),
        ("/v1/volumes?pageSize=5&language=nl&language=fr", "nl-BE, zh;q=0.3"),
        ("/v1/volumes?page%53ize=5&language=nl&language=fr", "NL"),
    ] {
        for method in ["GET", "HEAD", "GET"] {
            let again = app.call(method, target).header("Accept-Language", accept_language).header("Accept", "application/json").send().expect(200);
            assert_eq!(again.header("etag"), first.header("etag"), "{target}");
        }
    }
    assert_eq!(app.state.cache.made(), made);
    // What makes a difference is told apart, also when all of it has been asked before.
    for round in 0..2 {
        for (accept_language, served) in [("nl", "nl"), ("fr", "fr"), ("en", "en"), ("", "fr")] {
            let answer = app.call("GET", "/v1/volumes/strategy").header("Accept-Language", accept_language).send().ok();
            assert_eq!(answer["language"]["served"], served, "{accept_language} in round {round}");
        }
        assert_eq!(app.call("GET", "/v1/volumes/strategy").header("Accept", "text/csv").send().status, 406);
        assert_eq!(app.get("/v1/volumes/strategy?lang=xx").status, 400);
    }
}

fn unrelated_answers_keep_their_tags(app: App) {
    let tag = |target: &str| app.get(target).expect(200).header("etag").unwrap().to_owned();
    let (theme, event, volume) = ("/v1/themes/strategy", "/v1/events", "/v1/volumes/mobility");
    let before = (tag(theme), tag(event), tag(volume));
    app.change::<VolumeDocument>("mobility", |volume| volume.0.texts.get_mut("fr").unwrap().title = Some("Autrement".into()));
    assert_eq!((tag(theme), tag(event)), (before.0.clone(), before.1));
    assert_ne!(tag(volume), before.2);
    assert_eq!(app.call("GET", theme).header("If-None-Match", &before.0).send().status, 304);
    // What shows a title of another record changes with it.
    let shown = tag("/v1/volumes/strategy");
    app.change::<ThemeDocument>("strategy", |theme| theme.texts.get_mut("fr").unwrap().title = Some("Stratégies".into()));
    assert_ne!(tag("/v1/volumes/strategy"), shown);
}

fn without_a_cache_the_answers_are_the_same(app: App) {
    let mut app = app;
    let targets = [
        "/v1",
        "/v1/volumes",
        "/v1/volumes?lang=*&pageSize=2",
        "/v1/collection?lang=en",
        "/v1/events/partnerships-presentation-2022",
        "/openapi.json",
    ];
    let all = |app: &App| -> Vec<(Option<String>, String)> {
        let codings = ["identity", "gzip", "br"];
        let asked = targets
            .iter()
            .flat_map(|target| codings.iter().map(move |coding| app.call("GET", target).header("Accept-Encoding", coding).send().expect(200)));
        // The port is another one after a restart, and so are the bytes; what is compared is the text without it.
        asked
            .map(|answer| {
                (
                    answer.header("content-encoding").map(str::to_owned),
                    if answer.header("content-encoding").is_none() { answer.text().replace(&app.base, "") } else { String::new() },
                )
            })
            .collect()
    };
    let with = all(&app);
    app.restart_with(&["--cache-bytes=0"]);
    let made = app.state.cache.made();
    assert_eq!(all(&app), with);
    assert_eq!(all(&app), with);
    assert_eq!(app.state.cache.weight(), 0);
    assert!(app.state.cache.made() >= made + 24, "something was kept");
}

fn who_is_named_takes_the_long_way(app: App) {
    let plain = app.get("/v1/volumes/mobility").expect(200);
    for _ in 0..2 {
        let named = app.call("GET", "/v1/volumes/mobility").header("Authorization", "Bearer x").send().expect(200);
        assert_eq!(named.body, plain.body);
    }
    // Limits hold for what is ready as well.
    assert_eq!(app.call("GET", "/v1/volumes/mobility").header("X-Long", &"x".repeat(17_000)).send().status, 431);
    assert_eq!(app.call("POST", "/v1/volumes/mobility").send().status, 405);
    assert_eq!(app.call("OPTIONS", "/v1/volumes/mobility").send().status, 204);
}

fn many_questions_do_not_grow_the_memory(app: App) {
    const BYTES: u64 = 1 << 20;
    let mut app = app;
    app.restart_with(&[format!("--cache-bytes={BYTES}")]);
    let useful = |app: &App| {
        for target in ["/v1/volumes", "/v1/volumes/mobility", "/v1/collection"] {
            app.get(target).expect(200);
        }
    };
    for _ in 0..5 {
        useful(&app);
    }
    for number in 0..1_500 {
        // Questions that differ, and spellings of one question that differ.
        let target =
            if number % 2 == 0 { format!("/v1/volumes?q={}", encode(&format!("rien {number}"))) } else { format!("/v1/themes?lang=fr&q=x{number}") };
        app.call("GET", &target).header("Accept-Language", &format!("fr;q=0.{number}")).send().expect(200);
        assert!(app.state.cache.weight() <= BYTES);
    }
    // On a machine that is busy elsewhere the database may not have confirmed its revision within the last second; then nothing ready is sent.
    within(Duration::from_secs(20), "the revision is confirmed", || app.state.present.stamp(Instant::now()).map(drop));
    let made = app.state.cache.made();
    useful(&app);
    assert_eq!(app.state.cache.made(), made, "the useful ones were pushed out");
}

/// What is ready is not copied into the buffer that the other answers go through: on one connection, all the same, each comes in its turn, whole.
fn answers_keep_their_order_and_their_bytes(app: App) {
    let targets = [
        "/v1/volumes",
        "/v1/themes?lang=nl",
        "/v1/volumes/mobility",
        "/health/live",
        "/v1/themes/nothing",
        "/v1/volumes?pageSize=0",
        "/openapi.json",
    ];
    // Twice: the first time it is made, the second time it is ready.
    let known: Vec<_> = targets.iter().map(|target| (app.get(target), app.get(target)).1).collect();
    let list = app.get("/v1/volumes").expect(200);
    let mut asked: Vec<(String, u16, Vec<u8>)> = Vec::new();
    let mut requests = Vec::new();
    let mut ask = |target: &str, fields: &str, status: u16, body: &[u8]| {
        requests.extend_from_slice(format!("GET {target} HTTP/1.1\r\nHost: test\r\n{fields}\r\n").as_bytes());
        asked.push((format!("{target} {fields:?}"), status, body.to_vec()));
    };
    for round in 0..30 {
        let (target, answer) = (targets[round % targets.len()], &known[round % targets.len()]);
        ask(target, "", answer.status, &answer.body);
        ask("/v1/volumes", &format!("If-None-Match: {}\r\n", list.header("etag").unwrap()), 304, b"");
        ask("/v1/volumes", "", 200, &list.body);
    }
    ask("/v1/themes", "Connection: close\r\n", 200, &app.get("/v1/themes").body);

    let all = exchange(app.address, &requests);
    let mut rest = all.as_slice();
    for (what, status, body) in asked {
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("{what}: no answer"));
        let head = std::str::from_utf8(&rest[..end]).unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {head}");
        for name in ["date: ", "belgov-trace-id: ", "access-control-allow-origin: "] {
            assert_eq!(head.matches(&format!("\r\n{name}")).count(), 1, "{what}: {name} in {head}");
        }
        let (begun, after) = rest[end + 4..].split_at(body.len());
        // A problem has a trace id of its own each time.
        assert!(begun == body || (status >= 400 && begun.starts_with(b"{\"type\":")), "{what}: other bytes");
        if status != 304 {
            assert!(format!("{head}\r\n").contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{what}: {head}");
        }
        rest = after;
    }
    assert!(rest.is_empty(), "{} bytes too many", rest.len());
}

/// More heads than the framework's buffer holds, so that one of them comes to its end.
fn hundreds_at_once_are_all_answered(app: App) {
    let themes = (app.get("/v1/themes"), app.get("/v1/themes")).1;
    let etag = themes.header("etag").unwrap();
    for (fields, body) in [(String::new(), themes.text()), (format!("If-None-Match: {etag}\r\n"), String::new())] {
        let mut requests = format!("GET /v1/themes HTTP/1.1\r\nHost: t\r\n{fields}\r\n").repeat(900);
        requests.push_str(&format!("GET /v1/themes HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{fields}\r\n"));
        let all = String::from_utf8(exchange(app.address, requests.as_bytes())).unwrap();
        assert_eq!(all.matches("HTTP/1.1 ").count(), 901);
        assert_eq!(all.matches("\r\nbelgov-trace-id: ").count(), 901);
        assert!(all.split("HTTP/1.1 ").skip(1).all(|one| one.ends_with(&format!("\r\n\r\n{body}"))), "other bytes");
    }
}

/// What does not fit into the socket's buffers waits for its reader, and the next answer for it.
fn a_slow_reader_gets_all_of_it(app: App) {
    let list = (app.get("/v1/volumes?lang=*"), app.get("/v1/volumes?lang=*")).1;
    let asked = 300;
    let mut stream = TcpStream::connect(app.address).unwrap();
    let request = "GET /v1/volumes?lang=* HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    stream.write_all(request.repeat(asked).as_bytes()).unwrap();
    let mut all = Vec::new();
    let mut some = vec![0; 64 * 1024];
    let until = Instant::now() + Duration::from_secs(60);
    let found = |all: &[u8]| all.windows(list.body.len()).filter(|window| *window == list.body).count();
    for round in 0.. {
        if round < 10 {
            std::thread::sleep(Duration::from_millis(50));
        }
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0 && Instant::now() < until, "it ended after {} bytes", all.len());
        all.extend_from_slice(&some[..read]);
        if all.len() >= asked * list.body.len() && all.ends_with(&list.body) && found(&all) >= asked {
            break;
        }
    }
    assert_eq!(found(&all), asked);
}

/// The framework takes a body from an answer when a HEAD was sent right behind its request. Then the connection ends; no answer gets another's bytes.
fn an_answer_without_its_place_is_never_sent(app: App) {
    let known: Vec<String> = ["/v1/themes", "/v1/languages"].iter().map(|target| (app.get(target), app.get(target).text()).1).collect();
    let ask = |method: &str, target: &str| format!("{method} {target} HTTP/1.1\r\nHost: t\r\n\r\n");
    let requests = [ask("GET", "/v1/themes"), ask("GET", "/v1/languages"), ask("HEAD", "/v1/themes"), ask("GET", "/v1/themes")].concat();
    let mut stream = TcpStream::connect(app.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.write_all(requests.as_bytes()).unwrap();
    let mut all = Vec::new();
    // It ends, or nothing more comes.
    let _ = stream.read_to_end(&mut all);
    for answer in String::from_utf8(all).unwrap().split("HTTP/1.1 ").skip(1) {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            body.is_empty() || head.contains(&format!("content-length: {}", body.len())) && known.iter().any(|known| known == body),
            "{head}\n{body}"
        );
    }
}
