//! The schema that the form gives: what it takes, the server takes; what it refuses, the server refuses.

use serde_json::{Value, json};

use crate::support::document::{DOCUMENT, resolve};
use crate::support::{App, both};

both!(takes_what_the_server_takes, of_nothing_on_offer_takes_nothing);

/// The body that the document shows as its example.
fn example() -> Value {
    resolve(&DOCUMENT["paths"]["/v1/downloadRequests"]["post"]["requestBody"])["content"]["application/json"]["example"].clone()
}

/// The example with a value elsewhere; `null` takes the property away.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = example();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    match (parent, value) {
        (Value::Object(map), Value::Null) => drop(map.remove(name)),
        (Value::Object(map), value) => drop(map.insert(name.to_owned(), value)),
        (Value::Array(items), value) => items[name.parse::<usize>().unwrap()] = value,
        (other, _) => panic!("{other} holds nothing"),
    }
    body
}

fn takes_what_the_server_takes(app: App) {
    let french = json!({"volume": "mobility", "language": "fr"});
    let good = [
        example(),
        with("/requester", Value::Null),
        with("/consents", Value::Null),
        with("/consents", json!([])),
        with("/consents/0/given", json!(true)),
        with("/purpose", Value::Null),
        with("/language", Value::Null),
        with("/language", json!("de")),
        with("/requester", json!({})),
        with("/requester/email", Value::Null),
        with("/requester/name", json!("木村 – Zoë O’Neil")),
        with("/requester/name", json!("é".repeat(200))),
        with("/requester/municipality", json!("11002")),
        with("/requester/country", json!("FR")),
        with("/editions", json!([french, {"volume": "strategy", "language": "nl"}, {"complement": "leadership", "language": "fr"}])),
    ];
    let bad = [
        json!([]),
        json!({}),
        json!("form"),
        with("/editions", Value::Null),
        with("/editions", json!([])),
        with("/editions", json!([french, french])),
        with("/editions", json!("mobility")),
        with("/editions", json!([{"volume": "mobility"}])),
        with("/editions", json!([{"language": "fr"}])),
        with("/editions", json!([{"volume": "mobility", "language": "nl"}])),
        with("/editions", json!([{"volume": "no-such-volume", "language": "fr"}])),
        with("/editions", json!([{"volume": "mobility", "complement": "leadership", "language": "fr"}])),
        with("/editions", json!([{"volume": "mobility", "language": "fr", "format": "pdf"}])),
        with("/privacyNotice", Value::Null),
        with("/privacyNotice", json!("privacy-0")),
        with("/privacyNotice", json!("news-1")),
        with("/privacyNotice", json!(1)),
        with("/consents/0/text", json!("privacy-1")),
        with("/consents/0/given", Value::Null),
        with("/consents/0/given", json!("yes")),
        with("/consents", json!([{"text": "news-1", "given": true}, {"text": "news-1", "given": false}])),
        with("/purpose", json!("fun")),
        with("/language", json!("xx")),
        with("/newsletter", json!(true)),
        with("/requester", json!("Anna")),
        with("/requester/phone", json!("04")),
        with("/requester/name", json!("")),
        with("/requester/name", json!(" \u{3000}")),
        with("/requester/name", json!("a\nb")),
        with("/requester/name", json!("é".repeat(201))),
        with("/requester/organization", json!("\u{7f}")),
        with("/requester/email", json!("anna")),
        with("/requester/email", json!("anna@@example.org")),
        with("/requester/email", json!(format!("{}@example.org", "a".repeat(300)))),
        with("/requester/organizationType", json!("Municipality")),
        with("/requester/role", json!("mayor")),
        with("/requester/municipality", json!("4000")),
        with("/requester/municipality", json!(62063)),
        with("/requester/country", json!("XX")),
        with("/requester/country", json!("be")),
    ];
    for language in ["fr", "nl", "en", "de"] {
        let schema = app.get(&format!("/v1/downloadForm?lang={language}")).ok()["schema"].clone();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        jsonschema::meta::validate(&schema).expect("a valid schema");
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema that works");
        for body in &good {
            let faults: Vec<String> = validator.iter_errors(body).map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{body}: {faults:?}");
        }
        for body in &bad {
            assert!(!validator.is_valid(body), "{language}: the schema takes {body}");
        }
    }
    for body in &good {
        assert!(matches!(app.ask_for(body).status, 200 | 201), "{body}");
    }
    let before = app.rows();
    for body in &bad {
        assert_eq!(app.ask_for(body).status, 400, "{body}");
    }
    assert_eq!(app.rows(), before);
}

fn of_nothing_on_offer_takes_nothing(app: App) {
    let schema = app.get("/v1/downloadForm?complement=multidisciplinary-team").ok()["schema"].clone();
    let validator = jsonschema::validator_for(&schema).expect("a schema that works");
    assert!(!validator.is_valid(&example()));
    // Of one volume, only that one.
    let schema = app.get("/v1/downloadForm?volume=strategy").ok()["schema"].clone();
    let validator = jsonschema::validator_for(&schema).expect("a schema that works");
    assert!(!validator.is_valid(&example()));
    assert!(validator.is_valid(&with("/editions", json!([{"volume": "strategy", "language": "nl"}]))));
}
