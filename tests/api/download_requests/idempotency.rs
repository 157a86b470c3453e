//! `POST /v1/downloadRequests`, sent again: with an `Idempotency-Key`, and within ten minutes.

use chrono::TimeDelta;
use diesel::prelude::*;
use handbooks::db::schema::{download_request, idempotency};
use handbooks::db::types::now;
use handbooks::operations::file::Kind;
use serde_json::{Value, json};

use crate::support::app::SECRET;
use crate::support::downloads::{REQUESTS, by_person, least};
use crate::support::pdf::pdf;
use crate::support::{Answer, App, Process, both};

both!(
    the_same_key_and_body_get_the_same_bytes,
    another_body_is_refused,
    keys_are_checked,
    rivals_make_one_request,
    rivals_at_two_servers_make_one_request,
    a_key_is_forgotten_after_a_day,
    a_new_secret_forgets_nothing,
    refusals_are_not_kept,
    the_same_person_gets_the_same_request,
    another_wish_is_another_request,
    ten_minutes_are_over,
    rivals_without_a_key_make_one_request,
);

const KEY: &str = "019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11";

fn the_same_key_and_body_get_the_same_bytes(app: App) {
    app.add_file(Kind::Volume, "strategy", "fr", &pdf(1, 0));
    for (key, body) in [(KEY, by_person("strategy", "fr")), ("abcdefghijklmnop", least("mobility", "fr"))] {
        let before = app.rows();
        let first = app.ask_with_key(key, &body).expect(201);
        let after = app.rows();
        assert_eq!((after[0] - before[0], after[4] - before[4]), (1, 1));
        // The order of properties and the white space mean nothing.
        let turned: Value = json!({"privacyNotice": "privacy-1", "requester": body["requester"], "editions": body["editions"]});
        let mut turned = turned;
        turned.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let spaced = serde_json::to_string_pretty(&turned).unwrap();
        for _ in 0..3 {
            let again = app.ask_with_key(key, &body).expect(201);
            assert_eq!(again.body, first.body);
            assert_eq!(again.header("location"), first.header("location"));
            assert_eq!(again.header("cache-control"), Some("no-store"));
            let call = app.call("POST", REQUESTS).headers(&[("Idempotency-Key", key), ("Content-Type", "application/json")]);
            assert_eq!(call.body(spaced.clone()).send().expect(201).body, first.body);
        }
        assert_eq!(app.rows(), after);
    }
    // Also after the file has come, and after a restart: it is the answer that was given.
    let first = app.ask_with_key("abcdefghijklmnop", &least("mobility", "fr")).expect(201);
    app.add_file(Kind::Volume, "mobility", "fr", &pdf(2, 0));
    let mut app = app;
    app.restart();
    let again = app.call("POST", REQUESTS).header("Idempotency-Key", "abcdefghijklmnop").json(&least("mobility", "fr")).send().expect(201);
    assert_eq!(again.body, first.body);
}

fn another_body_is_refused(app: App) {
    let body = by_person("mobility", "fr");
    app.ask_with_key(KEY, &body).expect(201);
    let rows = app.rows();
    let mut name = body.clone();
    name["requester"]["name"] = json!("Zoé  Peeters");
    let mut language = body.clone();
    language["language"] = json!("fr");
    let mut editions = body.clone();
    editions["editions"] = json!([{"volume": "mobility", "language": "fr"}, {"volume": "strategy", "language": "fr"}]);
    for other in [name, language, editions, least("mobility", "fr"), by_person("strategy", "nl")] {
        let answer = app.ask_with_key(KEY, &other).expect(422);
        assert_eq!(answer.problem(), "idempotencyKeyReused");
        assert!(!answer.text().contains("Zoé") && !answer.text().contains("hbr_"));
    }
    // A body that is wrong is told so first.
    assert_eq!(app.ask_with_key(KEY, &json!({})).status, 400);
    assert_eq!(app.rows(), rows);
    // The same body under another key is another request: who sends a new key means it.
    let other = app.ask_with_key("another-key-012345", &body).expect(201);
    assert_ne!(other.json()["id"], app.ask_with_key(KEY, &body).expect(201).json()["id"]);
    // Keys know case.
    app.ask_with_key(&KEY.to_uppercase(), &least("strategy", "fr")).expect(201);
}

fn keys_are_checked(app: App) {
    let body = least("mobility", "fr");
    let long = "k".repeat(65);
    for bad in [
        "",
        "short",
        "0123456789abcde",
        long.as_str(),
        "0123456789 abcdef",
        "\"0123456789abcdef\"",
        "0123456789abcdef.",
        "0123456789abcdef,x",
        "schl%C3%BCssel-0123",
    ] {
        let answer = app.ask_with_key(bad, &body);
        assert_eq!(answer.status, 400, "{bad:?}");
        let issues = answer.issues();
        assert_eq!((issues.len(), issues[0].place.as_str(), issues[0].name.as_str()), (1, "header", "Idempotency-Key"), "{bad:?}");
    }
    let twice = app.call("POST", REQUESTS).headers(&[("Idempotency-Key", KEY), ("Idempotency-Key", KEY)]).json(&body).send();
    assert_eq!((twice.status, twice.issues().len()), (400, 1));
    assert_eq!(app.rows(), [0; 5]);
    for good in ["0123456789abcdef", &long[1..], "--------________", KEY] {
        assert_eq!(app.ask_with_key(good, &body).status, 201, "{good:?}");
    }
    // A key is no matter of reading.
    assert_eq!(app.call("GET", "/v1/volumes/mobility").header("Idempotency-Key", "short").send().status, 200);
}

/// Every answer is the one request, or says that it is being made; and there is an answer.
fn one_of(answers: &[Answer]) -> Answer {
    let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    let first = made.first().expect("somebody gets the request");
    for answer in answers {
        match answer.status {
            201 => assert_eq!(answer.body, first.body),
            409 => {
                assert_eq!(answer.problem(), "requestInFlight");
                assert_eq!(answer.header("retry-after"), Some("1"));
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    (*first).clone()
}

fn rivals_make_one_request(app: App) {
    for round in 0..5 {
        let key = format!("0123456789abcdef-{round}");
        let body = by_person("mobility", "fr");
        let before = app.rows();
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let rivals: Vec<_> = (0..16).map(|_| scope.spawn(|| app.ask_with_key(&key, &body))).collect();
            rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
        });
        let made = one_of(&answers);
        let after = app.rows();
        assert_eq!(std::array::from_fn::<_, 5, _>(|at| after[at] - before[at]), [1, 1, 1, 0, 1]);
        assert_eq!(app.ask_with_key(&key, &body).expect(201).body, made.body);
    }
}

fn rivals_at_two_servers_make_one_request(app: App) {
    let other = Process::serve(&app.home, &[]);
    for round in 0..5 {
        let key = format!("0123456789abcdef-{round}");
        let body = by_person("mobility", "fr");
        let before = app.rows();
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let ask = |n: usize| {
                let (app, other, key, body) = (&app, &other, &key, &body);
                scope.spawn(move || {
                    let call = if n.is_multiple_of(2) { app.call("POST", REQUESTS) } else { other.call("POST", REQUESTS) };
                    call.header("Idempotency-Key", key).json(body).send()
                })
            };
            let rivals: Vec<_> = (0..16).map(ask).collect();
            rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
        });
        let made = one_of(&answers);
        let after = app.rows();
        assert_eq!(std::array::from_fn::<_, 5, _>(|at| after[at] - before[at]), [1, 1, 1, 0, 1]);
        // What one has made, the other one repeats.
        assert_eq!(other.call("POST", REQUESTS).header("Idempotency-Key", &key).json(&body).send().expect(201).body, made.body);
    }
}

fn a_key_is_forgotten_after_a_day(app: App) {
    let body = least("mobility", "fr");
    let first = app.ask_with_key(KEY, &body).expect(201);
    let age = |by: TimeDelta| {
        app.write(|db| Ok(diesel::update(idempotency::table).set(idempotency::created_at.eq(now() - by)).execute(db)?));
    };
    age(TimeDelta::hours(24) - TimeDelta::seconds(60));
    assert_eq!(app.ask_with_key(KEY, &body).expect(201).body, first.body);
    assert_eq!(app.ask_with_key(KEY, &by_person("mobility", "fr")).status, 422);
    age(TimeDelta::hours(24) + TimeDelta::seconds(1));
    // New: also for another body.
    let second = app.ask_with_key(KEY, &by_person("mobility", "fr")).expect(201);
    assert_ne!(second.json()["id"], first.json()["id"]);
    assert_eq!(app.ask_with_key(KEY, &by_person("mobility", "fr")).expect(201).body, second.body);
    assert_eq!(app.ask_with_key(KEY, &body).status, 422);
    // The old answer has gone, the old request has not.
    assert_eq!(app.rows()[..1], [2]);
    assert_eq!(app.rows()[4], 1);
    assert_eq!(app.opened("GET", &first.json()).status, 200);
    // Old answers to other keys go when a new one comes.
    age(TimeDelta::hours(25));
    app.ask_with_key("another-key-012345", &body).expect(201);
    assert_eq!(app.rows()[4], 1);
}

/// While the old secret is still accepted, what was made with it is known again: by its key, and by its person.
fn a_new_secret_forgets_nothing(mut app: App) {
    let keyed = app.ask_with_key(KEY, &least("mobility", "fr")).expect(201);
    let keyless = app.ask_for(&by_person("mobility", "fr")).expect(201).json();
    app.restart_with(&[format!("--secret=another secret that is as long as it has to be,{SECRET}")]);
    let again = app.ask_with_key(KEY, &least("mobility", "fr")).expect(201);
    assert!(again.body == keyed.body, "the same key and body made {} beside {}", again.json()["id"], keyed.json()["id"]);
    let again = app.ask_for(&by_person("mobility", "fr")).expect(200).json();
    assert_eq!(again["id"], keyless["id"]);
    assert_eq!(app.rows()[0], 2);
}

fn refusals_are_not_kept(app: App) {
    let mut wrong = least("mobility", "fr");
    wrong["privacyNotice"] = json!("privacy-0");
    assert_eq!(app.ask_with_key(KEY, &wrong).status, 400);
    assert_eq!(app.ask_with_key(KEY, &least("no-such-volume", "fr")).status, 400);
    // Corrected, under the same key.
    app.ask_with_key(KEY, &least("mobility", "fr")).expect(201);
    assert_eq!(app.rows(), [1, 0, 1, 0, 1]);
}

fn the_same_person_gets_the_same_request(app: App) {
    let body = by_person("mobility", "fr");
    let first = app.ask_for(&body).expect(201);
    let again = app.ask_for(&body).expect(200);
    assert_eq!(again.header("location"), None);
    assert_eq!(again.header("cache-control"), Some("no-store"));
    assert_eq!(again.json(), first.json());
    // The order of the editions and of the properties is no other wish.
    let both = |editions: Value| json!({"requester": body["requester"], "editions": editions, "privacyNotice": "privacy-1"});
    let (one, two) = (json!({"volume": "mobility", "language": "fr"}), json!({"volume": "strategy", "language": "fr"}));
    let first = app.ask_for(&both(json!([one, two]))).expect(201).json();
    assert_eq!(app.ask_for(&both(json!([two, one]))).expect(200).json(), first);
    assert_eq!(app.rows()[0], 2);
    // Its file came meanwhile: the same request, with its link.
    app.add_file(Kind::Volume, "mobility", "fr", &pdf(1, 0));
    let again = app.ask_for(&body).expect(200).json();
    assert_eq!(again["status"], "fulfilled");
    // A request that was made with a key is found too.
    let keyed = app.ask_with_key(KEY, &by_person("strategy", "nl")).expect(201).json();
    assert_eq!(app.ask_for(&by_person("strategy", "nl")).expect(200).json()["id"], keyed["id"]);
}

fn another_wish_is_another_request(app: App) {
    let body = by_person("mobility", "fr");
    let first = app.ask_for(&body).expect(201).json()["id"].clone();
    let mut ids = vec![first];
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut other = body.clone();
        change(&mut other);
        other
    };
    for other in [
        by_person("strategy", "fr"),
        by_person("strategy", "nl"),
        changed(&|it| it["editions"] = json!([{"volume": "mobility", "language": "fr"}, {"volume": "strategy", "language": "fr"}])),
        changed(&|it| it["requester"]["name"] = json!("Somebody Else")),
        changed(&|it| drop(it["requester"].as_object_mut().unwrap().remove("name"))),
        changed(&|it| it["requester"]["email"] = json!("somebody.else@example.org")),
        changed(&|it| it["requester"]["municipality"] = json!("62063")),
        changed(&|it| it["requester"]["role"] = json!("student")),
        changed(&|it| it["purpose"] = json!("teaching")),
        changed(&|it| it["consents"] = json!([{"text": "news-1", "given": true}])),
        changed(&|it| it["consents"] = json!([{"text": "news-1", "given": false}])),
        changed(&|it| it["language"] = json!("nl")),
        // Nobody knows whether two without an address are the same person.
        least("mobility", "fr"),
        least("mobility", "fr"),
        changed(&|it| drop(it["requester"].as_object_mut().unwrap().remove("email"))),
        changed(&|it| drop(it["requester"].as_object_mut().unwrap().remove("email"))),
    ] {
        let id = app.ask_for(&other).expect(201).json()["id"].clone();
        assert!(!ids.contains(&id), "{other}");
        ids.push(id);
    }
}

fn ten_minutes_are_over(app: App) {
    let body = by_person("mobility", "fr");
    let first = app.ask_for(&body).expect(201).json();
    let age = |by: TimeDelta| {
        app.write(|db| Ok(diesel::update(download_request::table).set(download_request::created_at.eq(now() - by)).execute(db)?));
    };
    age(TimeDelta::seconds(9 * 60 + 30));
    assert_eq!(app.ask_for(&body).expect(200).json()["id"], first["id"]);
    age(TimeDelta::seconds(10 * 60 + 1));
    assert_ne!(app.ask_for(&body).expect(201).json()["id"], first["id"]);
    assert_eq!(app.opened("GET", &first).status, 200);
}

fn rivals_without_a_key_make_one_request(app: App) {
    let body = by_person("mobility", "fr");
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let rivals: Vec<_> = (0..16).map(|_| scope.spawn(|| app.ask_for(&body))).collect();
        rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
    });
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[200; 15].as_slice(), &[201]].concat());
    for answer in &answers {
        assert_eq!(answer.json()["id"], answers[0].json()["id"]);
    }
    assert_eq!(app.rows(), [1, 1, 1, 0, 0]);
}
