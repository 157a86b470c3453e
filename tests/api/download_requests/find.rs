//! `GET /v1/downloadRequests/{requestId}`

use diesel::prelude::*;
use handbooks::catalogue::record::State;
use handbooks::catalogue::volume::VolumeDocument;
use handbooks::db::schema::download_request;
use handbooks::operations::file::Kind;
use serde_json::Value;

use crate::support::app::SECRET;
use crate::support::downloads::{REQUESTS, by_person, least, text};
use crate::support::pdf::pdf;
use crate::support::{App, both};

both!(finds, opens_with_its_own_token_only, refuses, is_fulfilled_later, gives_fresh_links, tells_what_is_no_longer_offered, survives_a_new_secret);

fn finds(app: App) {
    let mut body = by_person("mobility", "fr");
    body["purpose"] = "teaching".into();
    body["consents"] = serde_json::json!([{"text": "news-1", "given": true}]);
    let made = app.ask_for(&body).expect(201).json();
    let answer = app.opened("GET", &made).expect(200);
    let mut wanted = made.clone();
    // The token is given once.
    wanted.as_object_mut().unwrap().remove("accessToken");
    assert_eq!(answer.json(), wanted);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for absent in ["etag", "last-modified", "location"] {
        assert_eq!(answer.header(absent), None, "{absent}");
    }
    assert!(!answer.text().contains("Zoé") && !answer.text().contains("zoe.peeters"));
    let head = app.opened("HEAD", &made).expect(200);
    assert_eq!(head.header("cache-control"), Some("no-store"));
    assert_eq!(head.header("content-length"), answer.header("content-length"));
    assert_eq!(app.call("HEAD", &text(&made, "/href")).send().status, 401);
}

/// Asks with what the header says.
fn with(app: &App, request: &Value, authorization: &str) -> (u16, String) {
    let answer = app.call("GET", &text(request, "/href")).header("Authorization", authorization).send();
    assert!(answer.status != 401 || answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")), "{:?}", answer.headers);
    (answer.status, if answer.status == 200 { String::new() } else { answer.problem() })
}

fn opens_with_its_own_token_only(app: App) {
    let mine = app.ask_for(&least("mobility", "fr")).expect(201).json();
    let other = app.ask_for(&least("mobility", "fr")).expect(201).json();
    let token = text(&mine, "/accessToken");
    for good in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER  {token}")] {
        assert_eq!(with(&app, &mine, &good).0, 200, "{good}");
    }
    let no = |kind: &str| (401, kind.to_owned());
    for (header, wanted) in [
        (String::new(), no("noAccessToken")),
        (token.clone(), no("noAccessToken")),
        (format!("Basic {token}"), no("noAccessToken")),
        ("Bearer".into(), no("noAccessToken")),
        ("Bearer ".into(), no("noAccessToken")),
        ("Bearer x".into(), no("invalidAccessToken")),
        (format!("Bearer {}", text(&other, "/accessToken")), no("invalidAccessToken")),
        (format!("Bearer {}", &token[..token.len() - 1]), no("invalidAccessToken")),
        (format!("Bearer {token}A"), no("invalidAccessToken")),
        (format!("Bearer {}", token.trim_start_matches("hbr_")), no("invalidAccessToken")),
        (format!("Bearer {}", token.to_uppercase()), no("invalidAccessToken")),
        (format!("Bearer {SECRET}"), no("invalidAccessToken")),
    ] {
        assert_eq!(with(&app, &mine, &header), wanted, "{header:?}");
    }
    let none = app.get(&text(&mine, "/href")).expect(401);
    assert_eq!(none.problem(), "noAccessToken");
    assert!(none.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
    // Every character counts.
    for at in 4..token.len() - 1 {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(with(&app, &mine, &format!("Bearer {}", String::from_utf8(altered).unwrap())), no("invalidAccessToken"), "altered at {at}");
    }
    // Whether there is such a request is not told without a token.
    let absent = app.get(&format!("{REQUESTS}/019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11")).expect(401);
    assert_eq!(absent.json()["detail"], none.json()["detail"]);
    let absent =
        app.call("GET", &format!("{REQUESTS}/019aac3f-5c1e-7d3a-9b0f-3f1f2f6c7a11")).header("Authorization", &format!("Bearer {token}")).send();
    assert_eq!((absent.status, absent.problem().as_str()), (401, "invalidAccessToken"));
}

fn refuses(app: App) {
    let made = app.ask_for(&least("mobility", "fr")).expect(201).json();
    let bearer = format!("Bearer {}", text(&made, "/accessToken"));
    let id = text(&made, "/id");
    for (target, name) in [
        (format!("{REQUESTS}/1"), "requestId"),
        (format!("{REQUESTS}/{}", id.to_uppercase()), "requestId"),
        (format!("{REQUESTS}/{}", id.replace('-', "")), "requestId"),
        (format!("{REQUESTS}/%7B{id}%7D"), "requestId"),
        (format!("{REQUESTS}/{id}%00"), "requestId"),
        (format!("{REQUESTS}/{}", "x".repeat(10_000)), "requestId"),
        (format!("{REQUESTS}/{id}?token=x"), "token"),
        (format!("{REQUESTS}/{id}?lang=nl"), "lang"),
    ] {
        let answer = app.call("GET", &target).header("Authorization", &bearer).send();
        assert_eq!(answer.status, 400, "{target}");
        let names: Vec<String> = answer.issues().into_iter().map(|issue| issue.name).collect();
        assert_eq!(names, [name], "{target}");
    }
    assert_eq!(app.call("GET", &text(&made, "/href")).headers(&[("Authorization", &bearer), ("Accept", "text/html")]).send().status, 406);
    assert_eq!(app.call("GET", &format!("{REQUESTS}/{id}/")).undocumented().header("Authorization", &bearer).send().status, 404);
    for method in ["PUT", "PATCH", "POST"] {
        let answer = app.call(method, &text(&made, "/href")).header("Authorization", &bearer).send().expect(405);
        assert_eq!(answer.header("allow"), Some("DELETE, GET, HEAD, OPTIONS"));
    }
}

fn is_fulfilled_later(app: App) {
    let one = app.ask_for(&least("mobility", "fr")).expect(201).json();
    let two = app.ask_for(&serde_json::json!({"editions": [{"volume": "mobility", "language": "fr"}, {"complement": "leadership", "language": "fr"}], "privacyNotice": "privacy-1"}));
    let two = two.expect(201).json();
    let states = || -> Vec<String> {
        app.state.store.read(|db| Ok(download_request::table.order(download_request::key).select(download_request::state).load(db)?)).unwrap()
    };
    assert_eq!(states(), ["waiting", "waiting"]);
    let first = pdf(1, 0);
    assert!(app.add_file(Kind::Volume, "mobility", "fr", &first).contains("fulfilled by it: 1 request"));
    assert_eq!(states(), ["fulfilled", "waiting"]);
    assert_eq!(app.opened("GET", &one).ok()["status"], "fulfilled");
    let found = app.opened("GET", &two).ok();
    assert_eq!(found["status"], "waiting");
    assert_eq!(found["editions"][0]["status"], "fulfilled");
    assert_eq!(found["editions"][1]["status"], "waiting");
    let second = pdf(2, 0);
    assert!(app.add_file(Kind::Complement, "leadership", "fr", &second).contains("fulfilled by it: 1 request"));
    assert_eq!(states(), ["fulfilled", "fulfilled"]);
    let found = app.opened("GET", &two).ok();
    assert_eq!(found["status"], "fulfilled");
    assert_eq!(app.get(&text(&found, "/editions/0/link/href")).expect(200).body, first);
    assert_eq!(app.get(&text(&found, "/editions/1/link/href")).expect(200).body, second);
}

fn gives_fresh_links(app: App) {
    let bytes = pdf(1, 0);
    app.add_file(Kind::Volume, "strategy", "fr", &bytes);
    let made = app.ask_for(&least("strategy", "fr")).expect(201).json();
    let old = text(&made, "/editions/0/link/href");
    // Links are dated to the second: another one is another second's.
    let fresh = crate::support::process::within(std::time::Duration::from_secs(5), "a link of another second", || {
        let link = text(&app.opened("GET", &made).ok(), "/editions/0/link/href");
        (link != old).then_some(link)
    });
    for link in [&old, &fresh] {
        assert_eq!(app.get(link).expect(200).body, bytes);
    }
}

fn tells_what_is_no_longer_offered(app: App) {
    app.add_file(Kind::Volume, "strategy", "fr", &pdf(1, 0));
    let made = app.ask_for(&least("strategy", "fr")).expect(201).json();
    app.change::<VolumeDocument>("strategy", |document| document.0.state = State::Withdrawn);
    let found = app.opened("GET", &made).ok();
    assert_eq!(found["status"], "waiting");
    assert_eq!(found["editions"][0].get("link"), None);
    assert_eq!(text(&found, "/editions/0/reason"), "Cette publication n'est pas proposée pour le moment.");
    assert_eq!(app.get(&text(&made, "/editions/0/link/href")).expect(410).problem(), "linkExpired");
    app.change::<VolumeDocument>("strategy", |document| document.0.state = State::Published);
    assert_eq!(app.opened("GET", &made).ok()["status"], "fulfilled");
}

fn survives_a_new_secret(mut app: App) {
    let new = "another secret that is as long as it has to be";
    app.add_file(Kind::Volume, "strategy", "fr", &pdf(1, 0));
    let request = app.ask_for(&by_person("strategy", "fr")).expect(201).json();
    let link = text(&request, "/editions/0/link/href");
    let at = |app: &App, link: &str| link.rsplit_once('/').map(|(_, token)| app.get(&format!("/v1/downloads/{token}")).status);

    app.restart_with(&[format!("--secret={new},{SECRET}")]);
    let open = |app: &App| {
        app.call("GET", &format!("{REQUESTS}/{}", text(&request, "/id")))
            .header("Authorization", &format!("Bearer {}", text(&request, "/accessToken")))
            .send()
    };
    assert_eq!(at(&app, &link), Some(200));
    let found = open(&app).ok();
    let fresh = text(&found, "/editions/0/link/href");
    assert_eq!(at(&app, &fresh), Some(200));

    // Without the old one, what it signed is over, and what the new one signed goes on.
    app.restart_with(&[format!("--secret={new}")]);
    assert_eq!(at(&app, &link), Some(403));
    assert_eq!(at(&app, &fresh), Some(200));
    assert_eq!(open(&app).status, 401);
}
