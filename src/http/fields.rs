//! Reading a JSON object property by property. Every fault is collected, with the JSON pointer of its place; what was not asked for is unknown.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::suggestion;
use crate::error::{Issue, IssueKind, quote};

/// The faults of a body, as they are found.
#[derive(Debug, Default)]
pub struct Faults(RefCell<Vec<Issue>>);

impl Faults {
    /// Notes one.
    pub fn add(&self, issue: Issue) {
        self.0.borrow_mut().push(issue);
    }

    /// All of them.
    pub fn into_issues(self) -> Vec<Issue> {
        self.0.into_inner()
    }
}

/// The properties of an object of the body.
///
/// Accessors answer nothing both for what is absent and for what is wrong; [`Fields::require`] tells what must not be absent.
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    at: String,
    faults: &'a Faults,
    personal: bool,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// The object that the whole body must be.
    pub fn root(value: &'a Value, faults: &'a Faults) -> Option<Self> {
        Self::of(value, String::new(), faults, false)
    }

    fn of(value: &'a Value, at: String, faults: &'a Faults, personal: bool) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, at, faults, personal, known: RefCell::default() }),
            other => {
                let place = if at.is_empty() { "The body".to_owned() } else { format!("'{at}'") };
                faults.add(Issue::new(IssueKind::SchemaViolation, "body", at, format!("{place} must be an object, not {}.", type_of(other))));
                None
            }
        }
    }

    /// From here on no value is quoted in a problem, because it may be of a person.
    #[must_use]
    pub fn personal(mut self) -> Self {
        self.personal = true;
        self
    }

    /// The JSON pointer of the object.
    pub fn place(&self) -> &str {
        &self.at
    }

    /// The JSON pointer (RFC 6901) of a property.
    pub fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"))
    }

    /// Notes a fault of a property.
    pub fn fault(&self, kind: IssueKind, name: &str, detail: impl Into<String>) {
        let issue = Issue::new(kind, "body", self.pointer(name), detail);
        let scalar = self.map.get(name).filter(|value| !value.is_object() && !value.is_array() && !value.is_null());
        self.faults.add(match scalar {
            Some(value) if !self.personal => issue.value(value.clone()),
            _ => issue,
        });
    }

    /// Whether a property stands there, right or wrong.
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Notes a fault of the object itself; `detail` goes on after its pointer.
    pub fn fault_here(&self, detail: &str) {
        self.faults.add(Issue::new(IssueKind::SchemaViolation, "body", self.at.clone(), format!("'{}' {detail}", self.at)));
    }

    /// Notes each of `names` that is absent.
    pub fn require(&self, names: &[&'static str]) {
        for name in names {
            self.known.borrow_mut().push(name);
            if !self.map.contains_key(*name) {
                self.fault(IssueKind::SchemaViolation, name, format!("'{}' is missing.", self.pointer(name)));
            }
        }
    }

    fn value(&self, name: &'static str) -> Option<&'a Value> {
        self.known.borrow_mut().push(name);
        let value = self.map.get(name)?;
        if value.is_null() {
            self.fault(IssueKind::SchemaViolation, name, format!("'{}' is null; leave out what has no value.", self.pointer(name)));
            return None;
        }
        Some(value)
    }

    fn wrong_type(&self, name: &str, wanted: &str, found: &Value) {
        self.fault(IssueKind::SchemaViolation, name, format!("'{}' must be {wanted}, not {}.", self.pointer(name), type_of(found)));
    }

    /// A text that `check` accepts; `check` says what would be right.
    pub fn text(&self, name: &'static str, check: impl FnOnce(&str) -> Result<(), String>) -> Option<&'a str> {
        let value = self.value(name)?;
        let Value::String(text) = value else {
            self.wrong_type(name, "a text", value);
            return None;
        };
        match check(text) {
            Ok(()) => Some(text),
            Err(wanted) => {
                self.fault(IssueKind::SchemaViolation, name, format!("'{}' must be {wanted}.", self.pointer(name)));
                None
            }
        }
    }

    /// A list of different texts, so many of them, each of which `check` accepts; `check` says what is wrong with one.
    pub fn texts(&self, name: &'static str, bounds: RangeInclusive<usize>, check: impl Fn(&str) -> Result<(), String>) -> Option<Vec<&'a str>> {
        let items = self.list(name, bounds)?;
        let at = self.pointer(name);
        let fault = |index: usize, detail: String| {
            self.faults.add(Issue::new(IssueKind::SchemaViolation, "body", format!("{at}/{index}"), format!("'{at}/{index}' {detail}")));
        };
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.as_str() {
                None => fault(index, format!("must be a text, not {}.", type_of(item))),
                Some(text) => match check(text) {
                    Ok(()) => texts.push(text),
                    Err(wrong) => fault(index, wrong),
                },
            }
        }
        (texts.len() == items.len()).then_some(texts)
    }

    /// One of `codes`.
    pub fn code(&self, name: &'static str, codes: &[&'static str]) -> Option<&'static str> {
        let value = self.value(name)?;
        let Value::String(text) = value else {
            self.wrong_type(name, "a text", value);
            return None;
        };
        let found = codes.iter().find(|code| *code == text).copied();
        if found.is_none() {
            let place = self.pointer(name);
            let detail = if self.personal {
                format!("'{place}' is not one of the codes of the list.")
            } else {
                format!("'{place}': there is no '{}'. {}", quote(text), suggestion(text, codes.iter().copied()))
            };
            self.fault(IssueKind::SchemaViolation, name, detail);
        }
        found
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &'static str) -> Option<bool> {
        let value = self.value(name)?;
        if value.as_bool().is_none() {
            self.wrong_type(name, "true or false", value);
        }
        value.as_bool()
    }

    /// An object within this one.
    pub fn object(&self, name: &'static str) -> Option<Fields<'a>> {
        let value = self.value(name)?;
        Self::of(value, self.pointer(name), self.faults, self.personal)
    }

    /// A list of different objects, so many of them.
    pub fn objects(&self, name: &'static str, bounds: RangeInclusive<usize>) -> Option<Vec<Fields<'a>>> {
        let items = self.list(name, bounds)?;
        let at = self.pointer(name);
        Some(items.iter().enumerate().filter_map(|(index, item)| Self::of(item, format!("{at}/{index}"), self.faults, self.personal)).collect())
    }

    /// A list of different things, so many of them.
    fn list(&self, name: &'static str, bounds: RangeInclusive<usize>) -> Option<&'a [Value]> {
        let value = self.value(name)?;
        let Value::Array(items) = value else {
            self.wrong_type(name, "a list", value);
            return None;
        };
        let at = self.pointer(name);
        if !bounds.contains(&items.len()) {
            let wanted = format!("'{at}' must have {} to {} items, not {}.", bounds.start(), bounds.end(), items.len());
            self.fault(IssueKind::SchemaViolation, name, wanted);
            return None;
        }
        for (index, item) in items.iter().enumerate() {
            if items[..index].contains(item) {
                let detail = format!("'{at}/{index}' stands in the list already; leave one.");
                self.faults.add(Issue::new(IssueKind::SchemaViolation, "body", format!("{at}/{index}"), detail));
            }
        }
        Some(items)
    }

    /// Notes each property that nobody asked for.
    pub fn finish(self) {
        let known = self.known.borrow();
        for name in self.map.keys().filter(|name| !known.contains(&name.as_str())) {
            let mut names: Vec<&str> = Vec::new();
            for name in known.iter() {
                if !names.contains(name) {
                    names.push(name);
                }
            }
            let detail = format!("Unknown property '{}'. {}", quote(name), suggestion(name, names));
            self.faults.add(Issue::new(IssueKind::UnknownInput, "body", self.pointer(name), detail));
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_fault_has_its_place() {
        let body = json!({
            "list": [{"code": "a"}, {"code": "a"}, {"code": "z"}, 3],
            "person": {"name": 7, "nmae": "x", "given": "yes"},
            "absent": null, "a/b": 1,
        });
        let faults = Faults::default();
        let fields = Fields::root(&body, &faults).unwrap();
        fields.require(&["needed"]);
        for item in fields.objects("list", 1..=20).unwrap() {
            item.code("code", &["a", "b"]);
            item.finish();
        }
        let person = fields.object("person").unwrap().personal();
        assert_eq!(person.text("name", |_| Ok(())), None);
        assert_eq!(person.flag("given"), None);
        person.finish();
        assert!(fields.object("absent").is_none());
        fields.finish();

        let issues = faults.into_issues();
        let names: Vec<_> = issues.iter().map(|issue| issue.name.as_str()).collect();
        assert_eq!(names, ["/needed", "/list/1", "/list/3", "/list/2/code", "/person/name", "/person/given", "/person/nmae", "/absent", "/a~1b"]);
        assert!(issues.iter().filter(|issue| issue.name.starts_with("/person")).all(|issue| issue.value.is_none()), "{issues:#?}");
        assert!(issues.iter().any(|issue| issue.detail.contains("Did you mean 'name'?")));
    }

    #[test]
    fn a_body_is_an_object() {
        let faults = Faults::default();
        assert!(Fields::root(&json!([]), &faults).is_none());
        assert_eq!(faults.into_issues()[0].detail, "The body must be an object, not a list.");
    }
}
