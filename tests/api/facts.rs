//! The facts of both pages of the publisher, one by one, found in the API's answers.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::support::{App, both};

both!(every_fact_is_told);

const FACTS: &str = include_str!("../fixtures/page-facts.json");

/// A fact: where it is asked for, at which place of the answer it stands, and what must stand there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    page: String,
    fact: String,
    get: String,
    /// A JSON pointer; `[key=value]` picks the members of an array that have this value, `[*]` is any of them.
    at: String,
    equals: Option<Value>,
    contains: Option<String>,
    count: Option<usize>,
}

/// All that stands at a place.
fn found<'a>(value: &'a Value, at: &str) -> Vec<&'a Value> {
    let Some(rest) = at.strip_prefix('/') else {
        assert!(at.is_empty(), "'{at}' is no place");
        return vec![value];
    };
    // A slash within brackets parts nothing.
    let end =
        if rest.starts_with('[') { rest.find(']').map(|end| end + 1).expect("a closing bracket") } else { rest.find('/').unwrap_or(rest.len()) };
    let (segment, rest) = rest.split_at(end);
    let members = || value.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let next: Vec<&Value> = match segment.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some("*") => members().collect(),
        Some(condition) => {
            let (key, wanted) = condition.split_once('=').expect("key=value");
            members()
                .filter(|member| {
                    member.get(key).is_some_and(|value| value.as_str().map_or_else(|| *value.to_string() == *wanted, |text| text == wanted))
                })
                .collect()
        }
        None => match value {
            Value::Array(items) => segment.parse::<usize>().ok().and_then(|index| items.get(index)).into_iter().collect(),
            other => other.get(segment).into_iter().collect(),
        },
    };
    next.into_iter().flat_map(|value| found(value, rest)).collect()
}

fn holds(fact: &Fact, there: &[&Value]) -> bool {
    let mut told = false;
    let mut all = true;
    if let Some(wanted) = &fact.equals {
        told = true;
        all &= there.contains(&wanted);
    }
    if let Some(wanted) = &fact.contains {
        told = true;
        all &= there.iter().any(|value| value.as_str().is_some_and(|text| text.to_lowercase().contains(&wanted.to_lowercase())));
    }
    if let Some(wanted) = fact.count {
        told = true;
        all &= there.iter().any(|value| value.as_array().is_some_and(|items| items.len() == wanted));
    }
    assert!(told, "'{}' says nothing that could be wrong", fact.fact);
    all
}

fn every_fact_is_told(app: App) {
    let facts: Vec<Fact> = serde_json::from_str(FACTS).expect("the facts");
    assert!(facts.len() > 100, "there were more facts");
    let mut answers: BTreeMap<&str, Value> = BTreeMap::new();
    let mut missing = Vec::new();
    for fact in &facts {
        let answer = answers.entry(&fact.get).or_insert_with(|| app.get(&fact.get).ok());
        let there = found(answer, &fact.at);
        if !holds(fact, &there) {
            let there: String = there.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
            missing.push(format!(
                "{}: {}\n    {} at {} has: {}",
                fact.page,
                fact.fact,
                fact.get,
                fact.at,
                there.chars().take(500).collect::<String>()
            ));
        }
    }
    assert!(missing.is_empty(), "{} of {} facts are not told:\n  {}", missing.len(), facts.len(), missing.join("\n  "));
}

#[test]
fn places() {
    let value = serde_json::json!({"items": [{"id": "a/b", "n": 1, "x": "one"}, {"id": "c", "n": 2, "x": "two"}]});
    let at = |at: &str| found(&value, at).into_iter().map(Value::to_string).collect::<Vec<_>>();
    assert_eq!(at("/items/1/x"), ["\"two\""]);
    assert_eq!(at("/items/[id=a/b]/x"), ["\"one\""]);
    assert_eq!(at("/items/[n=2]/x"), ["\"two\""]);
    assert_eq!(at("/items/[*]/n"), ["1", "2"]);
    assert_eq!(at("/items/2/x").len() + at("/nothing").len() + at("/items/[id=z]/x").len(), 0);
}
