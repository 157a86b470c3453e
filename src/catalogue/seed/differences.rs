//! What differs, in plain words: a line for each property.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::quote;

/// Tells how `present` becomes `wanted`; `at` is the record and `place` where in it.
pub(super) fn compare(at: &str, place: &str, present: &Value, wanted: &Value, lines: &mut Vec<String>) {
    match (present, wanted) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => compare(at, &place, a, b, lines),
                    (Some(a), None) => lines.push(format!("{at}: {place}: {} is taken away", short(a))),
                    (None, Some(b)) => lines.push(format!("{at}: {place}: {} is added", short(b))),
                    (None, None) => {}
                }
            }
        }
        (a, b) if a == b => {}
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(at, &format!("{place}[{index}]"), a, b, lines);
            }
        }
        (a, b) => lines.push(format!("{at}: {place}: {} becomes {}", short(a), short(b))),
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    quote(&text)
}
