//! The OpenAPI document as a judge: every answer that a test sees must be one that the document promises.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use handbooks::error::PROBLEMS;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};
use uuid::{Uuid, Version};

use super::Answer;

/// Whether the test means a path of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    Documented,
    Undocumented,
}

/// The document, as the server would give it at the examples' address.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| handbooks::openapi::document(handbooks::openapi::EXAMPLE_BASE));

/// An operation of the document.
pub struct Operation {
    pub path: String,
    pub method: String,
    pub id: String,
    pub value: Value,
}

impl Operation {
    /// Its parameters, references followed.
    pub fn parameters(&self) -> Vec<Value> {
        self.value["parameters"].as_array().map(|all| all.iter().map(|one| resolve(one).clone()).collect()).unwrap_or_default()
    }

    /// Whether it is for keys alone.
    pub fn keyed(&self) -> bool {
        self.value["security"] == serde_json::json!([{"accessKey": []}])
    }

    /// Its path with the examples of the document in it.
    pub fn example_path(&self) -> String {
        self.parameters().iter().filter(|one| one["in"] == "path").fold(self.path.clone(), |path, one| {
            let example = match &one["example"] {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => panic!("{}: {} has no example", self.id, one["name"]),
            };
            path.replace(&format!("{{{}}}", one["name"].as_str().unwrap_or_default()), &example)
        })
    }
}

/// All operations.
pub fn operations() -> Vec<Operation> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().expect("a path item").iter().map(|(method, operation)| Operation {
                path: path.clone(),
                method: method.to_uppercase(),
                id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
                value: operation.clone(),
            })
        })
        .collect()
}

/// What is read: the operations of GET.
pub fn reads() -> Vec<Operation> {
    operations().into_iter().filter(|operation| operation.method == "GET").collect()
}

/// Follows a reference within the document.
pub fn resolve(value: &Value) -> &Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
            resolve(DOCUMENT.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere")))
        }
        None => value,
    }
}

/// The path of the document that `path` belongs to; plain segments win over parameters.
pub fn template_of(path: &str) -> Option<&'static str> {
    let given: Vec<&str> = path.split('/').collect();
    let mut best: Option<(&'static str, usize)> = None;
    for template in DOCUMENT["paths"].as_object().expect("paths").keys() {
        let wanted: Vec<&str> = template.split('/').collect();
        let fits = wanted.len() == given.len()
            && wanted.iter().zip(&given).all(|(wanted, given)| if wanted.starts_with('{') { !given.is_empty() } else { wanted == given });
        let parameters = wanted.iter().filter(|segment| segment.starts_with('{')).count();
        if fits && best.is_none_or(|(_, fewest)| parameters < fewest) {
            best = Some((template, parameters));
        }
    }
    best.map(|(template, _)| template)
}

/// Fails, with all that is wrong, when an answer is not what the document promises.
pub fn check(answer: &Answer, path: Path) {
    let mut faults = Vec::new();
    manners(answer, &mut faults);
    if answer.status >= 400 && !is_health(answer) {
        problem(answer, &mut faults);
    }
    let plain = answer.target.split('?').next().unwrap_or_default();
    match (template_of(plain), path) {
        (Some(template), Path::Documented) => operation(answer, template, &mut faults),
        (None, Path::Undocumented) => {
            if answer.status < 400 {
                faults.push("a path that the document does not have answers with success".into());
            }
        }
        (None, Path::Documented) => faults.push("the document has no such path (say `.undocumented()` when the test means it so)".into()),
        (Some(template), Path::Undocumented) => faults.push(format!("the test means an undocumented path, but the document has {template}")),
    }
    assert!(
        faults.is_empty(),
        "{}\n  {}\n{:#?}\n{}",
        answer.what(),
        faults.join("\n  "),
        answer.headers,
        answer.text().chars().take(2_000).collect::<String>()
    );
}

/// What every answer has, whatever it is.
fn manners(answer: &Answer, faults: &mut Vec<String>) {
    let mut wants = |name: &str, wanted: &str| {
        if answer.header(name) != Some(wanted) {
            faults.push(format!("{name} is {:?} instead of {wanted:?}", answer.header(name)));
        }
    };
    wants("access-control-allow-origin", "*");
    wants("x-content-type-options", "nosniff");
    wants("referrer-policy", "no-referrer");
    let trace = answer.header("belgov-trace-id").unwrap_or_default();
    if Uuid::parse_str(trace).ok().and_then(|id| id.get_version()) != Some(Version::Random) {
        faults.push(format!("the trace id '{trace}' is no random UUID"));
    }
    if answer.header("content-security-policy").is_none() {
        faults.push("no Content-Security-Policy".into());
    }
    let bodiless = answer.method == "HEAD" || matches!(answer.status, 204 | 304);
    if bodiless && !answer.body.is_empty() {
        faults.push(format!("a body of {} bytes where none may be", answer.body.len()));
    }
    if let Some(length) = answer.header("content-length").filter(|_| !bodiless)
        && length.parse::<usize>() != Ok(answer.body.len())
    {
        faults.push(format!("Content-Length {length}, but {} bytes", answer.body.len()));
    }
}

/// The health resources tell of their illness in their own words.
fn is_health(answer: &Answer) -> bool {
    answer.status == 503 && answer.target.starts_with("/health") && answer.header("content-type") == Some("application/json")
}

/// What every error is.
fn problem(answer: &Answer, faults: &mut Vec<String>) {
    let mut fault = |what: String| faults.push(what);
    for (name, wanted) in [("content-type", "application/problem+json"), ("cache-control", "no-store")] {
        if answer.header(name) != Some(wanted) {
            fault(format!("an error with {name} {:?} instead of {wanted:?}", answer.header(name)));
        }
    }
    for name in ["etag", "last-modified"] {
        if answer.header(name).is_some() {
            fault(format!("an error with {name}"));
        }
    }
    if answer.method == "HEAD" {
        return;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else { return fault("an error whose body is not JSON".into()) };
    for error in validator("Problem", || json!({"$ref": "#/components/schemas/Problem"})).iter_errors(&body) {
        fault(format!("{}: {error}", error.instance_path()));
    }
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    match PROBLEMS.iter().find(|entry| entry.urn() == text("type")) {
        None => fault(format!("the type '{}' is not in the table of problems", text("type"))),
        Some(entry) => {
            if entry.status != answer.status || body["status"] != answer.status {
                fault(format!("'{}' has status {}, the body says {}", entry.name, entry.status, body["status"]));
            }
            if text("title") != entry.title {
                fault(format!("'{}' is titled '{}'", entry.name, text("title")));
            }
            if text("href") != format!("{}/docs/problems/{}", answer.base, entry.name) {
                fault(format!("'{}' is explained at '{}'", entry.name, text("href")));
            }
        }
    }
    if Some(text("instance")) != answer.header("belgov-trace-id").map(|trace| format!("urn:uuid:{trace}")).as_deref() {
        fault(format!("the instance '{}' is not the trace id", text("instance")));
    }
    if text("detail").trim().is_empty() {
        fault("an error without detail".into());
    }
    for issue in body["issues"].as_array().into_iter().flatten() {
        if issue["detail"].as_str().is_none_or(|detail| detail.trim().is_empty()) {
            fault(format!("an issue without detail: {issue}"));
        }
    }
    // No cause, no path, no SQL, no stack.
    for word in ["diesel", "sqlite", "postgres", "SELECT ", "panicked", "/tmp/", ".rs:", "no such table", "does not exist"] {
        if String::from_utf8_lossy(&answer.body).contains(word) {
            fault(format!("an error that leaks '{word}'"));
        }
    }
}

/// What the operation promises.
fn operation(answer: &Answer, template: &str, faults: &mut Vec<String>) {
    let item = &DOCUMENT["paths"][template];
    let method = if answer.method == "HEAD" { "get".to_owned() } else { answer.method.to_lowercase() };
    // Methods are told apart by case: `get` is none.
    let known = answer.method == answer.method.to_uppercase();
    let Some(operation) = item.get(&method).filter(|_| known) else {
        // OPTIONS and the refusal of everything else are told once for all paths.
        match answer.method.as_str() {
            "OPTIONS" if answer.status == 204 => {}
            // The limits stand before the router.
            _ if matches!(answer.status, 405 | 414 | 431) => {}
            _ => faults.push(format!("the document has no {method} here, so the answer must be 405 (or 204 to OPTIONS)")),
        }
        return;
    };
    let status = answer.status.to_string();
    let Some(response) = operation["responses"].get(&status).map(resolve) else {
        faults.push(format!(
            "{} does not document the status {status}, only {:?}",
            operation["operationId"],
            operation["responses"].as_object().map(Map::keys)
        ));
        return;
    };
    headers(answer, response, faults);
    content(answer, template, &method, &status, response, faults);
}

fn headers(answer: &Answer, response: &Value, faults: &mut Vec<String>) {
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        match answer.header_all(name).first().copied() {
            // Only where there is a page before or after.
            None if name == "Link" => {}
            // Only where a limit is set: both or none.
            None if name.starts_with("RateLimit") && answer.header("ratelimit").is_none() && answer.header("ratelimit-policy").is_none() => {}
            None => faults.push(format!("the document promises {name}")),
            Some(value) => {
                let schema = resolve(header)["schema"].clone();
                let value = if schema["type"] == "integer" { value.parse::<i64>().map_or_else(|_| json!(value), Value::from) } else { json!(value) };
                let name = format!("header {name}");
                faults.extend(validator(&name, || schema).iter_errors(&value).map(|error| format!("{name}: {error}")));
            }
        }
    }
}

fn content(answer: &Answer, template: &str, method: &str, status: &str, response: &Value, faults: &mut Vec<String>) {
    // A part is of no schema.
    if status == "206" && response.get("content").is_none() {
        return;
    }
    let Some(documented) = response["content"].as_object().filter(|content| !content.is_empty()) else {
        if !answer.body.is_empty() {
            faults.push(format!("a body of {} bytes, and the document has none for {status}", answer.body.len()));
        }
        return;
    };
    let Some(given) = answer.header("content-type") else { return faults.push("no Content-Type".into()) };
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_owned();
    let Some((media, content)) = documented.iter().find(|(media, _)| essence(media) == essence(given)) else {
        return faults.push(format!("the media type {given}; the document has {:?}", documented.keys()));
    };
    if answer.method == "HEAD"
        || answer.header("content-encoding").is_some()
        || !essence(media).ends_with("json")
        || essence(media) == "application/x-ndjson"
        || status.starts_with(['4', '5']) && !is_health(answer)
    {
        return;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else { return faults.push("not JSON".into()) };
    let name = format!("{method} {template} {status} {media}");
    faults.extend(validator(&name, || content["schema"].clone()).iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())));
    nulls("", &body, faults);
}

/// A property without a value is left out, never null.
fn nulls(at: &str, value: &Value, faults: &mut Vec<String>) {
    match value {
        Value::Null => faults.push(format!("{at} is null")),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| nulls(&format!("{at}/{index}"), item, faults)),
        Value::Object(map) => map.iter().for_each(|(name, item)| nulls(&format!("{at}/{name}"), item, faults)),
        _ => {}
    }
}

/// A validator, compiled once.
pub fn validator(name: &str, schema: impl FnOnce() -> Value) -> Arc<Validator> {
    static ALL: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut all = ALL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.entry(name.to_owned())
        .or_insert_with(|| {
            let mut whole = strict(&schema(), true);
            whole["components"] = json!({"schemas": *COMPONENTS});
            let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
            Arc::new(options.build(&whole).unwrap_or_else(|e| panic!("{name}: {e}")))
        })
        .clone()
}

/// The component schemas, and beside each its open twin, which `allOf` builds on.
static COMPONENTS: LazyLock<Value> = LazyLock::new(|| {
    let mut all = Map::new();
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().expect("schemas") {
        // Problems may have more members than the document tells.
        all.insert(name.clone(), strict(schema, name != "Problem"));
        all.insert(format!("{name}.open"), strict(schema, false));
    }
    all.into()
});

/// A schema that allows no property it does not name: what an answer has beyond the document is as wrong as what it lacks.
fn strict(schema: &Value, closed: bool) -> Value {
    let Value::Object(map) = schema else { return schema.clone() };
    let mut out = Map::new();
    for (name, value) in map {
        let value = match (name.as_str(), value) {
            ("$ref", Value::String(reference)) if !closed && reference.starts_with("#/components/schemas/") => json!(format!("{reference}.open")),
            ("properties" | "patternProperties" | "$defs", Value::Object(inner)) => {
                inner.iter().map(|(name, schema)| (name.clone(), strict(schema, true))).collect()
            }
            ("items" | "additionalProperties" | "contains" | "not", schema) => strict(schema, true),
            ("oneOf" | "anyOf", Value::Array(options)) => options.iter().map(|option| strict(option, closed)).collect(),
            ("allOf", Value::Array(parts)) => parts.iter().map(|part| strict(part, false)).collect(),
            (_, value) => value.clone(),
        };
        out.insert(name.clone(), value);
    }
    let open_by_itself = map.contains_key("additionalProperties") || map.contains_key("unevaluatedProperties");
    if closed && !open_by_itself && (map.contains_key("properties") || map.contains_key("allOf")) {
        out.insert("unevaluatedProperties".into(), json!(false));
    }
    out.into()
}
