//! Documents: made, read, replaced, patched, renamed and deleted; two editors never overwrite each other unseen.

use serde_json::{Value, json};

use super::{Editor, volume};
use crate::support::document::{Operation, operations};
use crate::support::keys::{bearer, make_key};
use crate::support::{App, Database, both, ids};

both!(
    the_life_of_a_document,
    of_two_editors_one_is_told_what_changed,
    a_renamed_record_is_found_by_its_old_ids,
    what_is_in_use_stays,
    a_language_keeps_its_code,
    a_dry_run_writes_nothing,
    who_prefers_little_is_shown_little,
    every_noun_is_edited_alike,
    the_examples_of_the_document_do,
    only_editors_edit,
    a_tombstone_outlasts_drafts,
    what_is_taken_is_told_at_once,
    the_collection_can_be_made,
    sixteen_editors_at_once,
    what_nobody_sees_changes_nothing,
);

fn the_life_of_a_document(app: App) {
    let editor = Editor::new(&app);
    let sent = volume("governance", 70);
    let made = editor.post("/v1/volumes", &sent).expect(201);
    assert_eq!(made.header("location"), Some(format!("{}/v1/volumes/governance", app.base).as_str()));
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(made.json(), sent);
    app.get("/v1/volumes/governance").expect(404);
    let (document, tag) = editor.document("/v1/volumes/governance");
    assert_eq!((&document, Some(tag.as_str())), (&sent, made.header("etag")));

    let again = editor.call("GET", "/v1/volumes/governance/document").header("If-None-Match", &tag).send().expect(304);
    assert_eq!((again.body.len(), again.header("etag")), (0, Some(tag.as_str())));

    let patched = editor
        .patch("/v1/volumes/governance", &tag, &json!({"state": "published", "texts": {"nl": null, "en": {"title": "Governance"}}}))
        .expect(200);
    let now = patched.json();
    assert_eq!(now["texts"], json!({"en": {"title": "Governance"}, "fr": {"title": "Nouveau"}}));
    let shown = app.get("/v1/volumes/governance?lang=en").ok();
    assert_eq!((&shown["title"], &shown["number"]), (&json!("Governance"), &json!(70)));
    assert!(ids(&app.get("/v1/volumes?pageSize=100").ok()).contains(&"governance".to_owned()));

    let mut whole = now.clone();
    whole["texts"]["fr"]["title"] = json!("Gouvernance");
    whole.as_object_mut().unwrap().shift_remove("themes");
    let tag = patched.header("etag").unwrap().to_owned();
    // What is the same already moves nothing.
    let before = editor.revision();
    assert_eq!(editor.put("/v1/volumes/governance", &tag, &now).expect(200).header("etag"), Some(tag.as_str()));
    assert_eq!(editor.revision(), before);
    let replaced = editor.put("/v1/volumes/governance", &tag, &whole).expect(200);
    assert_eq!(replaced.json(), whole);
    assert_eq!(app.get("/v1/volumes/governance?lang=fr").ok()["title"], "Gouvernance");

    editor.delete("/v1/volumes/governance", &tag).expect(412);
    editor.delete("/v1/volumes/governance", replaced.header("etag").unwrap()).expect(204);
    let gone = app.get("/v1/volumes/governance").expect(410);
    assert_eq!(gone.problem(), "gone");
    assert_eq!(gone.json()["tombstone"]["id"], "governance");
    editor.get("/v1/volumes/governance/document").expect(404);
    // So does what was withdrawn before, at each address that it had.
    let mut other = volume("once", 75);
    other["state"] = json!("published");
    editor.post("/v1/volumes", &other).expect(201);
    editor.patch("/v1/volumes/once", "*", &json!({"id": "twice"})).expect(200);
    editor.patch("/v1/volumes/twice", "*", &json!({"state": "withdrawn"})).expect(200);
    app.get("/v1/volumes/once").expect(308);
    editor.delete("/v1/volumes/twice", "*").expect(204);
    for id in ["once", "twice"] {
        assert!(app.get(&format!("/v1/volumes/{id}")).expect(410).json()["tombstone"]["deletedAt"].is_string());
        app.get(&format!("/v1/volumes/{id}/editions/fr")).expect(410);
    }
    // What never was public leaves no trace.
    editor.post("/v1/volumes", &volume("secret", 71)).expect(201);
    editor.delete("/v1/volumes/secret", "*").expect(204);
    app.get("/v1/volumes/secret").expect(404);
}

fn of_two_editors_one_is_told_what_changed(app: App) {
    let (one, two) = (Editor::new(&app), Editor::new(&app));
    let (_, tag) = one.document("/v1/volumes/mobility");
    one.patch("/v1/volumes/mobility", &tag, &json!({"year": 2025, "note": "A"})).expect(200);
    let refused = two.patch("/v1/volumes/mobility", &tag, &json!({"note": "B"})).expect(412);
    assert_eq!(refused.problem(), "preconditionFailed");
    let changed = refused.json()["changed"].clone();
    let paths: Vec<&str> = changed.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/year", "/note"]);
    let (document, now) = two.document("/v1/volumes/mobility");
    assert_eq!((document["note"].as_str(), refused.json()["etag"].as_str()), (Some("A"), Some(now.as_str())));
    two.patch("/v1/volumes/mobility", &now, &json!({"note": "B"})).expect(200);

    let asked = |tag: Option<&str>| {
        let call = one.call("PATCH", "/v1/volumes/mobility").json(&json!({"note": "C"}));
        tag.map_or_else(|| one.call("PATCH", "/v1/volumes/mobility").json(&json!({"note": "C"})), |tag| call.header("If-Match", tag)).send()
    };
    assert_eq!(asked(None).expect(428).problem(), "preconditionRequired");
    assert_eq!(asked(Some("no-tag")).expect(400).issues()[0].name, "If-Match");
    let (_, other) = one.document("/v1/volumes/strategy");
    assert!(asked(Some(&other)).expect(412).json().get("changed").is_none());
    asked(Some(&format!("W/{now}"))).expect(412);
    assert_eq!(two.document("/v1/volumes/mobility").0["note"], "B");
    let (_, now) = one.document("/v1/volumes/mobility");
    asked(Some(&format!("{other}, {now}"))).expect(200);
    asked(Some("*")).expect(200);
}

fn a_renamed_record_is_found_by_its_old_ids(app: App) {
    let editor = Editor::new(&app);
    editor.patch("/v1/volumes/mobility", "*", &json!({"id": "moving"})).expect(200);
    editor.patch("/v1/volumes/moving", "*", &json!({"id": "mobility-now"})).expect(200);
    for old in ["mobility", "moving"] {
        for (method, below, query) in [("GET", "", "?lang=nl"), ("HEAD", "", ""), ("GET", "/editions", ""), ("GET", "/editions/fr", "?lang=fr")] {
            let answer = app.call(method, &format!("/v1/volumes/{old}{below}{query}")).send().expect(308);
            assert_eq!(answer.header("location"), Some(format!("{}/v1/volumes/mobility-now{below}{query}", app.base).as_str()));
        }
        let answer = editor.get(&format!("/v1/volumes/{old}/document")).expect(308);
        assert_eq!(answer.header("location"), Some(format!("{}/v1/volumes/mobility-now/document", app.base).as_str()));
        editor.patch(&format!("/v1/volumes/{old}?dryRun=true"), "*", &json!({"note": "x"})).expect(308);
        let taken = editor.post("/v1/volumes", &volume(old, 72)).expect(409);
        assert!(taken.json()["detail"].as_str().unwrap().contains("mobility-now"));
    }
    app.get("/v1/volumes/mobility-now").expect(200);
    // The theme of the same name is another thing.
    app.get("/v1/themes/mobility").expect(200);
    editor.patch("/v1/volumes/mobility-now", "*", &json!({"id": "strategy"})).expect(409);
    editor.patch("/v1/volumes/mobility-now", "*", &json!({"id": "mobility"})).expect(200);
    app.get("/v1/volumes/mobility").expect(200);
    app.get("/v1/volumes/mobility-now").expect(308);
}

fn what_is_in_use_stays(app: App) {
    let editor = Editor::new(&app);
    let refused = editor.delete("/v1/themes/mobility", "*").expect(409);
    assert_eq!(refused.problem(), "conflict");
    assert!(refused.json()["users"].as_array().unwrap().iter().any(|user| user == &json!({"type": "volume", "id": "mobility"})));
    app.get("/v1/themes/mobility").expect(200);
}

fn a_language_keeps_its_code(app: App) {
    let editor = Editor::new(&app);
    let before = editor.revision();
    for query in ["", "?dryRun=true"] {
        let refused = editor.patch(&format!("/v1/languages/nl{query}"), "*", &json!({"id": "dutch"})).expect(409);
        assert!(refused.json()["detail"].as_str().unwrap().contains("is its code (BCP 47), and is never changed"), "{}", refused.text());
    }
    let (mut document, tag) = editor.document("/v1/languages/nl");
    document["id"] = json!("dutch");
    editor.put("/v1/languages/nl", &tag, &document).expect(409);
    assert_eq!(editor.revision(), before);
    // Its own id is no rename.
    editor.patch("/v1/languages/nl", "*", &json!({"id": "nl", "note": "x"})).expect(200);
    editor.delete("/v1/languages/nl", "*").expect(409);
}

fn a_dry_run_writes_nothing(app: App) {
    let editor = Editor::new(&app);
    let before = editor.revision();
    let made = editor.post("/v1/volumes?dryRun=true", &volume("trial", 73)).expect(200);
    assert_eq!((made.json(), made.header("location")), (volume("trial", 73), None));
    editor.get("/v1/volumes/trial/document").expect(404);
    let (document, tag) = editor.document("/v1/volumes/mobility");
    let tried = editor.patch("/v1/volumes/mobility?dryRun=true", &tag, &json!({"note": "tried"})).expect(200);
    assert_eq!(tried.json()["note"], "tried");
    editor.delete("/v1/volumes/strategy?dryRun=true", "*").expect(409);
    editor.patch("/v1/volumes/mobility?dryRun=true", &tag, &json!({"number": "x"})).expect(400);
    editor.patch("/v1/volumes/mobility?dryRun=maybe", &tag, &json!({})).expect(400);
    assert_eq!((editor.document("/v1/volumes/mobility"), editor.revision()), ((document, tag), before));
}

fn who_prefers_little_is_shown_little(app: App) {
    let editor = Editor::new(&app);
    let made = editor.call("POST", "/v1/volumes").header("Prefer", "respond-async, return=minimal").json(&volume("little", 74)).send().expect(204);
    assert_eq!((made.body.len(), made.header("preference-applied")), (0, Some("return=minimal")));
    assert_eq!(made.header("location"), Some(format!("{}/v1/volumes/little", app.base).as_str()));
    let tag = made.header("etag").unwrap().to_owned();
    let patched = editor
        .call("PATCH", "/v1/volumes/little")
        .header("If-Match", &tag)
        .header("Prefer", "return=minimal")
        .json(&json!({"note": "x"}))
        .send()
        .expect(204);
    assert_eq!(patched.header("etag"), Some(editor.document("/v1/volumes/little").1.as_str()));
}

fn every_noun_is_edited_alike(app: App) {
    let editor = Editor::new(&app);
    let texts = json!({"fr": {"title": "Un"}});
    let all: [(&str, Value); 6] = [
        ("themes", json!({"id": "noise", "position": 90, "texts": texts})),
        ("complements", json!({"id": "noise-notes", "state": "draft", "volumes": ["mobility"], "texts": texts})),
        ("languages", json!({"id": "de-test", "nativeName": "Test", "texts": texts})),
        (
            "events",
            json!({"id": "fair", "kind": "conference", "status": "scheduled", "startsOn": "2027-03", "languages": ["fr", "nl"], "volumes": ["mobility"], "complements": ["noise-notes"], "texts": texts,
            "participants": [{"name": "N. N.", "role": "guest"}]}),
        ),
        (
            "testimonies",
            json!({"id": "somebody", "person": "Some Body", "organization": "A town", "volumes": ["mobility"], "texts": {"fr": {"summary": "Bien", "role": "Bourgmestre"}}}),
        ),
        ("supporters", json!({"id": "funder-two", "role": "funder", "texts": texts})),
    ];
    for (path, sent) in &all {
        let id = sent["id"].as_str().unwrap();
        let made = editor.post(&format!("/v1/{path}"), sent).expect(201);
        assert_eq!(&made.json(), sent, "{path}");
        let below = if *path == "supporters" { "/document" } else { "" };
        assert_eq!(made.header("location"), Some(format!("{}/v1/{path}/{id}{below}", app.base).as_str()));
        let item = format!("/v1/{path}/{id}");
        assert_eq!(&editor.document(&item).0, sent);
        assert_eq!(editor.post(&format!("/v1/{path}"), sent).expect(409).problem(), "conflict");
        let mut noted = sent.clone();
        noted["note"] = json!("Noted");
        assert_eq!(editor.patch(&item, "*", &json!({"note": "Noted"})).expect(200).json()["note"], "Noted", "{path}");
        assert_eq!(&editor.put(&item, "*", sent).expect(200).json(), sent);
        if *path != "supporters" && *path != "complements" {
            app.get(&item).expect(200);
        }
    }
    for (path, sent) in all.iter().rev() {
        editor.delete(&format!("/v1/{path}/{}", sent["id"].as_str().unwrap()), "*").expect(204);
    }
    let (mut whole, tag) = editor.document("/v1/collection");
    assert!(whole.get("id").is_none());
    whole["texts"]["fr"]["subtitle"] = json!("Autre");
    editor.put("/v1/collection", &tag, &whole).expect(200);
    assert_eq!(app.get("/v1/collection?lang=fr").ok()["subtitle"], "Autre");
    editor.patch("/v1/collection", "*", &json!({"id": "other"})).expect(400);
    app.call("DELETE", "/v1/collection").send().expect(405);
    // What every document says of itself is good to be sent.
    for path in [
        "volumes/strategy",
        "complements/leadership",
        "themes/mobility",
        "languages/nl",
        "events/partnerships-presentation-2022",
        "testimonies/benoit-muller",
    ] {
        let (document, tag) = editor.document(&format!("/v1/{path}"));
        let answer = editor.put(&format!("/v1/{path}"), &tag, &document).expect(200);
        assert_eq!((answer.json(), answer.header("etag")), (document, Some(tag.as_str())), "{path}");
    }
}

fn the_examples_of_the_document_do(app: App) {
    let editor = Editor::new(&app);
    let mut tried = 0;
    for operation in operations() {
        let Some(example) = operation.value.pointer("/requestBody/content/application~1json/example").filter(|_| operation.keyed()) else { continue };
        let target = format!("{}?dryRun=true", operation.example_path());
        editor.call(&operation.method, &target).header("If-Match", "*").json(example).send().expect(200);
        tried += 1;
    }
    assert!(tried > 14, "only {tried} examples");
}

fn a_tombstone_outlasts_drafts(app: App) {
    let editor = Editor::new(&app);
    let mut life = volume("once", 75);
    life["state"] = json!("published");
    editor.post("/v1/volumes", &life).expect(201);
    editor.patch("/v1/volumes/once", "*", &json!({"note": "first life"})).expect(200);
    editor.delete("/v1/volumes/once", "*").expect(204);
    let tombstone = app.get("/v1/volumes/once").expect(410).json()["tombstone"].clone();
    assert!(tombstone["deletedAt"].is_string());
    // Another draft under that id: nobody outside learns of it, whatever becomes of it before it is public.
    editor.post("/v1/volumes", &volume("once", 76)).expect(201);
    assert_eq!(app.get("/v1/volumes/once").expect(410).json()["tombstone"], tombstone);
    app.get("/v1/volumes/once/editions/fr").expect(410);
    // What was before is its history, and it can go back to that.
    let history = editor.get("/v1/volumes/once/history").ok();
    let told: Vec<(i64, &str)> =
        history["items"].as_array().unwrap().iter().map(|one| (one["version"].as_i64().unwrap(), one["action"].as_str().unwrap())).collect();
    assert_eq!(told, [(4, "created"), (3, "deleted"), (2, "updated"), (1, "created")]);
    assert_eq!(editor.get("/v1/volumes/once/history/2").ok()["document"]["note"], "first life");
    let back = editor.call("POST", "/v1/volumes/once/history/2/restore").header("If-Match", "*").send().ok();
    assert_eq!((&back["note"], &back["number"], &back["state"]), (&json!("first life"), &json!(75), &json!("published")));
    app.get("/v1/volumes/once").expect(200);
    // Public again, its own life is what is told of it: a draft that was withdrawn stays withdrawn to the public.
    editor.patch("/v1/volumes/once", "*", &json!({"state": "draft"})).expect(200);
    app.get("/v1/volumes/once").expect(404);
    editor.patch("/v1/volumes/once", "*", &json!({"state": "published"})).expect(200);
    editor.patch("/v1/volumes/once", "*", &json!({"state": "withdrawn"})).expect(200);
    let tombstone = app.get("/v1/volumes/once").expect(410).json()["tombstone"].clone();
    editor.patch("/v1/volumes/once", "*", &json!({"state": "draft"})).expect(200);
    assert_eq!(app.get("/v1/volumes/once").expect(410).json()["tombstone"], tombstone);
    // Under another name nobody learns of it, and the name that was known stays withdrawn.
    editor.patch("/v1/volumes/once", "*", &json!({"id": "hidden"})).expect(200);
    app.get("/v1/volumes/hidden").expect(404);
    assert_eq!(app.get("/v1/volumes/once").expect(410).json()["tombstone"], tombstone);
    editor.patch("/v1/volumes/hidden", "*", &json!({"id": "once"})).expect(200);
    // Where nothing is read of a body, none is taken.
    let restore = editor.call("POST", "/v1/volumes/once/history/2/restore?dryRun=true").header("If-Match", "*");
    assert_eq!(restore.json(&json!({"version": 1})).send().expect(400).issues().len(), 1);
}

fn what_is_taken_is_told_at_once(app: App) {
    let editor = Editor::new(&app);
    let number = editor.document("/v1/volumes/mobility").0["number"].clone();
    for answer in [
        editor.post("/v1/volumes", &volume("strategy", i32::try_from(number.as_i64().unwrap()).unwrap())),
        editor.patch("/v1/volumes/data-governance", "*", &json!({"id": "strategy", "number": number})),
    ] {
        let detail = answer.expect(409).json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("another volume 'strategy'") && detail.contains("'mobility' has the number"), "{detail}");
    }
    let refused = editor.patch("/v1/volumes/strategy", "*", &json!({"id": null, "year": "x", "zz": 1})).expect(400);
    let mut names: Vec<String> = refused.issues().into_iter().map(|issue| issue.name).collect();
    names.sort();
    assert_eq!(names, ["/id", "/year", "/zz"]);
    // Who is in the way is named.
    let held = editor.delete("/v1/languages/nl", "*").expect(409).json();
    assert!(held["users"].as_array().unwrap().contains(&json!({"type": "volume", "id": "strategy"})), "{held}");
    let brief = editor.call("POST", "/v1/volumes?dryRun=true").header("Prefer", "return=minimal").json(&volume("new", 99)).send().expect(204);
    assert_eq!(brief.header("preference-applied"), Some("return=minimal"));
}

/// In a database that has none there is no other way but files.
fn the_collection_can_be_made(database: Database) {
    let app = App::empty(database);
    let editor = Editor::new(&app);
    app.get("/v1/collection").expect(404);
    let whole = json!({"texts": {"fr": {"title": "Les guides"}}});
    editor.put("/v1/collection", "\"seen\"", &whole).expect(404);
    editor.call("PUT", "/v1/collection").json(&whole).send().expect(428);
    assert_eq!(editor.put("/v1/collection?dryRun=true", "*", &whole).expect(200).json(), whole);
    app.get("/v1/collection").expect(404);
    editor.put("/v1/collection", "*", &json!({"texts": {}})).expect(400);
    assert_eq!(editor.put("/v1/collection", "*", &whole).expect(200).json(), whole);
    assert_eq!(app.get("/v1/collection").ok()["title"], "Les guides");
}

fn only_editors_edit(app: App) {
    let (other, editor) = (make_key(&app, &["partner"]), Editor::new(&app));
    let before = editor.revision();
    let (mut keyed, mut conditional) = (0, 0);
    for operation in operations().into_iter().filter(Operation::keyed) {
        let path = operation.example_path();
        let call = |key: Option<&str>| {
            let mut call = app.call(&operation.method, &path);
            if let Some(key) = key {
                call = call.header("Authorization", &bearer(key));
            }
            if operation.value["requestBody"].is_object() { call.json(&json!({})) } else { call }
        };
        assert_eq!(call(None).send().expect(401).problem(), "noAccessToken", "{}", operation.id);
        assert_eq!(call(Some(&other)).header("If-Match", "*").send().expect(403).problem(), "missingScope", "{}", operation.id);
        keyed += 1;
        if operation.parameters().iter().any(|one| one["name"] == "If-Match" && one["required"] == true) {
            assert_eq!(call(Some(&editor.key)).send().expect(428).problem(), "preconditionRequired", "{}", operation.id);
            conditional += 1;
        }
    }
    assert!(keyed > 60 && conditional > 30, "{keyed} operations with a key, {conditional} with a precondition");
    assert_eq!(editor.revision(), before);
}

fn sixteen_editors_at_once(app: App) {
    let editor = Editor::new(&app);
    let (_, tag) = editor.document("/v1/volumes/mobility");
    let before = editor.revision();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..16)
            .map(|number| {
                let (editor, tag) = (&editor, &tag);
                scope.spawn(move || {
                    let own = editor.post("/v1/volumes", &volume(&format!("many-{number}"), 100 + number)).status;
                    assert_eq!(own, 201);
                    editor.patch("/v1/volumes/mobility", tag, &json!({"note": format!("n{number}")})).status
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 15, "{statuses:?}");
    assert_eq!(editor.revision(), before + 17);
}

/// A note, a draft of a text, the same in other words: the public sees no change, and is told of none.
fn what_nobody_sees_changes_nothing(app: App) {
    let editor = Editor::new(&app);
    let cursor = app.get("/v1/changes?since=now").ok()["cursor"].as_str().unwrap().to_owned();
    let before = (app.get("/v1/volumes/mobility").expect(200), app.get("/v1/catalogue?lang=*").text());
    // The dates of headers are whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    editor.patch("/v1/volumes/mobility", "*", &json!({"note": "To be looked at"})).expect(200);
    editor.patch("/v1/volumes/mobility", "*", &json!({"texts": {"de": {"state": "draft", "title": "Mobilität"}}})).expect(200);
    editor.patch("/v1/themes/mobility", "*", &json!({"note": "This one too"})).expect(200);
    let after = (app.get("/v1/volumes/mobility").expect(200), app.get("/v1/catalogue?lang=*").text());
    assert_eq!((after.0.json(), after.0.header("etag")), (before.0.json(), before.0.header("etag")));
    assert_eq!(after.1, before.1);
    // Nor do dates tell that somebody is at work.
    assert_eq!(after.0.header("last-modified"), before.0.header("last-modified"));
    assert_eq!(app.get(&format!("/v1/changes?after={cursor}")).ok()["items"], json!([]));
    // Its editors see each of them.
    assert_eq!(editor.get("/v1/volumes/mobility/history?pageSize=2").ok()["items"].as_array().unwrap().len(), 2);

    // The same in other words is no write at all.
    let revision = editor.revision();
    let (document, tag) = editor.document("/v1/volumes/mobility");
    let mut other = document.clone();
    other["texts"]["fr"]["state"] = json!("published");
    other["state"] = json!("published");
    assert_eq!(editor.put("/v1/volumes/mobility", &tag, &other).ok(), document);
    let (strategy, tag) = editor.document("/v1/volumes/strategy");
    let mut turned = strategy.clone();
    turned["editions"].as_array_mut().unwrap().reverse();
    editor.put("/v1/volumes/strategy", &tag, &turned).expect(200);
    assert_eq!((editor.revision(), editor.document("/v1/volumes/strategy").0), (revision, strategy));
    // A place in a list is in no record, and yet seen.
    let listed = app.get("/v1/themes").expect(200);
    let last = ids(&listed.json()).pop().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    editor.patch(&format!("/v1/themes/{last}"), "*", &json!({"position": 0})).expect(200);
    let turned = app.get("/v1/themes").expect(200);
    assert_ne!((turned.header("last-modified"), turned.header("etag")), (listed.header("last-modified"), listed.header("etag")));
    assert_ne!(turned.header("last-modified"), listed.header("last-modified"));
    // What they see is told.
    editor.patch("/v1/volumes/mobility", "*", &json!({"texts": {"de": {"state": "published"}}})).expect(200);
    assert_eq!(app.get(&format!("/v1/changes?after={cursor}")).ok()["items"][0]["change"], "published");
    assert!(app.get("/v1/volumes/mobility").ok()["updatedAt"].as_str() > before.0.json()["updatedAt"].as_str());
}
