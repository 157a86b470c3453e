//! Holding a JSON value against the very schema that the OpenAPI document tells: so what is described and what is accepted cannot differ.
//! Every fault is found, each with the JSON pointer of its place.

use serde_json::{Map, Value, json};

use super::fields::type_of;
use super::suggestion;
use crate::error::{Issue, IssueKind, quote};

/// How deep a value may be nested.
const DEPTH: usize = 32;

/// A schema with those it refers to.
#[derive(Clone, Copy)]
pub struct Shape<'a> {
    pub schema: &'a Value,
    /// By name, as below `#/components/schemas`.
    pub components: &'a Map<String, Value>,
}

/// What came of it.
pub struct Held {
    pub issues: Vec<Issue>,
    /// The value without what is wrong with its shape, so that the rest can be looked at all the same.
    pub sound: Value,
}

impl Shape<'_> {
    /// Holds a value against the schema.
    pub fn hold(&self, value: &Value) -> Held {
        let mut issues = Vec::new();
        let sound = self.look(self.schema, value, "", 0, &mut issues).unwrap_or_else(|| self.blank(self.schema));
        Held { issues, sound }
    }

    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
        name.and_then(|name| self.components.get(name)).unwrap_or(schema)
    }

    /// The sound part of a value; nothing when it is wrong as a whole.
    fn look(&self, schema: &Value, value: &Value, at: &str, depth: usize, issues: &mut Vec<Issue>) -> Option<Value> {
        let schema = self.resolve(schema);
        let before = issues.len();
        if depth > DEPTH {
            issues.push(Issue::new(IssueKind::SchemaViolation, "body", at, format!("{} is nested more than {DEPTH} deep.", place(at))));
            return None;
        }
        if !of_type(schema, value) {
            let detail = if value.is_null() {
                format!("{} is null; leave out what has no value.", place(at))
            } else {
                format!("{} must be {}, not {}.", place(at), wanted(schema), type_of(value))
            };
            issues.push(shown(Issue::new(IssueKind::SchemaViolation, "body", at, detail), value));
            return None;
        }
        match value {
            Value::Object(map) => return Some(self.object(schema, map, at, depth, issues)),
            Value::Array(items) => {
                let sound: Vec<Value> = items
                    .iter()
                    .enumerate()
                    .filter_map(|(index, item)| {
                        let item_schema = schema.get("items").unwrap_or(&Value::Null);
                        let blank = || Some(self.blank(item_schema));
                        // An item that is wrong stays in its place, so that the places of those after it are true.
                        self.look(item_schema, item, &format!("{at}/{index}"), depth + 1, issues).or_else(blank)
                    })
                    .collect();
                self.list(schema, items, at, issues);
                return Some(sound.into());
            }
            Value::String(text) => self.text(schema, text, at, issues),
            Value::Number(_) => number(schema, value, at, issues),
            Value::Null | Value::Bool(_) => {}
        }
        (issues.len() == before).then(|| value.clone())
    }

    fn object(&self, schema: &Value, map: &Map<String, Value>, at: &str, depth: usize, issues: &mut Vec<Issue>) -> Value {
        let none = Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let free = schema.get("additionalProperties").filter(|schema| schema.is_object());
        let names = schema.pointer("/propertyNames/enum").and_then(Value::as_array);
        let mut sound = Map::new();
        for (name, value) in map {
            let here = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            if let Some(detail) = unfit_name(name) {
                issues.push(Issue::new(IssueKind::SchemaViolation, "body", here, detail));
                continue;
            }
            let inner = match (known.get(name), free) {
                (Some(inner), _) => inner,
                (None, Some(inner)) if names.is_none_or(|names| names.contains(&json!(name))) => inner,
                (None, free) => {
                    let all: Vec<&str> = match (free, names) {
                        (Some(_), Some(names)) => names.iter().filter_map(Value::as_str).collect(),
                        _ => known.keys().map(String::as_str).collect(),
                    };
                    let detail = format!("Unknown property '{}'. {}", quote(name), suggestion(name, all));
                    issues.push(Issue::new(IssueKind::UnknownInput, "body", here, detail));
                    continue;
                }
            };
            if let Some(value) = self.look(inner, value, &here, depth + 1, issues) {
                sound.insert(name.clone(), value);
            }
        }
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(name) {
                let here = format!("{at}/{name}");
                issues.push(Issue::new(IssueKind::SchemaViolation, "body", here.clone(), format!("'{here}' is missing.")));
            }
            if !sound.contains_key(name) {
                sound.insert(name.to_owned(), self.blank(known.get(name).unwrap_or(&Value::Null)));
            }
        }
        sound.into()
    }

    fn list(&self, schema: &Value, items: &[Value], at: &str, issues: &mut Vec<Issue>) {
        if let Some(most) = count(schema, "maxItems")
            && items.len() > most
        {
            let detail = format!("'{at}' has {} items; {most} is the limit.", items.len());
            issues.push(Issue::new(IssueKind::SchemaViolation, "body", at, detail));
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            for (index, item) in items.iter().enumerate().filter(|(index, item)| items[..*index].contains(item)) {
                let here = format!("{at}/{index}");
                let detail = format!("'{here}' stands in the list already; leave one.");
                issues.push(shown(Issue::new(IssueKind::SchemaViolation, "body", here, detail), item));
            }
        }
    }

    fn text(&self, schema: &Value, text: &str, at: &str, issues: &mut Vec<Issue>) {
        let mut fault = |detail: String| issues.push(Issue::new(IssueKind::SchemaViolation, "body", at, detail).value(text));
        if text.chars().any(|c| c.is_control() && c != '\n') {
            fault(format!("'{at}' has a control character; line breaks (\\n) are the only ones allowed."));
        }
        if let Some(codes) = schema.get("enum").and_then(Value::as_array) {
            if !codes.iter().any(|code| code == text) {
                let codes: Vec<&str> = codes.iter().filter_map(Value::as_str).collect();
                fault(format!("'{at}': there is no '{}'. {}", quote(text), suggestion(text, codes)));
            }
            return;
        }
        let length = text.chars().count();
        if let Some(most) = count(schema, "maxLength").filter(|most| length > *most) {
            fault(format!("'{at}' has {length} characters; {most} is the limit."));
        }
        if let Some(least) = count(schema, "minLength").filter(|least| length < *least) {
            fault(format!("'{at}' has {length} characters; it needs {least}."));
        }
    }

    /// Something that can be read as what the schema wants; that it stands there has been told as a fault.
    fn blank(&self, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => {
                let none = Map::new();
                let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
                let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
                required.map(|name| (name.to_owned(), self.blank(known.get(name).unwrap_or(&Value::Null)))).collect()
            }
            Some("array") => json!([]),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
            Some("boolean") => json!(false),
            _ => schema.pointer("/enum/0").cloned().unwrap_or_else(|| json!("")),
        }
    }
}

fn count(schema: &Value, name: &str) -> Option<usize> {
    schema.get(name).and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok())
}

fn place(at: &str) -> String {
    if at.is_empty() { "The body".to_owned() } else { format!("'{at}'") }
}

fn shown(issue: Issue, value: &Value) -> Issue {
    if value.is_object() || value.is_array() || value.is_null() { issue } else { issue.value(value.clone()) }
}

fn of_type(schema: &Value, value: &Value) -> bool {
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => !value.is_null(),
    }
}

fn wanted(schema: &Value) -> &'static str {
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => "an object",
        Some("array") => "a list",
        Some("integer") => "a whole number",
        Some("number") => "a number",
        Some("boolean") => "true or false",
        _ => "a text",
    }
}

fn number(schema: &Value, value: &Value, at: &str, issues: &mut Vec<Issue>) {
    let bound = |name: &str, other: i64| schema.get(name).and_then(Value::as_i64).unwrap_or(other);
    let (least, most) = (bound("minimum", i32::MIN.into()), bound("maximum", i32::MAX.into()));
    if value.as_i64().is_none_or(|number| !(least..=most).contains(&number)) {
        let detail = format!("'{at}' must be a whole number from {least} to {most}.");
        issues.push(Issue::new(IssueKind::SchemaViolation, "body", at, detail).value(value.clone()));
    }
}

/// Names are stored like texts.
fn unfit_name(name: &str) -> Option<String> {
    if name.chars().any(char::is_control) {
        return Some("The name of this property has a control character.".into());
    }
    (name.is_empty() || name.chars().count() > 200).then(|| "The name of a property has 1 to 200 characters.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_place_and_the_rest_stays() {
        let components =
            json!({"Text": {"type": "object", "additionalProperties": false, "properties": {"title": {"type": "string", "maxLength": 3}}}});
        let schema = json!({
            "type": "object", "required": ["kind", "number"], "additionalProperties": false,
            "properties": {
                "kind": {"type": "string", "enum": ["part", "step"]},
                "number": {"type": "integer", "minimum": 1, "maximum": 9},
                "themes": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
                "texts": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Text"}, "propertyNames": {"enum": ["fr", "nl"]}},
            }
        });
        let shape = Shape { schema: &schema, components: components.as_object().unwrap() };
        let body = json!({
            "kind": "prat", "themes": ["a", 7, "a"], "texts": {"fr": {"title": "abcd"}, "xx": {}, "nl": {"tilte": "a", "title": "a\u{0}"}}, "nubmer": 1
        });
        let Held { issues, sound } = shape.hold(&body);
        let names: Vec<&str> = issues.iter().map(|issue| issue.name.as_str()).collect();
        assert_eq!(
            names,
            ["/kind", "/themes/1", "/themes/2", "/texts/fr/title", "/texts/xx", "/texts/nl/tilte", "/texts/nl/title", "/nubmer", "/number"]
        );
        assert!(issues[7].detail.contains("Did you mean 'number'?"), "{}", issues[7].detail);
        assert_eq!(sound, json!({"themes": ["a", "", "a"], "texts": {"fr": {}, "nl": {}}, "kind": "part", "number": 1}));
        assert!(shape.hold(&json!({"kind": "part", "number": 3})).issues.is_empty());
        assert_eq!(shape.hold(&json!([])).issues[0].detail, "The body must be an object, not a list.");
        assert_eq!(shape.hold(&json!({"kind": "part", "number": 10})).issues.len(), 1);
        assert_eq!(shape.hold(&json!({"kind": null, "number": 1.5})).issues.len(), 2);
    }
}
