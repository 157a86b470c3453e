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
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() && a.iter().zip(b).all(|(a, b)| name_of(a) == name_of(b)) => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(at, &format!("{place}[{index}]"), a, b, lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if named(a) && named(b) => {
            let find = |all: &'_ [Value], name: &str| all.iter().find(|one| name_of(one) == Some(name)).cloned();
            let names: BTreeSet<&str> = a.iter().chain(b).filter_map(name_of).collect();
            let common = |all: &'_ [Value], others: &'_ [Value]| -> Vec<String> {
                let in_both = |name: &&str| others.iter().any(|other| name_of(other) == Some(*name));
                all.iter().filter_map(name_of).filter(in_both).map(str::to_owned).collect()
            };
            if common(a, b) != common(b, a) {
                lines.push(format!("{at}: {place}: they are in another order"));
            }
            for name in names {
                let place = format!("{place}.{name}");
                match (find(a, name), find(b, name)) {
                    (Some(a), Some(b)) => compare(at, &place, &a, &b, lines),
                    (Some(a), None) => lines.push(format!("{at}: {place}: {} is taken away", short(&a))),
                    (None, Some(b)) => lines.push(format!("{at}: {place}: {} is added", short(&b))),
                    (None, None) => {}
                }
            }
        }
        (a, b) => lines.push(format!("{at}: {place}: {} becomes {}", short(a), short(b))),
    }
}

/// What things in a list are known by: editions by their language, figures by their key.
fn name_of(value: &Value) -> Option<&str> {
    ["language", "key"].iter().find_map(|name| value.get(name)?.as_str())
}

fn named(list: &[Value]) -> bool {
    let names: BTreeSet<&str> = list.iter().filter_map(name_of).collect();
    names.len() == list.len()
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    quote(&text)
}
