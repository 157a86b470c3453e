//! The OpenAPI document: committed as it is printed, its examples true.

use std::fs;
use std::path::{Path, PathBuf};

use handbooks::openapi::EXAMPLE_BASE;
use handbooks::operations::docs;
use serde_json::{Value, json};

use crate::support::document::{DOCUMENT, reads, resolve, validator};
use crate::support::{App, both};

both!(the_examples_of_answers_are_real, the_examples_of_paths_lead_somewhere);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi")
}

#[test]
fn the_committed_document_is_the_present_one() {
    let committed = fs::read_to_string(folder().join("openapi.json")).unwrap_or_default();
    let present = docs::pretty();
    if committed != present {
        panic!(
            "openapi/openapi.json is not what the code says (- committed, + code); `make openapi` writes it anew:\n{}",
            difference(&committed, &present)
        );
    }
}

/// The lines that differ, between what begins and what ends alike.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| old == new).count();
    let lines = |sign: char, lines: &[&str]| {
        let more = lines.len().saturating_sub(60);
        let mut out: String = lines.iter().take(60).map(|line| format!("{sign} {line}\n")).collect();
        if more > 0 {
            out += &format!("{sign} … {more} more lines\n");
        }
        out
    };
    format!("@@ line {} @@\n{}{}", head + 1, lines('-', &old[head..old.len() - tail]), lines('+', &new[head..new.len() - tail]))
}

#[test]
fn the_difference_is_shown() {
    assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "@@ line 2 @@\n- b\n+ x\n+ y\n");
}

#[test]
fn yaml_says_the_same() {
    let yaml: Value = yaml_serde::from_str(&docs::yaml()).unwrap();
    assert_eq!(yaml, *DOCUMENT);
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, count: &mut usize) {
        match value {
            Value::Object(map) => {
                if map.get("$ref").is_some_and(Value::is_string) {
                    resolve(value);
                    *count += 1;
                }
                map.iter().filter(|(name, _)| *name != "example").for_each(|(_, inner)| walk(inner, count));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, count)),
            _ => {}
        }
    }
    let mut count = 0;
    walk(&DOCUMENT, &mut count);
    assert!(count > 200, "{count}");
    // Nothing is described that nobody uses.
    let text = DOCUMENT.to_string();
    for kind in ["schemas", "responses", "headers", "parameters"] {
        for name in DOCUMENT["components"][kind].as_object().unwrap().keys() {
            assert!(text.contains(&format!("\"#/components/{kind}/{name}\"")), "{kind}/{name} is used nowhere");
        }
    }
}

/// Notes the examples that do not fit their schemas.
fn judge(at: &str, schema: &Value, example: &Value, faults: &mut Vec<String>, count: &mut usize) {
    *count += 1;
    for error in validator(&format!("example {at}"), || schema.clone()).iter_errors(example) {
        faults.push(format!("{at}{}: {error}", error.instance_path()));
    }
}

/// Walks over all that may carry an example: parameters, headers, media types, and schemas within schemas.
fn walk(at: &str, value: &Value, faults: &mut Vec<String>, count: &mut usize) {
    let Value::Object(map) = value else {
        if let Value::Array(items) = value {
            items.iter().enumerate().for_each(|(index, item)| walk(&format!("{at}/{index}"), item, faults, count));
        }
        return;
    };
    let schema = map.get("schema").filter(|schema| schema.is_object());
    let examples = map
        .get("example")
        .into_iter()
        .chain(map.get("examples").and_then(Value::as_object).into_iter().flat_map(|all| all.values().filter_map(|one| one.get("value"))));
    // A property that is called `example` is a schema, not an example.
    if !at.ends_with("/properties") {
        for example in examples {
            // A schema's own example is one of itself.
            let mut alone = value.clone();
            alone.as_object_mut().unwrap().remove("example");
            judge(at, schema.unwrap_or(&alone), example, faults, count);
        }
        if let (Some(default), None) = (map.get("default"), schema) {
            judge(&format!("{at} (default)"), value, default, faults, count);
        }
    }
    map.iter()
        .filter(|(name, _)| at.ends_with("/properties") || !matches!(name.as_str(), "example" | "examples" | "default" | "enum" | "const"))
        .for_each(|(name, inner)| {
            walk(&format!("{at}/{name}"), inner, faults, count);
        });
}

#[test]
fn every_example_fits_its_schema() {
    let (mut faults, mut count) = (Vec::new(), 0);
    // `responses` has a response that is called `default`, which is no value.
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            walk(&at, &operation["parameters"], &mut faults, &mut count);
            walk(&at, &operation["requestBody"], &mut faults, &mut count);
            for (status, response) in operation["responses"].as_object().unwrap() {
                walk(&format!("{at} {status}"), response, &mut faults, &mut count);
            }
        }
    }
    for kind in ["schemas", "responses", "headers", "parameters"] {
        for (name, component) in DOCUMENT["components"][kind].as_object().unwrap() {
            walk(&format!("{kind}/{name}"), component, &mut faults, &mut count);
        }
    }
    assert!(count > 200, "only {count} examples were found");
    assert!(faults.is_empty(), "{} of {count} examples:\n{}", faults.len(), faults.join("\n"));
}

/// Instants of the writing of records, which differ from one database to the next.
fn settle(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map.iter_mut() {
                if matches!(name.as_str(), "createdAt" | "updatedAt" | "addedAt") {
                    *inner = json!("2026-11-22T09:00:00Z");
                } else {
                    settle(inner);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        _ => {}
    }
}

/// The operations whose answers can be examples: what is the same for everybody, in JSON.
fn exemplary() -> Vec<crate::support::document::Operation> {
    reads()
        .into_iter()
        .filter(|operation| operation.path == "/" || operation.path.starts_with("/v1"))
        .filter(|operation| !operation.keyed())
        // What mirrors read is told by hashes and cursors, which are of one moment.
        .filter(|operation| operation.value["tags"][0] != "Mirrors")
        .filter(|operation| !operation.id.starts_with("findDownload") || operation.id == "findDownloadForm")
        // An editor must send one first; tests/api/editing/covers.rs reads them.
        .filter(|operation| !operation.id.ends_with("Cover"))
        .collect()
}

/// `openapi/examples/<operationId>.json` is what the server answers. With UPDATE_EXAMPLES=1 the files are written instead.
fn the_examples_of_answers_are_real(app: App) {
    let update = std::env::var("UPDATE_EXAMPLES").is_ok_and(|value| value == "1");
    let mut files: Vec<String> =
        fs::read_dir(folder().join("examples")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut faults = Vec::new();
    for operation in exemplary() {
        let answer = app.get(&operation.example_path()).expect(200);
        let mut body: Value = serde_json::from_str(&answer.text().replace(&app.base, EXAMPLE_BASE)).unwrap();
        settle(&mut body);
        let text = serde_json::to_string_pretty(&body).unwrap() + "\n";
        let name = format!("{}.json", operation.id);
        files.retain(|file| *file != name);
        let path = folder().join("examples").join(&name);
        if update {
            fs::write(&path, &text).unwrap();
            continue;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        if kept != text {
            faults.push(format!("openapi/examples/{name}:\n{}", difference(&kept, &text)));
        }
        let media = &operation.value["responses"]["200"]["content"]["application/json"];
        if media["example"] != body {
            faults.push(format!("{} is not in the document as it is in openapi/examples/{name}", operation.id));
        }
    }
    assert!(files.is_empty(), "openapi/examples has files of no operation: {files:?}");
    assert!(
        faults.is_empty(),
        "the examples (-) are not what the server answers (+); `UPDATE_EXAMPLES=1 scripts/with-postgres cargo test --test api examples`, then `make openapi`, write them anew:\n{}",
        faults.join("\n")
    );
}

fn the_examples_of_paths_lead_somewhere(app: App) {
    for operation in exemplary() {
        app.get(&operation.example_path()).expect(200);
        // Each query parameter's example by itself.
        for parameter in operation.parameters().iter().filter(|one| one["in"] == "query") {
            let Some(example) = parameter.get("example") else { continue };
            let values: Vec<Value> = example.as_array().cloned().unwrap_or_else(|| vec![example.clone()]);
            let query: Vec<String> = values
                .iter()
                .map(|value| {
                    format!(
                        "{}={}",
                        parameter["name"].as_str().unwrap(),
                        crate::support::encode(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                    )
                })
                .collect();
            let answer = app.get(&format!("{}?{}", operation.example_path(), query.join("&")));
            assert_eq!(answer.status, 200, "{}: {}", answer.what(), answer.text());
        }
    }
}
