//! Bad input at the doors of editing: one problem that names every fault, and nothing stored.

use diesel::prelude::*;
use handbooks::db::schema::{audit_entry, download_request};
use serde_json::{Value, json};

use super::files::stored;
use super::{Editor, volume};
use crate::support::document::{Operation, Path, operations};
use crate::support::keys::{bearer, make_key};
use crate::support::{Answer, App, both};

both!(
    every_fault_is_named_at_once,
    what_is_no_document_is_refused,
    no_door_takes_what_is_no_document,
    references_and_numbers_are_looked_up,
    a_patch_cannot_empty_what_is_required,
    an_event_has_its_times_at_a_place_and_day,
    an_edition_has_numbers_that_are_some
);

/// Names of the issues, sorted.
fn names(answer: &Answer) -> Vec<String> {
    let mut all: Vec<String> = answer.issues().into_iter().map(|issue| format!("{} {}", issue.kind, issue.name)).collect();
    all.sort();
    all
}

fn every_fault_is_named_at_once(app: App) {
    let editor = Editor::new(&app);
    let before = editor.revision();
    let mut body = volume("Not A Slug", 80);
    body["year"] = json!("2026");
    body["nubmer"] = json!(3);
    body["publishedOn"] = json!("2023-02-29");
    body["pageUrl"] = json!("ftp://x");
    body["sourceLanguage"] = json!("xx");
    body["state"] = json!("publihsed");
    body["themes"] = json!(["mobility", "nothing-like-it", "mobility", 7]);
    body["texts"] = json!({"fr": {"title": "x".repeat(501), "summary": "a\u{0}b"}, "pt": {"title": "x"}, "nl": {"tilte": "x"}});
    body["editions"] = json!([{"language": "fr", "access": "free"}, {"language": "fr", "access": "form"}]);
    body["contents"][0]["kind"] = json!("chapter");
    body["contributors"] = json!([{"name": null, "role": "author"}, "x"]);
    let answer = editor.post("/v1/volumes", &body).expect(400);
    assert_eq!(answer.problem(), "badRequest");
    let found = names(&answer);
    for wanted in [
        "invalidInput /id",
        "schemaViolation /year",
        "unknownInput /nubmer",
        "invalidInput /publishedOn",
        "invalidInput /pageUrl",
        "schemaViolation /sourceLanguage",
        "schemaViolation /state",
        "referencedResourceNotFound /themes/1",
        "schemaViolation /themes/2",
        "schemaViolation /themes/3",
        "invalidInput /texts/fr/title",
        "schemaViolation /texts/fr/summary",
        "unknownInput /texts/pt",
        "unknownInput /texts/nl/tilte",
        "schemaViolation /editions/0/access",
        "invalidInput /editions/1/language",
        "schemaViolation /contents/0/kind",
        "schemaViolation /contributors/0/name",
        "schemaViolation /contributors/1",
    ] {
        assert!(found.iter().any(|name| name == wanted), "{wanted} is not in {found:#?}");
    }
    assert!(answer.text().contains("Did you mean 'number'?"), "{}", answer.text());
    assert_eq!(editor.revision(), before);
}

fn what_is_no_document_is_refused(app: App) {
    let editor = Editor::new(&app);
    let before = editor.revision();
    let raw =
        |body: &[u8]| editor.call("PUT", "/v1/volumes/mobility").header("If-Match", "*").header("Content-Type", "application/json").body(body).send();
    let nested = format!("{{\"contents\":{}{}}}", "[{\"kind\":\"part\",\"contents\":".repeat(60), "[]".to_owned() + &"}]".repeat(60));
    let deep = format!("{{\"note\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let twice = r#"{"number":4,"number":4,"texts":{"fr":{"title":"a","title":"b"}}}"#;
    for body in
        ["", "{", "[]", "null", "7", "{\"note\":\"\\ud800\"}", "{\"note\":\"\\u0000\"}", "\u{feff}{}", &nested, &deep, twice, "{\"no\\u0000te\":1}"]
    {
        let answer = raw(body.as_bytes()).expect(400);
        assert!(!answer.issues().is_empty(), "{body:.100}");
    }
    assert_eq!(names(&raw(twice.as_bytes())), ["schemaViolation /number", "schemaViolation /texts/fr/title"]);
    raw(b"{\"note\":\"\xff\"}").expect(400);
    let (mut document, _) = editor.document("/v1/volumes/mobility");
    document["note"] = json!("x".repeat(900_000));
    assert_eq!(names(&raw(document.to_string().as_bytes()).expect(400)), ["schemaViolation /note"]);
    // Told before it is sent.
    let head = format!("Authorization: Bearer {}\r\nIf-Match: *\r\nContent-Type: application/json\r\nContent-Length: 1048577\r\n", editor.key);
    let answer = app.raw("PUT", b"/v1/volumes/mobility", head.as_bytes(), Path::Documented).expect(413);
    assert_eq!(answer.json()["limit"], 1_048_576);
    editor
        .call("PUT", "/v1/volumes/mobility")
        .header("If-Match", "*")
        .header("Content-Type", "application/merge-patch+json")
        .body("{}")
        .send()
        .expect(415);
    editor.put("/v1/volumes/No_Slug?dry=1", "*", &json!({})).expect(400);
    editor.put("/v1/volumes/nothing-there", "*", &volume("nothing-there", 90)).expect(404);
    assert_eq!(editor.revision(), before);
}

/// The operations that take JSON, with the media type they take it as.
fn doors() -> Vec<(Operation, String)> {
    let media = |operation: &Operation| {
        let content = operation.value["requestBody"]["content"].as_object()?;
        content.keys().find(|media_type| media_type.ends_with("json")).cloned()
    };
    operations().into_iter().filter_map(|operation| media(&operation).map(|media_type| (operation, media_type))).collect()
}

/// Whatever the door: what is no JSON, no object, says a thing twice, is nested without end or holds what no text may hold is refused with its faults
/// named; what is too long, before it is read; and nothing is left of any of it.
fn no_door_takes_what_is_no_document(app: App) {
    let editor = Editor::new(&app);
    let key = make_key(&app, &["catalogue:write", "keys:manage"]);
    let requests = |app: &App| app.state.store.read(|db| Ok(download_request::table.count().get_result::<i64>(db)?)).unwrap();
    let lines = |app: &App| app.state.store.read(|db| Ok(audit_entry::table.count().get_result::<i64>(db)?)).unwrap();
    let everything = || (editor.revision(), stored(&app), requests(&app), lines(&app));
    let before = everything();
    let nested = format!("{{\"contents\":{}{}}}", "[{\"kind\":\"part\",\"contents\":".repeat(60), "[]".to_owned() + &"}]".repeat(60));
    let deep = format!("{{\"note\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let broken: [&[u8]; 15] = [
        b"",
        b"{",
        b"{}{}",
        b"[]",
        b"null",
        b"7",
        b"\"text\"",
        b"{\"note\":\"\\ud800\"}",
        b"{\"note\":\"\\u0000\"}",
        b"{\"note\":\"\xff\"}",
        "\u{feff}{}".as_bytes(),
        b"{\"no\\u0000te\":1}",
        b"{\"nothing-like-it\":1}",
        nested.as_bytes(),
        deep.as_bytes(),
    ];
    let doors = doors();
    assert!(doors.len() > 28, "{} doors", doors.len());
    for (operation, media_type) in &doors {
        let path = operation.example_path();
        let knock = |media_type: &str, body: &[u8]| {
            let call = app.call(&operation.method, &path).header("Authorization", &bearer(&key)).header("If-Match", "*");
            call.header("Content-Type", media_type).body(body).send()
        };
        for body in broken {
            let answer = knock(media_type, body);
            assert_eq!(answer.status, 400, "{}: {:.100}: {}", operation.id, String::from_utf8_lossy(body), answer.text());
            assert!(!answer.issues().is_empty(), "{}: {:.100}", operation.id, String::from_utf8_lossy(body));
        }
        assert!(names(&knock(media_type, br#"{"note":"a","note":"b"}"#)).contains(&"schemaViolation /note".to_owned()), "{}", operation.id);
        // Told before it is sent; a text as long as that in what is short enough is one of the faults.
        let head = format!("Authorization: Bearer {key}\r\nIf-Match: *\r\nContent-Type: {media_type}\r\nContent-Length: 1048577\r\n");
        let answer = app.raw(&operation.method, path.as_bytes(), head.as_bytes(), Path::Documented).expect(413);
        let limit = usize::try_from(answer.json()["limit"].as_u64().unwrap()).unwrap();
        let long = format!("{{\"note\":\"{}\"}}", "x".repeat(limit - 100));
        assert_eq!(knock(media_type, long.as_bytes()).status, 400, "{}", operation.id);
        for other in ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""] {
            assert_eq!(knock(other, b"{}").status, 415, "{}: {other}", operation.id);
        }
        assert_eq!(everything(), before, "{} has left something", operation.id);
    }
}

fn references_and_numbers_are_looked_up(app: App) {
    let editor = Editor::new(&app);
    let before = editor.revision();
    let mut body = volume("new", 81);
    body["themes"] = json!(["mobilty"]);
    let answer = editor.post("/v1/volumes", &body).expect(400);
    assert_eq!(names(&answer), ["referencedResourceNotFound /themes/0"]);
    assert!(answer.text().contains("Did you mean 'mobility'?"));
    let (strategy, _) = editor.document("/v1/volumes/strategy");
    let number = i32::try_from(strategy["number"].as_i64().unwrap()).unwrap();
    assert!(editor.post("/v1/volumes", &volume("new", number)).expect(409).text().contains("strategy"));
    assert!(editor.patch("/v1/volumes/mobility", "*", &json!({"number": number})).expect(409).text().contains("strategy"));
    assert_eq!(
        names(&editor.post("/v1/volumes", &json!({})).expect(400)),
        ["schemaViolation /id", "schemaViolation /number", "schemaViolation /state", "schemaViolation /texts", "schemaViolation /year"]
    );
    let event = json!({"id": "e", "kind": "webinar", "startsOn": "2026-02-30", "languages": ["fr", "fr", "xx"], "country": "Belgium", "texts": {"fr": {"title": "x"}}});
    assert_eq!(
        names(&editor.post("/v1/events", &event).expect(400)),
        ["invalidInput /country", "invalidInput /startsOn", "schemaViolation /languages/1", "schemaViolation /languages/2"]
    );
    assert_eq!(editor.revision(), before);
}

fn a_patch_cannot_empty_what_is_required(app: App) {
    let editor = Editor::new(&app);
    let before = editor.revision();
    let patch = |body: Value| names(&editor.patch("/v1/volumes/mobility", "*", &body).expect(400));
    assert_eq!(patch(json!({"number": null})), ["schemaViolation /number"]);
    assert_eq!(patch(json!({"texts": null, "year": null})), ["schemaViolation /texts", "schemaViolation /year"]);
    assert_eq!(patch(json!({"texts": {"fr": null, "nl": null, "en": null, "de": null}})), ["invalidInput /texts"]);
    assert_eq!(patch(json!({"id": null})), ["schemaViolation /id"]);
    assert_eq!(patch(json!({"id": "No"})), ["invalidInput /id"]);
    assert_eq!(patch(json!({"editions": [null]})), ["schemaViolation /editions/0"]);
    patch(json!([]));
    assert_eq!(editor.revision(), before);
    let mut testimony = json!({"id": "t", "person": " ", "organization": "x", "texts": {"fr": {"title": "Not this", "role": "r"}}});
    assert_eq!(names(&editor.post("/v1/testimonies", &testimony).expect(400)), ["invalidInput /person", "invalidInput /texts/fr/title"]);
    testimony["person"] = json!("P");
}

fn an_event_has_its_times_at_a_place_and_day(app: App) {
    let editor = Editor::new(&app);
    let day = "2027-03-01";
    let event = |times: Value| {
        let mut body = json!({"id": "timed", "kind": "webinar", "status": "scheduled", "startsOn": day, "texts": {"fr": {"title": "Soirée"}}});
        body.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        editor.post("/v1/events?dryRun=true", &body)
    };
    let brussels = "Europe/Brussels";
    for (times, name, told) in [
        (json!({"startTime": "09:30", "timeZone": "Europe/Brusels"}), "/timeZone", "Did you mean 'Europe/Brussels'?"),
        (json!({"startTime": "09:30", "timeZone": "europe/brussels"}), "/timeZone", "Did you mean 'Europe/Brussels'?"),
        (json!({"startTime": "09:30", "timeZone": "Brussels"}), "/timeZone", "Did you mean 'Europe/Brussels'?"),
        (json!({"timeZone": "+01:00"}), "/timeZone", "there is no time zone '+01:00'"),
        (json!({"startTime": "17:00", "endTime": "09:30", "timeZone": brussels}), "/endTime", "past midnight"),
        (json!({"startTime": "17:00", "endTime": "09:30", "endsOn": day, "timeZone": brussels}), "/endTime", "past midnight"),
        (json!({"startsOn": "2027-03", "startTime": "09:30", "timeZone": brussels}), "/startTime", "'startsOn' is '2027-03' only"),
        (json!({"startsOn": "2027", "endTime": "09:30", "timeZone": brussels}), "/endTime", "'startsOn' is '2027' only"),
        (json!({"endsOn": "2027-04", "endTime": "09:30", "timeZone": brussels}), "/endTime", "'endsOn' is '2027-04' only"),
    ] {
        let answer = event(times.clone()).expect(400);
        assert_eq!(names(&answer), [format!("invalidInput {name}")], "{times}");
        assert!(answer.text().contains(told) && !answer.text().contains("?."), "{times}: {}", answer.text());
    }
    for times in [
        json!({"startTime": "17:00", "endTime": "01:00", "endsOn": "2027-03-02", "timeZone": brussels}),
        json!({"startTime": "09:30", "endTime": "09:30", "timeZone": "UTC"}),
        json!({"startsOn": "2027-03-01", "endsOn": "2027-04", "startTime": "09:30", "timeZone": "America/Argentina/Ushuaia"}),
        json!({"startsOn": "2027-03"}),
    ] {
        assert!(event(times.clone()).status == 200, "{times}");
    }
}

fn an_edition_has_numbers_that_are_some(app: App) {
    let editor = Editor::new(&app);
    let edition = "/v1/volumes/mobility/editions/fr?dryRun=true";
    for (patch, name) in [
        (json!({"isbn": "978-2-930772-00-5"}), "/isbn"),
        (json!({"isbn": "ISBN 978-2-930772-00-4"}), "/isbn"),
        (json!({"doi": "https://doi.org/10.1000/182"}), "/doi"),
        (json!({"doi": "10.1/x"}), "/doi"),
        // Open, and nowhere to read it.
        (json!({"access": "open"}), "/access"),
    ] {
        assert_eq!(names(&editor.patch(edition, "*", &patch).expect(400)), [format!("invalidInput {name}")], "{patch}");
    }
    for patch in [
        json!({"isbn": "978-2-930772-00-4", "doi": "10.1000/182"}),
        json!({"isbn": "0-306-40615-2"}),
        json!({"access": "open", "externalUrl": "https://example.org/mobility.pdf"}),
    ] {
        editor.patch(edition, "*", &patch).expect(200);
    }
}
