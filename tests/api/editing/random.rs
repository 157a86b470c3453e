//! The doors of editing under random input: whatever is sent is refused with a problem and leaves nothing, or it is there as it was sent.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::{Editor, volume};
use crate::support::downloads::{REQUESTS, by_person, rows};
use crate::support::keys::{bearer, make_key};
use crate::support::{App, both};

both!(
    whatever_is_put_is_there_or_leaves_nothing,
    whatever_is_patched_is_there_or_leaves_nothing,
    whatever_is_posted_is_there_or_leaves_nothing,
    whatever_is_gone_back_to_is_what_was,
    whatever_is_asked_of_other_doors_is_done_or_leaves_nothing,
);

/// Every place of a value, by its JSON pointer.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(name, inner)| places(inner, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all))
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(index, inner)| places(inner, &format!("{at}/{index}"), all)),
        _ => {}
    }
}

/// What is done to a place.
#[derive(Clone, Debug)]
enum Deed {
    Put(Value),
    /// Takes the place away.
    Drop,
    /// Repeats the first item of a list.
    Repeat,
    /// Adds a property.
    Add(String, Value),
    /// Puts there what stands elsewhere.
    Copy(usize),
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..20i64).prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "fr",
            "nl",
            "xx",
            "mobility",
            "strategy",
            "nothing",
            "draft",
            "published",
            "announced",
            "2023-02-29",
            "2024-02-29",
            "2017",
            "2026-11-26T08:00:00Z",
            "2026-11-26T09:00:00.5+01:00",
            "https://example.org/é",
            "http://",
            "form",
            "part",
            "\u{0}",
            "a\nb",
            "\u{202e}",
            "ﷺ",
            "😀",
            "-",
            "1.5",
            "BE",
            "webinar",
            "guest"
        ])
        .prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        (1..30_000usize).prop_map(|length| Value::from("é".repeat(length))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(vec!["fr", "nl", "title", "texts", "state", "x", "", "a/b~c"]), inner), 0..4)
                .prop_map(|all| all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<String, Value>>().into()),
        ]
    })
}

fn deeds() -> impl Strategy<Value = Vec<(usize, Deed)>> {
    let names = prop::sample::select(vec![
        "number",
        "note",
        "nubmer",
        "themes",
        "publishAt",
        "withdrawAt",
        "sources",
        "fr",
        "de",
        "id",
        "position",
        "volumes",
        "pages",
        "\u{1}",
    ]);
    let deed = prop_oneof![
        3 => value().prop_map(Deed::Put),
        2 => Just(Deed::Drop),
        1 => Just(Deed::Repeat),
        2 => (names, value()).prop_map(|(name, value)| Deed::Add(name.to_owned(), value)),
        1 => any::<usize>().prop_map(Deed::Copy),
    ];
    prop::collection::vec((any::<usize>(), deed), 0..4)
}

fn spoil(document: &mut Value, deeds: &[(usize, Deed)]) {
    for (place, deed) in deeds {
        let mut all = Vec::new();
        places(document, "", &mut all);
        let at = all[place % all.len()].clone();
        let copied = if let Deed::Copy(from) = deed { document.pointer(&all[from % all.len()]).cloned() } else { None };
        match deed {
            Deed::Drop => {
                let Some((parent, name)) = at.rsplit_once('/') else { continue };
                match document.pointer_mut(parent) {
                    Some(Value::Object(map)) => drop(map.shift_remove(&name.replace("~1", "/").replace("~0", "~"))),
                    Some(Value::Array(items)) => drop(items.remove(name.parse().unwrap())),
                    _ => {}
                }
            }
            Deed::Put(value) => *document.pointer_mut(&at).unwrap() = value.clone(),
            Deed::Copy(_) => *document.pointer_mut(&at).unwrap() = copied.unwrap(),
            Deed::Repeat => {
                if let Some(Value::Array(items)) = document.pointer_mut(&at)
                    && let Some(first) = items.first().cloned()
                {
                    items.push(first);
                }
            }
            Deed::Add(name, value) => {
                if let Some(Value::Object(map)) = document.pointer_mut(&at) {
                    map.insert(name.clone(), value.clone());
                }
            }
        }
    }
}

/// A document without what means nothing: what is empty, what is so anyhow, the order of editions, the spelling of instants.
fn plain(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(map) => {
            let mut plain_map: Map<String, Value> = map
                .iter()
                .map(|(name, inner)| (name.clone(), plain(inner, name)))
                .filter(|(_, inner)| *inner != json!([]) && *inner != json!({}))
                .collect();
            if plain_map.get("state") == Some(&json!("published")) && !map.contains_key("texts") {
                plain_map.shift_remove("state");
            }
            if map.contains_key("startsOn") {
                plain_map.entry("status").or_insert_with(|| json!("scheduled"));
            }
            plain_map.into()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|inner| plain(inner, "")).collect();
            if name == "editions" {
                items.sort_by_key(|edition| edition["language"].to_string());
            }
            items.into()
        }
        Value::String(text) if name == "publishAt" || name == "withdrawAt" => {
            handbooks::catalogue::record::instant_of(text).map(handbooks::db::types::rfc3339).unwrap_or_default().into()
        }
        other => other.clone(),
    }
}

/// A valid document of each noun that there are several of, by path.
fn documents() -> [(&'static str, Value); 8] {
    let mut whole = volume("random", 95);
    whole["contributors"] = json!([{"name": "A", "role": "author"}]);
    whole["figures"] = json!([{"key": "k", "value": "1.5", "unit": "percent", "texts": {"fr": {"title": "T"}}}]);
    whole["sources"] = json!({"year": "a page"});
    let texts = json!({"fr": {"title": "Un"}, "nl": {"title": "Een", "state": "draft"}});
    [
        ("volumes", whole),
        ("themes", json!({"id": "random", "position": 9, "texts": texts})),
        (
            "complements",
            json!({"id": "random", "state": "draft", "volumes": ["mobility"], "texts": texts, "editions": [{"language": "nl", "access": "form", "doi": "10.1000/182"}]}),
        ),
        (
            "events",
            json!({"id": "random", "kind": "webinar", "status": "scheduled", "startsOn": "2027-03-01", "startTime": "09:30", "timeZone": "Europe/Brussels", "country": "BE",
            "languages": ["fr"], "volumes": ["mobility"], "texts": texts, "participants": [{"name": "N", "role": "guest"}]}),
        ),
        ("testimonies", json!({"id": "random", "person": "P", "organization": "O", "texts": {"fr": {"summary": "S", "role": "R"}}})),
        ("supporters", json!({"id": "random", "role": "funder", "url": "https://example.org/", "from": "2020", "texts": texts})),
        ("languages", json!({"id": "random", "nativeName": "N", "texts": texts})),
        ("volumes", json!({"id": "random", "number": 94, "year": 2020, "state": "published", "texts": texts})),
    ]
}

/// An edition that has an address of its own within works that stay.
fn edition(language: &str) -> Value {
    json!({"language": language, "title": "T", "publishedOn": "2026-12", "pages": 7, "pagesSource": "unofficial", "access": "form"})
}

/// A work of each kind that stays as it is, but for its editions.
fn steady(editor: &Editor<'_>) -> [&'static str; 2] {
    editor.post("/v1/volumes", &volume("steady", 96)).expect(201);
    let complement = json!({"id": "steady", "state": "announced", "volumes": ["mobility"], "texts": {"fr": {"title": "Un"}}});
    editor.post("/v1/complements", &complement).expect(201);
    ["/v1/volumes/steady/editions", "/v1/complements/steady/editions"]
}

/// Records of all nouns, and editions, each with a valid document.
fn records(editor: &Editor<'_>) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    for (path, document) in &documents()[..7] {
        editor.post(&format!("/v1/{path}"), document).expect(201);
        all.push((format!("/v1/{path}/random"), document.clone()));
    }
    for path in steady(editor) {
        editor.post(path, &edition("nl")).expect(201);
        all.push((format!("{path}/nl"), edition("nl")));
    }
    // There is one collection, and it cannot be made small: its own document.
    all.push(("/v1/collection".into(), editor.document("/v1/collection").0));
    all
}

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: 250, failure_persistence: None, max_shrink_iters: 200, ..Config::default() })
}

/// Sends it and looks what is there; counts what was accepted and what was refused.
fn prove(counts: &Cell<(u32, u32)>, editor: &Editor<'_>, path: &str, method: &str, body: &Value, wanted: &Value) -> Result<(), TestCaseError> {
    let (before, revision) = (editor.document(path).0, editor.revision());
    let answer = editor.call(method, path).header("If-Match", "*").json(body).send();
    let (accepted, refused) = counts.get();
    if answer.status == 200 {
        counts.set((accepted + 1, refused));
        let shown = answer.json();
        prop_assert_eq!(plain(&shown, ""), plain(wanted, ""));
        let now = shown["id"].as_str().map_or_else(|| path.to_owned(), |id| path.replace("/random", &format!("/{id}")));
        prop_assert_eq!(&editor.document(&now).0, &shown);
        if now != path {
            // Back to the name that the next case looks for.
            prop_assert_eq!(editor.patch(&now, "*", &json!({"id": "random"})).status, 200);
        }
    } else {
        counts.set((accepted, refused + 1));
        prop_assert!([400, 409].contains(&answer.status), "{}: {}", answer.what(), answer.text());
        prop_assert!(answer.status == 409 || !answer.issues().is_empty());
        prop_assert_eq!((editor.document(path).0, editor.revision()), (before, revision));
    }
    Ok(())
}

fn whatever_is_put_is_there_or_leaves_nothing(app: App) {
    let editor = Editor::new(&app);
    let records = records(&editor);
    let counts = Cell::default();
    let outcome = runner().run(&(0..records.len(), deeds()), |(index, deeds)| {
        let (path, document) = &records[index];
        let mut sent = document.clone();
        spoil(&mut sent, &deeds);
        let mut wanted = sent.clone();
        if let Some(map) = wanted.as_object_mut().filter(|_| document.get("id").is_some()) {
            map.entry("id").or_insert_with(|| json!("random"));
        }
        prove(&counts, &editor, path, "PUT", &sent, &wanted)
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
    let (accepted, refused) = counts.get();
    assert!(accepted > 25 && refused > 25, "{accepted} were accepted and {refused} refused: one side is hardly tried");
}

fn whatever_is_patched_is_there_or_leaves_nothing(app: App) {
    let editor = Editor::new(&app);
    let records = records(&editor);
    let counts = Cell::default();
    let outcome = runner().run(&(0..records.len(), deeds()), |(index, deeds)| {
        let (path, document) = &records[index];
        let mut patch = document.clone();
        spoil(&mut patch, &deeds);
        let mut wanted = editor.document(path).0;
        handbooks::http::patch::merge(&mut wanted, &patch);
        prove(&counts, &editor, path, "PATCH", &patch, &wanted)
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
    let (accepted, refused) = counts.get();
    assert!(accepted > 25 && refused > 25, "{accepted} were accepted and {refused} refused: one side is hardly tried");
}

fn whatever_is_posted_is_there_or_leaves_nothing(app: App) {
    let editor = Editor::new(&app);
    let mut doors: Vec<(String, Value)> = documents().into_iter().map(|(path, document)| (format!("/v1/{path}"), document)).collect();
    doors.extend(steady(&editor).map(|path| (path.to_owned(), edition("de"))));
    let (mut accepted, mut refused) = (Cell::new(0), Cell::new(0));
    let outcome = runner().run(&(0..doors.len(), deeds()), |(index, deeds)| {
        let (path, document) = &doors[index];
        let mut sent = document.clone();
        spoil(&mut sent, &deeds);
        let revision = editor.revision();
        let answer = editor.post(path, &sent);
        if answer.status != 201 {
            refused.set(refused.get() + 1);
            prop_assert!([400, 409].contains(&answer.status), "{}: {}", answer.what(), answer.text());
            prop_assert!(answer.status == 409 || !answer.issues().is_empty());
            prop_assert_eq!(editor.revision(), revision);
            return Ok(());
        }
        accepted.set(accepted.get() + 1);
        let made = answer.json();
        prop_assert_eq!(plain(&made, ""), plain(&sent, ""));
        let own = made["id"].as_str().or(made["language"].as_str()).unwrap_or_default();
        let place = format!("{path}/{own}");
        prop_assert_eq!(&editor.document(&place).0, &made);
        // What would be made again is there already; and room for the next case.
        prop_assert_eq!(editor.post(path, &sent).status, 409);
        prop_assert_eq!(editor.delete(&place, answer.header("etag").unwrap_or_default()).status, 204);
        prop_assert_eq!(editor.revision(), revision + 2);
        Ok(())
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
    let (accepted, refused) = (*accepted.get_mut(), *refused.get_mut());
    assert!(accepted > 25 && refused > 25, "{accepted} were accepted and {refused} refused: one side is hardly tried");
}

fn whatever_is_gone_back_to_is_what_was(app: App) {
    let editor = Editor::new(&app);
    let path = "/v1/volumes/random";
    editor.post("/v1/volumes", &documents()[0].1).expect(201);
    let mut versions = vec![editor.document(path).0];
    for round in 1..6 {
        let patch = json!({"year": 2000 + round, "note": format!("n{round}"), "texts": {"fr": {"title": format!("T{round}")}}, "contents": []});
        versions.push(editor.patch(path, "*", &patch).ok());
    }
    let versions = std::cell::RefCell::new(versions);
    let outcome = runner().run(&(0..20i64, any::<bool>()), |(number, dry)| {
        let (before, revision) = (editor.document(path), editor.revision());
        let target = format!("{path}/history/{number}/restore?dryRun={dry}");
        let answer = editor.call("POST", &target).header("If-Match", &before.1).send();
        let known = usize::try_from(number - 1).ok().and_then(|index| versions.borrow().get(index).cloned());
        match known {
            Some(then) => {
                prop_assert_eq!(answer.status, 200, "{}", answer.text());
                prop_assert_eq!(&answer.json(), &then);
                let moved = !dry && then != before.0;
                prop_assert_eq!(editor.revision(), revision + i64::from(moved));
                prop_assert_eq!(&editor.document(path).0, if moved { &then } else { &before.0 });
                if moved {
                    versions.borrow_mut().push(then);
                }
            }
            None => {
                prop_assert_eq!(answer.status, if number == 0 { 400 } else { 404 }, "{}", answer.text());
                prop_assert_eq!((editor.document(path), editor.revision()), (before, revision));
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
    assert!(versions.borrow().len() > 10);
}

/// Keys and download requests: what is accepted is one more, what is refused leaves nothing.
fn whatever_is_asked_of_other_doors_is_done_or_leaves_nothing(app: App) {
    let manager = make_key(&app, &["keys:manage"]);
    let mut form = by_person("mobility", "fr");
    form["requester"]["organizationType"] = json!("municipality");
    form["consents"] = json!([{"text": "news-1", "given": false}]);
    let key = json!({"name": "Random", "owner": "O", "scopes": ["partner", "catalogue:write"], "expiresAt": "2999-01-01T00:00:00Z"});
    let keys = || app.call("GET", "/v1/keys").header("Authorization", &bearer(&manager)).send().ok()["total"].as_i64().unwrap_or_default();
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let outcome = runner().run(&(any::<bool>(), deeds()), |(asks, deeds)| {
        let mut sent = if asks { form.clone() } else { key.clone() };
        spoil(&mut sent, &deeds);
        let before = (keys(), rows(&app.state.store)[0]);
        let path = if asks { REQUESTS } else { "/v1/keys" };
        let answer = app.call("POST", path).header("Authorization", &bearer(&manager)).json(&sent).send();
        let now = (keys(), rows(&app.state.store)[0]);
        match answer.status {
            201 => {
                accepted.set(accepted.get() + 1);
                prop_assert_eq!(now, if asks { (before.0, before.1 + 1) } else { (before.0 + 1, before.1) });
                let href = answer.json()["href"].as_str().unwrap_or_default().to_owned();
                let token = if asks { answer.json()["accessToken"].as_str().unwrap_or_default().to_owned() } else { manager.clone() };
                prop_assert_eq!(app.call("GET", &href).header("Authorization", &bearer(&token)).send().status, 200);
            }
            // The same person, asking for the same again.
            200 => prop_assert_eq!((asks, now), (true, before)),
            status => {
                refused.set(refused.get() + 1);
                prop_assert_eq!(now, before, "{}", answer.text());
                // What is larger than a form may be is not read at all.
                prop_assert!(status == 413 || (status == 400 && !answer.issues().is_empty()), "{}", answer.text());
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
    let (accepted, refused) = (accepted.get(), refused.get());
    assert!(accepted > 15 && refused > 25, "{accepted} were accepted and {refused} refused: one side is hardly tried");
}
