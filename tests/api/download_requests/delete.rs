//! `DELETE /v1/downloadRequests/{requestId}`

use handbooks::operations::file::Kind;
use serde_json::json;

use crate::support::downloads::{by_person, least, text};
use crate::support::pdf::pdf;
use crate::support::{App, both};

both!(erases_everything, erases_nothing_else, opens_with_its_own_token_only, erases_once);

fn erases_everything(app: App) {
    app.add_file(Kind::Volume, "strategy", "fr", &pdf(1, 0));
    let mut body = by_person("strategy", "fr");
    body["editions"] = json!([{"volume": "strategy", "language": "fr"}, {"volume": "mobility", "language": "fr"}]);
    body["consents"] = json!([{"text": "news-1", "given": true}]);
    let key = "0123456789abcdef-erased";
    let made = app.ask_with_key(key, &body).expect(201).json();
    let link = text(&made, "/editions/0/link/href");
    assert_eq!(app.rows(), [1, 1, 2, 1, 1]);
    assert_eq!(app.get(&link).status, 200);

    let erased = app.opened("DELETE", &made).expect(204);
    assert_eq!(erased.header("cache-control"), Some("no-store"));
    assert_eq!(erased.header("content-type"), None);
    assert_eq!(app.rows(), [0, 0, 0, 0, 0]);
    let gone = app.opened("GET", &made).expect(404);
    assert_eq!(gone.problem(), "resourceNotFound");
    assert_eq!(app.opened("HEAD", &made).status, 404);
    for method in ["GET", "HEAD"] {
        assert_eq!(app.call(method, &link).send().status, 410, "{method}");
    }
    assert_eq!(app.get(&link).problem(), "linkExpired");

    // Neither the key nor the form is remembered: the same again is another request.
    let again = app.ask_with_key(key, &body).expect(201).json();
    assert_ne!(again["id"], made["id"]);
    assert_eq!(app.opened("DELETE", &again).status, 204);
    let other = app.ask_with_key(key, &least("mobility", "fr")).expect(201).json();
    assert_eq!(app.opened("DELETE", &other).status, 204);
    let keyless = app.ask_for(&body).expect(201).json();
    assert_ne!(keyless["id"], made["id"]);
    // The old link does not open what came later.
    assert_eq!(app.get(&link).status, 410);
}

fn erases_nothing_else(app: App) {
    app.add_file(Kind::Volume, "strategy", "fr", &pdf(1, 0));
    let mine = app.ask_with_key("0123456789abcdef-mine", &by_person("strategy", "fr")).expect(201).json();
    let mut body = by_person("strategy", "fr");
    body["requester"]["name"] = json!("Somebody Else");
    let other = app.ask_with_key("0123456789abcdef-other", &body).expect(201);
    assert_eq!(app.opened("DELETE", &mine).status, 204);
    assert_eq!(app.rows(), [1, 1, 1, 0, 1]);
    assert_eq!(app.opened("GET", &other.json()).status, 200);
    assert_eq!(app.get(&text(&other.json(), "/editions/0/link/href")).status, 200);
    assert_eq!(app.ask_with_key("0123456789abcdef-other", &body).expect(201).body, other.body);
    // The file is the publisher's, not the visitor's.
    assert_eq!(app.get("/v1/volumes/strategy/editions/fr").ok()["obtain"]["available"], true);
}

fn opens_with_its_own_token_only(app: App) {
    let mine = app.ask_for(&least("mobility", "fr")).expect(201).json();
    let other = app.ask_for(&least("mobility", "fr")).expect(201).json();
    let href = text(&mine, "/href");
    assert_eq!(app.call("DELETE", &href).send().expect(401).problem(), "noAccessToken");
    for token in [text(&other, "/accessToken"), "x".into(), text(&mine, "/accessToken").to_lowercase()] {
        let answer = app.call("DELETE", &href).header("Authorization", &format!("Bearer {token}")).send().expect(401);
        assert_eq!(answer.problem(), "invalidAccessToken");
        assert!(answer.header("www-authenticate").is_some());
    }
    let bearer = format!("Bearer {}", text(&mine, "/accessToken"));
    assert_eq!(app.call("DELETE", &format!("{href}?force=1")).header("Authorization", &bearer).send().status, 400);
    assert_eq!(app.call("DELETE", &format!("{href}x")).header("Authorization", &bearer).send().status, 400);
    assert_eq!(app.rows(), [2, 0, 2, 0, 0]);
    // A link is no token.
    app.add_file(Kind::Volume, "mobility", "fr", &pdf(1, 0));
    let link = text(&app.opened("GET", &mine).ok(), "/editions/0/link/href");
    assert_eq!(app.call("DELETE", &href).header("Authorization", &format!("Bearer {}", link.rsplit('/').next().unwrap())).send().status, 401);
    assert_eq!(app.call("DELETE", &link).send().expect(405).header("allow"), Some("GET, HEAD, OPTIONS"));
}

fn erases_once(app: App) {
    let made = app.ask_for(&by_person("mobility", "fr")).expect(201).json();
    // Of rivals, one erases it and the others find nothing.
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let rivals: Vec<_> = (0..8).map(|_| scope.spawn(|| app.opened("DELETE", &made).status)).collect();
        rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404, 404, 404, 404, 404, 404, 404]);
    // A file that comes later has nobody to fulfil.
    assert!(!app.add_file(Kind::Volume, "mobility", "fr", &pdf(1, 0)).contains("fulfilled"));
}
