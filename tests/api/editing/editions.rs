//! Editions by their own address: made, read, replaced, patched, deleted; each is a change of its work.

use serde_json::json;

use super::{Editor, volume};
use crate::support::downloads::least;
use crate::support::pdf::pdf;
use crate::support::{Answer, App, both};

both!(
    the_life_of_an_edition,
    who_has_not_seen_the_present_edition_does_not_change_it,
    faults_are_named_from_the_edition,
    what_somebody_asked_for_stays,
    a_complement_has_editions_alike,
);

const LIST: &str = "/v1/volumes/mobility/editions";
const DUTCH: &str = "/v1/volumes/mobility/editions/nl";

fn names(answer: &Answer) -> Vec<String> {
    let mut all: Vec<String> = answer.issues().into_iter().map(|issue| format!("{} {}", issue.kind, issue.name)).collect();
    all.sort();
    all
}

fn the_life_of_an_edition(app: App) {
    let editor = Editor::new(&app);
    let sent = json!({"language": "nl", "title": "Mobiliteit", "publishedOn": "2026-12", "access": "form"});
    let before = editor.revision();
    let tried = editor.post(&format!("{LIST}?dryRun=true"), &sent).expect(200);
    assert_eq!((tried.json(), editor.revision()), (sent.clone(), before));
    app.get(DUTCH).expect(404);

    let made = editor.post(LIST, &sent).expect(201);
    assert_eq!(made.header("location"), Some(format!("{}{DUTCH}", app.base).as_str()));
    assert_eq!(made.json(), sent);
    assert_eq!(editor.revision(), before + 1);
    assert_eq!(app.get(DUTCH).ok()["title"], "Mobiliteit");
    assert_eq!(editor.post(LIST, &sent).expect(409).problem(), "conflict");
    // What else is wrong with it is told first.
    let mut faulty = sent.clone();
    faulty["cover"] = json!("");
    assert_eq!(editor.post(LIST, &faulty).expect(400).issues()[0].name, "/cover");

    // It is a part of its work's document, and of its history.
    let (work, _) = editor.document("/v1/volumes/mobility");
    assert!(work["editions"].as_array().unwrap().contains(&sent));
    let history = editor.get("/v1/volumes/mobility/history").ok();
    assert_eq!((&history["items"][0]["action"], &history["items"][0]["changes"][0]["op"]), (&json!("updated"), &json!("add")));
    let changes = app.get("/v1/changes?pageSize=100").ok();
    assert_eq!(changes["items"].as_array().unwrap().last().unwrap()["id"], "mobility");

    let (document, tag) = editor.document(DUTCH);
    assert_eq!((document, Some(tag.as_str())), (sent.clone(), made.header("etag")));
    editor.call("GET", &format!("{DUTCH}/document")).header("If-None-Match", &tag).send().expect(304);
    app.get(&format!("{DUTCH}/document")).expect(401);

    let patched = editor.patch(DUTCH, &tag, &json!({"title": null, "isbn": "978-2-930772-00-4"})).expect(200);
    assert_eq!(patched.json(), json!({"language": "nl", "publishedOn": "2026-12", "isbn": "978-2-930772-00-4", "access": "form"}));
    let tag = patched.header("etag").unwrap().to_owned();
    let brief = editor.call("PUT", DUTCH).header("If-Match", &tag).header("Prefer", "return=minimal").json(&sent).send().expect(204);
    assert_eq!(brief.header("preference-applied"), Some("return=minimal"));
    let tag = brief.header("etag").unwrap().to_owned();
    assert_eq!(editor.document(DUTCH), (sent.clone(), tag.clone()));
    // What is the same already moves nothing.
    let now = editor.revision();
    editor.put(DUTCH, &tag, &sent).expect(200);
    editor.call("DELETE", &format!("{DUTCH}?dryRun=true")).header("If-Match", &tag).send().expect(204);
    assert_eq!(editor.revision(), now);

    editor.delete(DUTCH, &tag).expect(204);
    app.get(DUTCH).expect(404);
    editor.delete(DUTCH, "*").expect(404);
    assert!(editor.put(DUTCH, "*", &sent).expect(404).text().contains("exists in: fr"));
    let (work, _) = editor.document("/v1/volumes/mobility");
    assert_eq!(work["editions"].as_array().unwrap().len(), 1);
}

fn who_has_not_seen_the_present_edition_does_not_change_it(app: App) {
    let editor = Editor::new(&app);
    let french = "/v1/volumes/mobility/editions/fr";
    let (document, tag) = editor.document(french);
    editor.call("PATCH", french).header("Content-Type", "application/merge-patch+json").body("{}").send().expect(428);
    editor.call("DELETE", french).send().expect(428);
    editor.patch(french, &tag, &json!({"doi": "10.1000/182"})).expect(200);
    let late = editor.put(french, &tag, &document).expect(412);
    assert_eq!(late.json()["changed"], json!([{"op": "add", "path": "/doi", "value": "10.1000/182"}]));
    // The tag of the work, or of another edition, is that of something else.
    let (_, of_work) = editor.document("/v1/volumes/mobility");
    let (_, of_other) = editor.document("/v1/volumes/strategy/editions/nl");
    for tag in [&of_work, &of_other] {
        assert!(editor.patch(french, tag, &json!({"doi": null})).expect(412).json().get("changed").is_none());
    }
    // A change beside the edition is none of it.
    let (_, tag) = editor.document(french);
    editor.patch("/v1/volumes/mobility", "*", &json!({"note": "Beside it"})).expect(200);
    editor.patch(french, &tag, &json!({"doi": null})).expect(200);
}

fn faults_are_named_from_the_edition(app: App) {
    let editor = Editor::new(&app);
    let before = editor.revision();
    let faulty = json!({"language": "nl", "access": "fre", "pages": 0, "publishedOn": "2026-13", "externalUrl": "nowhere", "colour": "red"});
    assert_eq!(
        names(&editor.post(LIST, &faulty).expect(400)),
        ["invalidInput /externalUrl", "invalidInput /publishedOn", "schemaViolation /access", "schemaViolation /pages", "unknownInput /colour"]
    );
    assert_eq!(names(&editor.post(LIST, &json!({})).expect(400)), ["schemaViolation /access", "schemaViolation /language"]);
    assert_eq!(names(&editor.post(LIST, &json!([])).expect(400)), ["schemaViolation "]);
    assert_eq!(names(&editor.post(LIST, &json!({"language": "xx", "access": "form"})).expect(400)), ["schemaViolation /language"]);
    let french = format!("{LIST}/fr");
    assert_eq!(names(&editor.patch(&french, "*", &json!({"language": null})).expect(400)), ["schemaViolation /language"]);
    let moved = editor.put(&french, "*", &json!({"language": "nl", "access": "form"})).expect(400);
    assert_eq!(names(&moved), ["invalidInput /language"]);
    assert!(moved.text().contains("Make another edition"));
    // The path is read with the body's faults left aside, and all of its own told at once.
    let both = editor.put("/v1/volumes/No/editions/xx?dryRun=maybe", "*", &json!({})).expect(400);
    assert_eq!(both.issues().len(), 3);
    editor.post("/v1/volumes/nothing/editions", &json!({"language": "nl", "access": "form"})).expect(404);
    app.call("POST", LIST).json(&json!({"language": "nl", "access": "form"})).send().expect(401);
    assert_eq!(editor.revision(), before);
}

fn what_somebody_asked_for_stays(app: App) {
    let editor = Editor::new(&app);
    editor.post("/v1/volumes", &volume("governance", 70)).expect(201);
    let edition = "/v1/volumes/governance/editions/fr";
    let file = format!("{edition}/file");
    editor.call("PUT", &file).header("If-Match", "*").header("Content-Type", "application/pdf").body(pdf(1, 1_000)).send().expect(200);
    assert!(editor.delete(edition, "*").expect(409).text().contains("PDF"));
    editor.delete(&file, "*").expect(204);
    // The file it had is in the history of its work, and holds nothing back.
    editor.delete(edition, "*").expect(204);
    let history = editor.get("/v1/volumes/governance/history").ok();
    assert_eq!(history["total"], 4);

    app.ask_for(&least("mobility", "fr")).expect(201);
    let (_, tag) = editor.document("/v1/volumes/mobility/editions/fr");
    assert!(editor.delete("/v1/volumes/mobility/editions/fr", &tag).expect(409).text().contains("download request"));
    app.get("/v1/volumes/mobility/editions/fr").expect(200);
}

fn a_complement_has_editions_alike(app: App) {
    let editor = Editor::new(&app);
    let edition = json!({"language": "en", "access": "open", "externalUrl": "https://example.org/leadership.pdf"});
    let made = editor.post("/v1/complements/leadership/editions", &edition).expect(201);
    let path = "/v1/complements/leadership/editions/en";
    assert_eq!(app.get(path).ok()["access"], "open");
    let patched = editor.patch(path, made.header("etag").unwrap(), &json!({"access": "form"})).expect(200);
    // The old address of its work leads to it.
    editor.patch("/v1/complements/leadership", "*", &json!({"id": "leading"})).expect(200);
    assert_eq!(
        editor.delete(path, patched.header("etag").unwrap()).expect(308).header("location"),
        Some(format!("{}/v1/complements/leading/editions/en", app.base).as_str())
    );
    editor.delete("/v1/complements/leading/editions/en", patched.header("etag").unwrap()).expect(204);
}
