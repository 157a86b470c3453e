//! Changes of JSON: merge patches as editors send them (RFC 7396), and JSON Patch, as histories tell what changed (RFC 6902).

use serde_json::{Map, Value, json};

/// Applies a merge patch: null takes a property away.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Map::new().into();
    }
    let Value::Object(map) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            map.shift_remove(name);
        } else {
            merge(map.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The operations that make `after` of `before`.
pub fn diff(before: &Value, after: &Value) -> Vec<Value> {
    let mut operations = Vec::new();
    compare("", before, after, &mut operations);
    operations
}

fn compare(at: &str, before: &Value, after: &Value, operations: &mut Vec<Value>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            let place = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                operations.push(json!({"op": "remove", "path": place(name)}));
            }
            for (name, value) in new {
                match old.get(name) {
                    Some(present) => compare(&place(name), present, value, operations),
                    None => operations.push(json!({"op": "add", "path": place(name), "value": value})),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => lists(at, old, new, operations),
        _ => operations.push(json!({"op": "replace", "path": at, "value": after})),
    }
}

/// What is the same at both ends stays; between them items are changed in place, then taken away from the end, or added.
fn lists(at: &str, old: &[Value], new: &[Value], operations: &mut Vec<Value>) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (gone, come) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    for (index, (a, b)) in gone.iter().zip(come).enumerate() {
        compare(&format!("{at}/{}", head + index), a, b, operations);
    }
    for index in (come.len()..gone.len()).rev() {
        operations.push(json!({"op": "remove", "path": format!("{at}/{}", head + index)}));
    }
    for (index, value) in come.iter().enumerate().skip(gone.len()) {
        operations.push(json!({"op": "add", "path": format!("{at}/{}", head + index), "value": value}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_7396() {
        for (target, patch, wanted) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
        ] {
            let mut target = target;
            merge(&mut target, &patch);
            assert_eq!(target, wanted);
        }
    }

    #[test]
    fn differences() {
        let paths = |a: Value, b: Value| -> Vec<String> {
            diff(&a, &b).iter().map(|one| format!("{} {}", one["op"].as_str().unwrap(), one["path"].as_str().unwrap())).collect()
        };
        assert!(paths(json!({"a": 1}), json!({"a": 1})).is_empty());
        assert_eq!(paths(json!({"a": 1, "b": {"c/d": 1}}), json!({"b": {"c/d": 2}, "e": 3})), ["remove /a", "replace /b/c~1d", "add /e"]);
        assert_eq!(paths(json!([1, 2, 3]), json!([1, 3])), ["remove /1"]);
        assert_eq!(paths(json!([1, 3]), json!([1, 2, 3])), ["add /1"]);
        assert_eq!(paths(json!([{"a": 1}, 2, 3, 4]), json!([{"a": 2}, 5])), ["replace /0/a", "replace /1", "remove /3", "remove /2"]);
    }
}
