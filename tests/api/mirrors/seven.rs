//! The life of a volume 7, in two languages, and a mirror that only follows the changes and is proven after every step.

use std::time::Duration;

use chrono::TimeDelta;
use handbooks::db::types::{now, rfc3339};
use serde_json::json;

use crate::editing::Editor;
use crate::support::keys::{bearer, make_key};
use crate::support::mirror::Mirror;
use crate::support::pdf::pdf;
use crate::support::process::within;
use crate::support::{App, both};

both!(the_life_of_volume_seven);

fn the_life_of_volume_seven(mut app: App) {
    let key = make_key(&app, &["catalogue:write"]);
    let mut mirror = Mirror::default();
    mirror.follow(&app, 7);
    mirror.prove(&app);
    let (held, cursor_before) = (mirror.records.len(), app.get("/v1/digest").ok()["cursor"].clone());
    let edit = |app: &App, body: &serde_json::Value, id: &str| {
        let editor = Editor { app, key: key.clone() };
        let (_, tag) = editor.document(&format!("/v1/volumes/{id}"));
        editor.patch(&format!("/v1/volumes/{id}"), &tag, body).expect(200);
    };

    // A draft: nobody sees it, and no change is told.
    let draft = json!({"id": "governance", "number": 7, "year": 2026, "state": "draft",
        "texts": {"fr": {"title": "La gouvernance"}, "nl": {"state": "draft", "title": "Het bestuur"}},
        "editions": [{"language": "fr", "access": "form"}, {"language": "nl", "access": "form"}]});
    Editor { app: &app, key: key.clone() }.post("/v1/volumes", &draft).expect(201);
    assert_eq!(mirror.follow(&app, 7), [""; 0]);
    mirror.prove(&app);
    app.get("/v1/volumes/governance").expect(404);

    // Announced, with an expected date; French alone.
    edit(&app, &json!({"state": "announced", "expectedOn": "2026-12"}), "governance");
    assert!(mirror.follow(&app, 7).contains(&"published volume/governance fr".to_owned()));
    mirror.prove(&app);
    assert_eq!(app.get("/v1/volumes/governance").ok()["status"], "announced");
    assert!(!app.get("/v1/volumes/governance?lang=*").text().contains("Het bestuur"));

    // Scheduled; the moment comes while no server runs, and it is published when one does again.
    let soon = rfc3339(now() + TimeDelta::seconds(2));
    edit(&app, &json!({"publishAt": soon}), "governance");
    mirror.follow(&app, 7);
    mirror.prove(&app);
    app.restart_after(Duration::from_secs(3));
    within(Duration::from_secs(20), "it is published", || (app.get("/v1/volumes/governance").ok()["status"] == "published").then_some(()));
    let told = mirror.follow(&app, 7);
    assert_eq!(told.iter().filter(|change| change.contains("volume/governance")).count(), 1, "{told:?}");
    mirror.prove(&app);

    // Its PDF, and another one in its place.
    for (pages, change) in [(2, "updated"), (3, "fileReplaced")] {
        let put = app
            .call("PUT", "/v1/volumes/governance/editions/fr/file")
            .header("Authorization", &bearer(&key))
            .header("If-Match", "*")
            .header("Content-Type", "application/pdf")
            .body(pdf(pages, 2_000));
        put.send().expect(200);
        let told = mirror.follow(&app, 7);
        assert!(told.iter().any(|one| one.starts_with(&format!("{change} volume/governance"))), "{told:?}");
        mirror.prove(&app);
    }

    // The Dutch text later.
    edit(&app, &json!({"texts": {"nl": {"state": null}}}), "governance");
    let told = mirror.follow(&app, 7);
    assert!(told.contains(&"published volume/governance nl".to_owned()), "{told:?}");
    mirror.prove(&app);
    assert_eq!(app.get("/v1/volumes/governance?lang=nl").ok()["title"], "Het bestuur");

    // Another name: the old one leads to it.
    edit(&app, &json!({"id": "steering"}), "governance");
    let told = mirror.follow(&app, 7);
    assert!(told.contains(&"renamed volume/steering -".to_owned()), "{told:?}");
    mirror.prove(&app);
    app.get("/v1/volumes/governance").expect(308);

    // Withdrawn, with its tombstone.
    edit(&app, &json!({"state": "withdrawn"}), "steering");
    let told = mirror.follow(&app, 7);
    assert!(told.contains(&"withdrawn volume/steering -".to_owned()), "{told:?}");
    mirror.prove(&app);
    app.get("/v1/volumes/steering").expect(410);
    assert_eq!(mirror.records.len(), held);

    // Deleted for good, which whoever keeps tombstones is told too.
    Editor { app: &app, key: key.clone() }.call("DELETE", "/v1/volumes/steering").header("If-Match", "*").send().expect(204);
    let told = mirror.follow(&app, 7);
    assert_eq!(told, ["deleted volume/steering -"]);
    mirror.prove(&app);
    for id in ["steering", "governance"] {
        assert!(app.get(&format!("/v1/volumes/{id}")).expect(410).json()["tombstone"].get("deletedAt").is_some());
    }

    // Who was away all the time, who comes new, and who reads in other pages, has the same in the end.
    let mut new = Mirror::default();
    new.follow(&app, 100);
    new.prove(&app);
    let names = |mirror: &Mirror| mirror.log.iter().map(|change| change.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&new), names(&mirror), "nothing is missed and nothing comes twice");
    let since = app.get(&format!("/v1/changes?type=volume&pageSize=100&after={}", cursor_before.as_str().unwrap())).ok();
    let kinds: Vec<&str> = since["items"].as_array().unwrap().iter().map(|change| change["change"].as_str().unwrap()).collect();
    assert!(
        kinds.first() == Some(&"published") && kinds.last() == Some(&"deleted") && kinds.contains(&"withdrawn") && kinds.contains(&"renamed"),
        "{kinds:?}"
    );
}
