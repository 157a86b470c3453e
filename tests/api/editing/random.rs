//! The doors of editing under random input: whatever is sent is refused with a problem and leaves nothing, or it is there as it was sent.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::{Editor, volume};
use crate::support::{App, both};

both!(whatever_is_put_is_there_or_leaves_nothing, whatever_is_patched_is_there_or_leaves_nothing);

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

/// Records of several nouns, each with a valid document.
fn records(editor: &Editor<'_>) -> Vec<(String, Value)> {
    let mut whole = volume("random", 95);
    whole["contributors"] = json!([{"name": "A", "role": "author"}]);
    whole["figures"] = json!([{"key": "k", "value": "1.5", "unit": "percent", "texts": {"fr": {"title": "T"}}}]);
    whole["sources"] = json!({"year": "a page"});
    let texts = json!({"fr": {"title": "Un"}, "nl": {"title": "Een", "state": "draft"}});
    let all = [
        ("volumes", whole),
        ("themes", json!({"id": "random", "position": 9, "texts": texts})),
        ("complements", json!({"id": "random", "state": "draft", "volumes": ["mobility"], "texts": texts})),
        (
            "events",
            json!({"id": "random", "kind": "webinar", "status": "scheduled", "startsOn": "2027-03-01", "startTime": "09:30", "timeZone": "Europe/Brussels", "country": "BE",
            "languages": ["fr"], "volumes": ["mobility"], "texts": texts, "participants": [{"name": "N", "role": "guest"}]}),
        ),
        ("testimonies", json!({"id": "random", "person": "P", "organization": "O", "texts": {"fr": {"summary": "S", "role": "R"}}})),
        ("supporters", json!({"id": "random", "role": "funder", "url": "https://example.org/", "from": "2020", "texts": texts})),
        ("languages", json!({"id": "random", "nativeName": "N", "texts": texts})),
    ];
    // An edition has an address of its own within a volume that stays.
    editor.post("/v1/volumes", &volume("steady", 96)).expect(201);
    let edition = json!({"language": "nl", "title": "T", "publishedOn": "2026-12", "pages": 7, "pagesSource": "unofficial", "access": "form"});
    editor.post("/v1/volumes/steady/editions", &edition).expect(201);
    all.into_iter()
        .map(|(path, document)| {
            editor.post(&format!("/v1/{path}"), &document).expect(201);
            (format!("/v1/{path}/random"), document)
        })
        .chain([("/v1/volumes/steady/editions/nl".to_owned(), edition)])
        .collect()
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
