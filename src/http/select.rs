//! `select=(id,title,editions(language))` (Belgif res-repres): which properties an answer keeps. What exists is read off the schema of the answer,
//! and what the schema calls required is always kept, so that the answer stays true to its schema.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayItems, Schema};
use utoipa::openapi::{Ref, RefOr};

use super::suggestion;
use crate::error::{Issue, IssueKind};

/// The longest `select`.
pub const MAX: usize = 1000;
const DEPTH: usize = 4;

/// The properties of a representation.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    properties: BTreeMap<String, Tree>,
    required: BTreeSet<String>,
}

/// What was picked: a property, and what within it (nothing said: all of it).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(BTreeMap<String, Option<Selection>>);

impl Tree {
    /// The properties of `T`, as its schema has them.
    pub fn of<T: ToSchema>() -> Self {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        let schemas: BTreeMap<String, RefOr<Schema>> = schemas.into_iter().collect();
        Self::read(&T::schema(), &schemas, DEPTH)
    }

    fn read(schema: &RefOr<Schema>, all: &BTreeMap<String, RefOr<Schema>>, depth: usize) -> Self {
        if depth == 0 {
            return Self::default();
        }
        match schema {
            RefOr::Ref(Ref { ref_location, .. }) => {
                let name = ref_location.rsplit('/').next().unwrap_or_default();
                all.get(name).map(|schema| Self::read(schema, all, depth)).unwrap_or_default()
            }
            RefOr::T(Schema::Object(object)) => Self {
                properties: object.properties.iter().map(|(name, schema)| (name.clone(), Self::read(schema, all, depth - 1))).collect(),
                required: object.required.iter().cloned().collect(),
            },
            RefOr::T(Schema::Array(array)) => match &array.items {
                ArrayItems::RefOrSchema(items) => Self::read(items, all, depth),
                _ => Self::default(),
            },
            RefOr::T(Schema::AllOf(parts)) => parts.items.iter().fold(Self::default(), |mut tree, part| {
                let part = Self::read(part, all, depth);
                tree.properties.extend(part.properties);
                tree.required.extend(part.required);
                tree
            }),
            RefOr::T(_) => Self::default(),
        }
    }

    /// The pattern of `select` for this representation, two levels deep.
    pub fn pattern(&self) -> String {
        let level = |tree: &Self| tree.properties.keys().cloned().collect::<Vec<_>>().join("|");
        let items: Vec<String> = self
            .properties
            .iter()
            .map(|(name, tree)| {
                if tree.properties.is_empty() {
                    name.clone()
                } else {
                    let inner = level(tree);
                    format!(r"{name}(\(({inner})(,({inner}))*\))?")
                }
            })
            .collect();
        let item = items.join("|");
        format!(r"^\(({item})(,({item}))*\)$")
    }

    /// Parses `(name,name(name,…),…)`.
    ///
    /// # Errors
    /// An issue for each unknown name, or one for the grammar.
    pub fn parse(&self, text: &str) -> Result<Selection, Vec<Issue>> {
        let grammar = |detail: String| vec![Issue::new(IssueKind::SchemaViolation, "query", "select", detail).value(text)];
        if text.len() > MAX {
            return Err(grammar(format!("'select' is longer than {MAX} characters, the limit.")));
        }
        let mut rest = text;
        let mut issues = Vec::new();
        let selection =
            self.level(&mut rest, text, &mut issues, 0).map_err(|what| grammar(format!("'select' {what}; write it as (id,title,themes(id)).")))?;
        if !rest.is_empty() {
            return Err(grammar("'select' goes on after its closing parenthesis; write it as (id,title,themes(id)).".into()));
        }
        if issues.is_empty() { Ok(selection) } else { Err(issues) }
    }

    fn level(&self, rest: &mut &str, whole: &str, issues: &mut Vec<Issue>, depth: usize) -> Result<Selection, &'static str> {
        *rest = rest.strip_prefix('(').ok_or("must start with '('")?;
        if depth > DEPTH {
            return Err("is nested too deeply");
        }
        let mut picked = Selection::default();
        loop {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                return Err("lacks a name");
            }
            *rest = after;
            let known = self.properties.get(name);
            if known.is_none() {
                let detail = format!(
                    "There is no property '{}' to select. {}",
                    crate::error::quote(name),
                    suggestion(name, self.properties.keys().map(String::as_str))
                );
                issues.push(Issue::new(IssueKind::SchemaViolation, "query", "select", detail).value(whole));
            }
            let empty = Self::default();
            let inner = if rest.starts_with('(') {
                let opens = known.filter(|tree| !tree.properties.is_empty());
                if known.is_some() && opens.is_none() {
                    let detail = format!("'{name}' can only be selected whole; write it without parentheses behind it.");
                    issues.push(Issue::new(IssueKind::SchemaViolation, "query", "select", detail).value(whole));
                }
                // Below a name that does not open nothing more can be said.
                let mut silent = Vec::new();
                let sink = if opens.is_some() { &mut *issues } else { &mut silent };
                Some(opens.unwrap_or(&empty).level(rest, whole, sink, depth + 1)?)
            } else {
                None
            };
            picked.0.insert(name.to_owned(), inner);
            match rest.chars().next() {
                Some(',') => *rest = &rest[1..],
                Some(')') => {
                    *rest = &rest[1..];
                    return Ok(picked);
                }
                _ => return Err("lacks its closing parenthesis"),
            }
        }
    }

    /// Takes from `value` all that was not picked and is not required.
    pub fn keep(&self, selection: &Selection, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.keep(selection, item)),
            Value::Object(map) => {
                map.retain(|name, _| selection.0.contains_key(name) || self.required.contains(name));
                for (name, inner) in &selection.0 {
                    if let (Some(inner), Some(tree), Some(value)) = (inner, self.properties.get(name), map.get_mut(name)) {
                        tree.keep(inner, value);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Inner {
        href: String,
        code: Option<String>,
        name: Option<String>,
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Outer {
        id: String,
        title: Option<String>,
        items: Option<Vec<Inner>>,
    }

    #[test]
    fn picks_and_keeps_what_is_required() {
        let tree = Tree::of::<Outer>();
        let selection = tree.parse("(items(code))").unwrap();
        let mut value = json!({"id": "a", "title": "t", "items": [{"href": "h", "code": "c", "name": "n"}]});
        tree.keep(&selection, &mut value);
        assert_eq!(value, json!({"id": "a", "items": [{"href": "h", "code": "c"}]}));
    }

    #[test]
    fn says_what_is_wrong() {
        let tree = Tree::of::<Outer>();
        let issues = tree.parse("(tilte,items(cod,nam))").unwrap_err();
        assert_eq!(issues.len(), 3, "{issues:#?}");
        assert!(issues[0].detail.contains("Did you mean 'title'?"));
        let issues = tree.parse("(items(code(x,y)),id(z),nothing)").unwrap_err();
        let details: Vec<&str> = issues.iter().map(|issue| issue.detail.as_str()).collect();
        assert!(details[0].starts_with("'code' can only be selected whole") && details[1].starts_with("'id' can"), "{details:?}");
        assert_eq!(details.len(), 3);
        for bad in ["", "id", "(", "()", "(id", "(id,)", "(id)x", "(id(x))", "((((((("] {
            assert!(tree.parse(bad).is_err(), "{bad}");
        }
    }
}
