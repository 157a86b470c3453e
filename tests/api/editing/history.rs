//! What was: versions with what each changed, going back, and the audit log.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use handbooks::db::schema::audit_entry;
use handbooks::db::types::{now, rfc3339};
use serde_json::{Value, json};

use super::{Editor, volume};
use crate::support::keys::make_key;
use crate::support::pdf::pdf;
use crate::support::process::within;
use crate::support::{Answer, App, Database, both, ids};

both!(
    a_history_tells_who_changed_what,
    an_earlier_version_comes_back,
    the_audit_log_is_of_all_writes,
    what_names_a_former_id_is_read_and_restored,
    a_restored_schedule_does_not_strike,
);

fn a_history_tells_who_changed_what(app: App) {
    let editor = Editor::new(&app);
    editor.post("/v1/volumes", &volume("told", 90)).expect(201);
    editor.patch("/v1/volumes/told", "*", &json!({"texts": {"nl": {"title": "Verteld"}}, "note": "n"})).expect(200);
    let put = editor.call("PUT", "/v1/volumes/told/editions/fr/file").header("If-Match", "*").header("Content-Type", "application/pdf");
    put.body(pdf(2, 10)).send().expect(200);
    editor.patch("/v1/volumes/told", "*", &json!({"id": "retold"})).expect(200);

    let page = editor.get("/v1/volumes/retold/history").ok();
    let items = page["items"].as_array().unwrap();
    let told: Vec<(&str, Vec<&str>)> = items
        .iter()
        .map(|item| (item["action"].as_str().unwrap(), item["changes"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect()))
        .collect();
    assert_eq!(
        told,
        [("renamed", vec!["/id"]), ("fileAdded", vec!["/files"]), ("updated", vec!["/note", "/texts/nl/title"]), ("created", vec![""]),]
    );
    assert!(items.iter().all(|item| item["author"].as_str().unwrap().starts_with("key:")));
    assert_eq!(items[3]["changes"][0]["value"], volume("told", 90));
    assert_eq!((page.get("next"), page.get("prev"), &page["total"]), (None, None, &json!(4)));
    assert_eq!(page["first"], page["self"]);

    // In pages, each once.
    let mut seen: Vec<Value> = Vec::new();
    let mut next = Some("/v1/volumes/retold/history?pageSize=1".to_owned());
    while let Some(target) = next {
        let page = editor.get(&target).ok();
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        next = page.get("next").map(|link| link.as_str().unwrap().to_owned());
    }
    assert_eq!(&seen, items);
    // And back, from the last one on.
    let last = editor.get("/v1/volumes/retold/history?pageSize=3").ok();
    let last = editor.get(last["next"].as_str().unwrap()).ok();
    assert_eq!((&last["items"][0], last.get("next")), (&items[3], None));
    let back = editor.get(last["prev"].as_str().unwrap()).ok();
    assert_eq!((back["items"].as_array().unwrap().as_slice(), back.get("prev")), (&items[..3], None));
    assert_eq!(back["next"].as_str().unwrap().split_once("after").unwrap().0, back["first"].as_str().unwrap().to_owned() + "&");
    editor.get("/v1/volumes/strategy/history?after=AAAAAAAAAAAAAAAAAAAAAAAAAA").expect(400);

    let version = editor.get(items[2]["href"].as_str().unwrap()).ok();
    assert_eq!((&version["document"]["note"], &version["document"]["id"]), (&json!("n"), &json!("told")));
    assert_eq!(
        editor.get("/v1/volumes/told/history").expect(308).header("location"),
        Some(format!("{}/v1/volumes/retold/history", app.base).as_str())
    );
    editor.get("/v1/volumes/retold/history/99").expect(404);
    editor.get("/v1/volumes/retold/history/x").expect(400);
    app.get("/v1/volumes/retold/history").expect(401);
    // That of the deleted stays.
    editor.post("/v1/themes", &json!({"id": "brief", "texts": {"fr": {"title": "B"}}})).expect(201);
    editor.delete("/v1/themes/brief", "*").expect(204);
    let gone = editor.get("/v1/themes/brief/history").ok();
    let actions: Vec<&str> = gone["items"].as_array().unwrap().iter().map(|item| item["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["deleted", "created"]);
    editor.get("/v1/themes/never/history").expect(404);
    editor.get("/v1/collection/history").expect(200);
}

fn an_earlier_version_comes_back(app: App) {
    let editor = Editor::new(&app);
    let (first, tag) = editor.document("/v1/volumes/mobility");
    let newest = |editor: &Editor<'_>| editor.get("/v1/volumes/mobility/history").ok()["items"][0]["version"].as_i64().unwrap();
    let number = newest(&editor);
    editor.patch("/v1/volumes/mobility", &tag, &json!({"note": "x", "year": 2001})).expect(200);
    let back = format!("/v1/volumes/mobility/history/{number}/restore");
    editor.call("POST", &back).send().expect(428);
    assert!(editor.call("POST", &back).header("If-Match", &tag).send().expect(412).json()["changed"].is_array());
    let (_, now) = editor.document("/v1/volumes/mobility");
    // What would come of it is shown, and does not.
    let tried = editor.call("POST", &format!("{back}?dryRun=true")).header("If-Match", &now).send().expect(200);
    assert_eq!(tried.json(), first);
    assert_eq!(editor.document("/v1/volumes/mobility").1, now);
    assert_eq!(editor.call("POST", "/v1/volumes/No/history/0/restore?dryRun=maybe").header("If-Match", "*").send().expect(400).issues().len(), 3);
    let restored = editor.call("POST", &back).header("If-Match", &now).send().expect(200);
    assert_eq!((restored.json(), restored.header("etag")), (first, Some(tag.as_str())));
    let top = editor.get("/v1/volumes/mobility/history").ok()["items"][0].clone();
    assert_eq!(top["action"], "restored");
    editor.call("POST", "/v1/volumes/mobility/history/77/restore").header("If-Match", "*").send().expect(404);

    // What would not do today does not come back.
    editor.post("/v1/themes", &json!({"id": "brief", "texts": {"fr": {"title": "B"}}})).expect(201);
    editor.patch("/v1/volumes/mobility", "*", &json!({"themes": ["brief"]})).expect(200);
    let number = newest(&editor);
    editor.patch("/v1/volumes/mobility", "*", &json!({"themes": []})).expect(200);
    editor.delete("/v1/themes/brief", "*").expect(204);
    let refused = editor.call("POST", &format!("/v1/volumes/mobility/history/{number}/restore")).header("If-Match", "*").send().expect(409);
    assert!(refused.text().contains("there is no theme 'brief'"), "{}", refused.text());
}

fn the_audit_log_is_of_all_writes(app: App) {
    let editor = Editor::new(&app);
    editor.patch("/v1/volumes/mobility", "*", &json!({"note": "x"})).expect(200);
    editor.patch("/v1/volumes/mobility?dryRun=true", "*", &json!({"note": "y"})).expect(200);
    app.ask_for(&crate::support::downloads::least("strategy", "fr")).expect(201);
    let log = editor.get("/v1/auditLog?pageSize=2").ok();
    let lines: Vec<String> =
        log["items"].as_array().unwrap().iter().map(|line| format!("{} {} {}", line["action"], line["kind"], line["subject"])).collect();
    assert_eq!(lines[0], r#""updated" "volume" "mobility""#);
    assert!(lines[1].starts_with(r#""keyCreated" "key""#), "{lines:?}");
    assert_eq!(log["items"][0]["revision"], editor.revision());
    editor.get(log["next"].as_str().unwrap()).expect(200);
    let whole = editor.get("/v1/auditLog?pageSize=100").text();
    assert!(!whole.contains('@') && !whole.contains("\"y\""), "{whole}");
    // Narrowed: by kind, subject, author and time; the next page is of the same list.
    editor.patch("/v1/themes/mobility", "*", &json!({"note": "z"})).expect(200);
    let narrowed = |query: &str| {
        let page = editor.get(&format!("/v1/auditLog?{query}")).ok();
        let of = |line: &Value| format!("{}/{}", line["kind"].as_str().unwrap(), line["subject"].as_str().unwrap());
        let lines: Vec<String> = page["items"].as_array().unwrap().iter().map(of).collect();
        (lines, page)
    };
    let (lines, _) = narrowed("kind=theme&since=2020-01-01T00:00:00Z&author=key:&pageSize=1");
    assert_eq!(lines, ["theme/mobility"]);
    let (lines, page) = narrowed("subject=mobility&author=key%3A&pageSize=1");
    assert_eq!((lines, &page["total"]), (vec!["theme/mobility".to_owned()], &json!(2)));
    let rest = editor.get(page["next"].as_str().unwrap()).ok();
    assert_eq!((rest["items"][0]["kind"].as_str(), rest["items"].as_array().unwrap().len(), rest.get("next")), (Some("volume"), 1, None));
    assert_eq!(editor.get(rest["prev"].as_str().unwrap()).ok()["items"], page["items"]);
    let elsewhere = page["next"].as_str().unwrap().replace("subject=mobility", "subject=strategy");
    editor.get(&elsewhere).expect(400);
    for none in ["author=%25", "author=_ey", "until=2020-01-01T00:00:00Z", "subject=mobilit", "kind=testimony&subject=mobility"] {
        assert_eq!(narrowed(none).1["total"], 0, "{none}");
    }
    assert_eq!(editor.get("/v1/auditLog?kind=volumes&since=yesterday").expect(400).issues().len(), 2);
    app.get("/v1/auditLog").expect(401);
    // Whoever reaches the database itself takes nothing out of it by mistake.
    let lines = |app: &App| app.state.store.read(|db| Ok(audit_entry::table.count().get_result::<i64>(db)?)).unwrap();
    let before = lines(&app);
    // One of the two databases has a third way.
    let truncate = (app.home.database == Database::Postgres).then_some("TRUNCATE audit_entry");
    for statement in ["DELETE FROM audit_entry", "UPDATE audit_entry SET author = 'nobody'"].into_iter().chain(truncate) {
        assert!(app.state.store.write(|db| Ok(diesel::sql_query(statement).execute(db)?)).is_err(), "{statement}");
    }
    assert_eq!(lines(&app), before);
    let call = |key: String| app.call("GET", "/v1/auditLog").header("Authorization", &crate::support::keys::bearer(&key)).send();
    call(make_key(&app, &["keys:manage"])).expect(200);
    call(make_key(&app, &["downloads:read"])).expect(403);
}

/// Documents from before a rename name the former id: read as they were, shown as they will be, and brought back, they mean the same record.
fn what_names_a_former_id_is_read_and_restored(app: App) {
    let editor = Editor::new(&app);
    let before = editor.revision();
    let uses = |list: &Value| ids(list).len();
    let (volumes, events) = (uses(&app.get("/v1/volumes?theme=mobility").ok()), uses(&app.get("/v1/events?volume=strategy").ok()));
    assert!(volumes > 0 && events > 0);
    editor.patch("/v1/themes/mobility", "*", &json!({"id": "moving"})).expect(200);
    editor.patch("/v1/volumes/strategy", "*", &json!({"id": "plan"})).expect(200);
    for moment in [format!("at={}", before + 1), format!("at={}", before + 2), "preview=true".to_owned()] {
        assert_eq!(uses(&editor.get(&format!("/v1/volumes?theme=moving&{moment}")).ok()), volumes, "{moment}");
        editor.get(&format!("/v1/catalogue?{moment}")).expect(200);
    }
    assert_eq!(uses(&app.get(&format!("/v1/events?volume=plan&at={}", before + 2)).ok()), events);
    assert_eq!(uses(&app.get(&format!("/v1/volumes?theme=mobility&at={before}")).ok()), volumes);
    // Who refers to it has a version of the rename; the one before it comes back under the present id.
    let history = editor.get("/v1/volumes/mobility/history").ok();
    assert_eq!((&history["items"][0]["action"], &history["items"][0]["changes"][0]["value"]), (&json!("updated"), &json!("moving")));
    editor.patch("/v1/volumes/mobility", "*", &json!({"themes": []})).expect(200);
    let restored = editor.call("POST", "/v1/volumes/mobility/history/1/restore").header("If-Match", "*").send().expect(200).json();
    assert_eq!(restored["themes"][0], "moving");
    // So may who still writes the former one.
    let revision = editor.revision();
    assert_eq!(editor.patch("/v1/volumes/mobility", "*", &json!({"themes": ["mobility"]})).ok()["themes"], json!(["moving"]));
    assert_eq!(editor.revision(), revision);
}

fn a_restored_schedule_does_not_strike(app: App) {
    let editor = Editor::new(&app);
    let soon = rfc3339(now() + TimeDelta::milliseconds(1_500));
    let mut seven = volume("seven", 7);
    seven["publishAt"] = json!(soon);
    editor.post("/v1/volumes", &seven).expect(201);
    within(Duration::from_secs(20), "it is published", || (app.get("/v1/volumes/seven").status == 200).then_some(()));
    let restored = editor.call("POST", "/v1/volumes/seven/history/1/restore").header("If-Match", "*").send().expect(200).json();
    assert_eq!((&restored["state"], restored.get("publishAt")), (&json!("draft"), None));
    app.get("/v1/volumes/seven").expect(404);

    // A moment that has passed is no schedule, wherever it stands; the one that stands there already may stay.
    let past = "2016-12-01T07:00:00Z";
    let faults = |answer: Answer| answer.expect(400).issues().iter().map(|issue| issue.name.clone()).collect::<Vec<_>>();
    let texts = json!({"nl": {"title": "Zeven", "state": "draft", "publishAt": past}});
    assert_eq!(faults(editor.patch("/v1/volumes/seven", "*", &json!({"publishAt": past, "texts": texts}))), ["/publishAt", "/texts/nl/publishAt"]);
    editor.patch("/v1/volumes/seven", "*", &json!({"state": "published"})).expect(200);
    assert_eq!(faults(editor.patch("/v1/volumes/seven", "*", &json!({"withdrawAt": past}))), ["/withdrawAt"]);
    // What never was public has no tombstone.
    editor.post("/v1/volumes", &volume("eight", 8)).expect(201);
    assert_eq!(faults(editor.patch("/v1/volumes/eight", "*", &json!({"state": "withdrawn"}))), ["/state"]);
    let mut nine = volume("nine", 9);
    nine["state"] = json!("withdrawn");
    assert_eq!(faults(editor.post("/v1/volumes", &nine)), ["/state"]);
    let soon = rfc3339(now() + TimeDelta::milliseconds(700));
    editor.patch("/v1/volumes/eight", "*", &json!({"withdrawAt": soon})).expect(200);
    within(Duration::from_secs(20), "its time comes", || editor.document("/v1/volumes/eight").0.get("withdrawAt").is_none().then_some(()));
    app.get("/v1/volumes/eight").expect(404);

    // The tombstone of what was has the day of its end, whatever is done to it later.
    editor.patch("/v1/volumes/seven", "*", &json!({"state": "withdrawn"})).expect(200);
    let tombstone = app.get("/v1/volumes/seven").expect(410).json()["tombstone"].clone();
    editor.patch("/v1/volumes/seven", "*", &json!({"note": "Later"})).expect(200);
    assert_eq!(app.get("/v1/volumes/seven").expect(410).json()["tombstone"], tombstone);
}
