//! `POST /v1/downloadRequests`: what is taken, and what is answered.

use diesel::prelude::*;
use handbooks::db::schema::{download_request, requester};
use handbooks::download::request::read::Identity;
use handbooks::download::request::store::IDENTITY;
use handbooks::download::seal::open;
use handbooks::http::MAX_BODY;
use handbooks::operations::file::Kind;
use serde_json::{Value, json};
use uuid::{Uuid, Version};

use crate::support::database::Content;
use crate::support::downloads::{REQUESTS, least, text};
use crate::support::pdf::pdf;
use crate::support::raw::exchange;
use crate::support::{Answer, App, Database, Home, Process, both};

both!(
    takes,
    waits_for_what_is_not_there,
    links_to_what_is_there,
    speaks,
    keeps_names_as_typed,
    takes_addresses,
    takes_a_body_up_to_its_limit,
    lives_under_a_public_url
);

fn takes(app: App) {
    let person = json!({"name": "Anna Peeters", "email": "anna@example.org", "organization": "Commune", "organizationType": "municipality",
        "role": "projectManager", "municipality": "62063", "country": "BE"});
    let fr = |volume: &str| json!({"volume": volume, "language": "fr"});
    let table = [
        ("the least", least("mobility", "fr"), [1, 0, 1, 0, 0]),
        ("an empty requester", json!({"editions": [fr("mobility")], "privacyNotice": "privacy-1", "requester": {}}), [1, 0, 1, 0, 0]),
        // What names nobody makes no row of a person.
        (
            "a municipality",
            json!({"editions": [fr("mobility")], "privacyNotice": "privacy-1", "requester": {"municipality": "62063"}}),
            [1, 0, 1, 0, 0],
        ),
        ("a role", json!({"editions": [fr("mobility")], "privacyNotice": "privacy-1", "requester": {"role": "student"}}), [1, 1, 1, 0, 0]),
        ("a complement", json!({"editions": [{"complement": "leadership", "language": "fr"}], "privacyNotice": "privacy-1"}), [1, 0, 1, 0, 0]),
        (
            "several",
            json!({"editions": [fr("mobility"), {"complement": "leadership", "language": "fr"}, {"volume": "strategy", "language": "nl"}, fr("strategy")],
                "privacyNotice": "privacy-1"}),
            [1, 0, 4, 0, 0],
        ),
        (
            "everything",
            json!({"editions": [fr("mobility"), fr("data-governance")], "requester": person, "purpose": "project", "privacyNotice": "privacy-1",
                "consents": [{"text": "news-1", "given": true}], "language": "nl"}),
            [1, 1, 2, 1, 0],
        ),
        (
            "a refusal",
            json!({"editions": [fr("mobility")], "privacyNotice": "privacy-1", "consents": [{"text": "news-1", "given": false}]}),
            [1, 0, 1, 1, 0],
        ),
        ("no consents", json!({"editions": [fr("mobility")], "privacyNotice": "privacy-1", "consents": []}), [1, 0, 1, 0, 0]),
    ];
    for (what, body, added) in table {
        let before = app.rows();
        let answer = app.ask_for(&body).expect(201);
        let after = app.rows();
        assert_eq!(std::array::from_fn::<_, 5, _>(|at| after[at] - before[at]), added, "{what}");
        let request = answer.json();
        let id = text(&request, "/id");
        assert_eq!(Uuid::parse_str(&id).unwrap().get_version(), Some(Version::SortRand), "{what}");
        assert_eq!(request["href"], format!("{}{REQUESTS}/{id}", app.base));
        assert_eq!(answer.header("location"), request["href"].as_str());
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("etag"), None, "{what}");
        // In their order, each as it was asked for.
        let asked: Vec<Value> = request["editions"].as_array().unwrap().iter().map(reference).collect();
        assert_eq!(json!(asked), body["editions"], "{what}");
        assert_eq!(request["privacyNotice"], "privacy-1");
        assert_eq!(request.get("purpose"), body.get("purpose"), "{what}");
        assert_eq!(request["consents"], body.get("consents").cloned().unwrap_or_else(|| json!([])), "{what}");
        assert!(text(&request, "/accessToken").starts_with("hbr_"));
        // Nothing about who asked.
        for absent in ["requester", "name", "email", "organization", "organizationType", "role", "municipality", "country", "key", "repeatHash"] {
            assert_eq!(request.get(absent), None, "{what}: {absent}");
        }
        assert_eq!(app.opened("GET", &request).expect(200).json()["id"], id.as_str());
    }
}

/// What an edition of an answer is an edition of.
fn reference(edition: &Value) -> Value {
    let mut all = edition.clone();
    all.as_object_mut().unwrap().retain(|name, _| matches!(name.as_str(), "volume" | "complement" | "language"));
    all
}

fn waits_for_what_is_not_there(app: App) {
    let request = app.ask_for(&least("mobility", "fr")).expect(201).json();
    assert_eq!(request["status"], "waiting");
    let edition = &request["editions"][0];
    assert_eq!(edition["status"], "waiting");
    assert_eq!(edition["href"], format!("{}/v1/volumes/mobility/editions/fr", app.base));
    assert_eq!(edition["title"], "La mobilité de demain");
    assert_eq!(edition.get("link"), None);
    for (language, reason) in [
        ("fr", "Le fichier n'est pas encore"),
        ("nl", "Het bestand is er nog niet"),
        ("en", "The file is not there yet"),
        ("de", "Die Datei ist noch nicht da"),
    ] {
        let mut body = least("mobility", "fr");
        body["language"] = json!(language);
        let reasons = text(&app.ask_for(&body).expect(201).json(), "/editions/0/reason");
        assert!(reasons.starts_with(reason), "{reasons}");
    }
}

fn links_to_what_is_there(app: App) {
    let bytes = pdf(2, 100);
    app.add_file(Kind::Volume, "strategy", "fr", &bytes);
    let body =
        json!({"editions": [{"volume": "strategy", "language": "fr"}, {"volume": "mobility", "language": "fr"}], "privacyNotice": "privacy-1"});
    let request = app.ask_for(&body).expect(201).json();
    // One of two is there: the whole waits.
    assert_eq!(request["status"], "waiting");
    let states: Vec<&str> = request["editions"].as_array().unwrap().iter().map(|edition| edition["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["fulfilled", "waiting"]);
    assert_eq!(request["editions"][0].get("reason"), None);
    assert_eq!(request["editions"][1].get("link"), None);
    let link = text(&request, "/editions/0/link/href");
    assert!(link.starts_with(&format!("{}/v1/downloads/", app.base)));
    assert_eq!(app.get(&link).expect(200).body, bytes);
    let expires = chrono::DateTime::parse_from_rfc3339(&text(&request, "/editions/0/link/expiresAt")).unwrap();
    let made = chrono::DateTime::parse_from_rfc3339(&text(&request, "/createdAt")).unwrap();
    let days = (expires - made).num_minutes();
    assert!((7 * 24 * 60 - 1..=7 * 24 * 60).contains(&days), "{days} minutes");

    assert_eq!(app.ask_for(&least("strategy", "fr")).expect(201).json()["status"], "fulfilled");
    // The other edition of the same volume has no file.
    assert_eq!(app.ask_for(&least("strategy", "nl")).expect(201).json()["status"], "waiting");
    let stored: Vec<String> =
        app.state.store.read(|db| Ok(download_request::table.order(download_request::key).select(download_request::state).load(db)?)).unwrap();
    assert_eq!(stored, ["waiting", "fulfilled", "waiting"]);
}

fn speaks(app: App) {
    for (accept, language, wanted) in
        [("", None, "fr"), ("nl-BE, en;q=0.5", None, "nl"), ("zh", None, "fr"), ("nl", Some("de"), "de"), ("*", Some("en"), "en")]
    {
        let mut body = least("mobility", "fr");
        if let Some(language) = language {
            body["language"] = json!(language);
        }
        let request = app.call("POST", REQUESTS).header("Accept-Language", accept).json(&body).send().expect(201).json();
        assert_eq!(request["language"], wanted, "{accept:?} {language:?}");
    }
}

/// Who asked, as it is stored, opened with the server's secret.
fn identity(app: &App, request: &Value) -> Identity {
    let id = text(request, "/id");
    let sealed: String = app
        .state
        .store
        .read(|db| {
            let rows = requester::table.inner_join(download_request::table.on(download_request::key.eq(requester::request_key)));
            Ok(rows.filter(download_request::id.eq(&id)).select(requester::identity).first(db)?)
        })
        .unwrap();
    serde_json::from_slice(&open(&app.state.secret, IDENTITY, &id, &sealed).expect("it opens")).unwrap()
}

fn keeps_names_as_typed(app: App) {
    for (typed, kept) in [
        ("Zoe\u{308} Peeters", "Zoë Peeters"),
        ("木村 拓哉", "木村 拓哉"),
        ("عبد الله", "عبد الله"),
        ("Ωμέγα", "Ωμέγα"),
        // The letter ångström has a preferred spelling, ligatures and full-width letters are kept.
        ("\u{212b}", "Å"),
        ("ﬁn ＡＢ", "ﬁn ＡＢ"),
        ("  d'Hoogh–van der Straeten  ", "  d'Hoogh–van der Straeten  "),
        ("O’Neil 👩‍🔬", "O’Neil 👩‍🔬"),
        ("<script>alert(1)</script>'; DROP TABLE requester; --", "<script>alert(1)</script>'; DROP TABLE requester; --"),
    ] {
        let mut body = least("mobility", "fr");
        body["requester"] = json!({"name": typed, "organization": typed, "role": "teacher"});
        let request = app.ask_for(&body).expect(201).json();
        let wanted = Identity { name: Some(kept.into()), email: None, organization: Some(kept.into()), role: Some("teacher".into()) };
        assert_eq!(identity(&app, &request), wanted);
    }
    // As long as it may be, in characters and not in bytes.
    let mut body = least("mobility", "fr");
    body["requester"] = json!({"name": "木".repeat(200)});
    let request = app.ask_for(&body).expect(201).json();
    assert_eq!(identity(&app, &request).name, Some("木".repeat(200)));
}

fn takes_addresses(app: App) {
    let good = [
        "anna@example.org".to_owned(),
        "Anna.Peeters+guide@mail.example.org".into(),
        "a@b.be".into(),
        "x_y-z@x-y.example".into(),
        "o'neil@example.org".into(),
        "!#$%&'*+-/=?^_`{|}~@example.org".into(),
        "\"a b\"@example.org".into(),
        "anna@xn--lige-6oa.example".into(),
        format!("{}@example.org", "x".repeat(64)),
        format!("a@{}.example", "x".repeat(63)),
    ];
    for address in good {
        let mut body = least("mobility", "fr");
        body["requester"] = json!({"email": address});
        let request = app.ask_for(&body).expect(201).json();
        assert_eq!(identity(&app, &request).email.as_deref(), Some(address.as_str()));
    }
    let before = app.rows();
    let bad = [
        String::new(),
        " ".into(),
        "anna".into(),
        "anna@".into(),
        "@example.org".into(),
        "anna@@example.org".into(),
        "anna@example@org".into(),
        "anna..p@example.org".into(),
        ".anna@example.org".into(),
        "anna.@example.org".into(),
        "anna p@example.org".into(),
        "anna@example..org".into(),
        "anna@-example.org".into(),
        "anna@exa_mple.org".into(),
        "anna@[127.0.0.1]".into(),
        "Anna <anna@example.org>".into(),
        "anna@example.org, eva@example.org".into(),
        "anna@example.org\r\nBcc: eva@example.org".into(),
        "anna@example.org\u{0}".into(),
        "anna@liège.example".into(),
        "zoé@example.org".into(),
        " anna@example.org".into(),
        "mailto:anna@example.org ".into(),
        format!("{}@example.org", "x".repeat(65)),
        format!("a@{}.example", "x".repeat(64)),
        format!("a@{}", ["x".repeat(60).as_str(); 5].join(".")),
    ];
    for address in bad {
        let mut body = least("mobility", "fr");
        body["requester"] = json!({"email": address});
        let answer = app.ask_for(&body);
        assert_eq!(answer.status, 400, "{address:?}");
        let names: Vec<String> = answer.issues().into_iter().map(|issue| issue.name).collect();
        assert_eq!(names, ["/requester/email"], "{address:?}");
        assert!(address.trim().is_empty() || !answer.text().contains(&address), "{address:?} is quoted back");
    }
    assert_eq!(app.rows(), before);
}

fn takes_a_body_up_to_its_limit(app: App) {
    let padded = |size: usize| {
        let mut body = least("mobility", "fr").to_string();
        body.push_str(&" ".repeat(size - body.len()));
        app.call("POST", REQUESTS).header("Content-Type", "application/json; charset=utf-8").body(body).send()
    };
    padded(MAX_BODY).expect(201);
    let refused: Answer = padded(MAX_BODY + 1).expect(413);
    assert_eq!(refused.problem(), "payloadTooLarge");
    assert_eq!(refused.json()["limit"], MAX_BODY);
}

fn lives_under_a_public_url(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let process = Process::serve(&home, &[("HANDBOOKS_PUBLIC_URL", "https://api.example.org/handbooks/")]);
    let body = least("mobility", "fr").to_string();
    let head = format!(
        "POST {REQUESTS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let bytes = exchange(process.address, format!("{head}{body}").as_bytes());
    let answer = String::from_utf8(bytes).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let start = format!("https://api.example.org/handbooks{REQUESTS}/");
    assert!(answer.contains(&format!("location: {start}")) && answer.contains(&format!("\"href\":\"{start}")), "{answer}");
    assert!(!answer.contains("127.0.0.1"), "{answer}");
}
