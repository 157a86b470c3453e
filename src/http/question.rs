//! A noun *declares* its question once. From the declaration come the parser with its complaints, the OpenAPI parameters and the canonical form that links, cursors and caches use.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::HttpRequest;
use chrono::NaiveDate;
use serde_json::json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Required};

use super::select::Tree;
use super::{SLUG_MAX, SLUG_PATTERN, is_slug, suggestion};
use crate::db::types::{parse_rfc3339, rfc3339};
use crate::error::{Error, Issue, IssueKind};

/// What a parameter's value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An id.
    Slug,
    /// One of these codes.
    Code(&'static [&'static str]),
    /// One of these properties, `-` before it for descending.
    Sort(&'static [&'static str]),
    /// A whole number within bounds.
    Integer { min: i64, max: i64 },
    /// A full date, `2022-11-15`.
    Date,
    /// An instant of RFC 3339.
    Instant,
    /// A revision, an instant or a full date.
    Moment,
    /// Words to search for, at most so many characters.
    Words(usize),
    /// `true` or `false`.
    Flag,
    /// An opaque cursor of ours.
    Cursor,
    /// `select=(…)`; checked by [`super::select`].
    Select,
}

/// A query parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    pub kind: Kind,
    /// May stand several times: then any of the values will do.
    pub repeated: bool,
    pub doc: &'static str,
    pub example: &'static str,
}

impl Param {
    /// A parameter that stands once.
    pub const fn one(name: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Self {
        Self { name, kind, repeated: false, doc, example }
    }

    /// A parameter that may stand several times.
    pub const fn many(name: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Self {
        Self { name, kind, repeated: true, doc, example }
    }
}

/// How often a repeated parameter may stand.
pub const MAX_REPEATS: usize = 20;
/// The largest page.
pub const MAX_PAGE_SIZE: i64 = 100;
/// The page when nothing is said.
pub const DEFAULT_PAGE_SIZE: i64 = 20;

const MOMENT_PATTERN: &str = "^([1-9][0-9]{0,17}|[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9:.]{5,18}([Zz]|[+-][0-9]{2}:[0-9]{2}))?)$";
const CURSOR_PATTERN: &str = "^[A-Za-z0-9_-]{16,1000}$";
/// Not blank, no control characters: says in a pattern what `check` and the forms do.
pub const WORDS_PATTERN: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000-\u001f\u007f-\u009f]*$";

/// The question an operation understands: its parameters, and beyond them whatever the noun adds.
pub struct Declaration {
    pub params: Vec<Param>,
    /// Default order, with `-` for descending; ends, unsaid, in a unique key.
    pub default_sort: &'static [&'static str],
    /// The properties that `select` may name, read off the schema of the answer.
    pub select: Option<Tree>,
}

impl Declaration {
    fn find(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|param| param.name == name)
    }

    /// Parses a raw query string, collecting every fault.
    ///
    /// # Errors
    /// One issue per fault.
    pub fn parse(&self, raw: &str) -> Result<Question, Vec<Issue>> {
        let mut issues = Vec::new();
        let mut values: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        if let Some(fault) = malformed(raw) {
            issues.push(fault);
        }
        let mut told = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            let Some(index) = self.find(&name) else {
                if !told.contains(&name) {
                    let detail =
                        format!("Unknown parameter '{}'. {}", crate::error::quote(&name), suggestion(&name, self.params.iter().map(|p| p.name)));
                    issues.push(Issue::new(IssueKind::UnknownInput, "query", name.as_ref(), detail).value(value.as_ref()));
                    told.push(name);
                }
                continue;
            };
            let param = &self.params[index];
            let given = values.entry(index).or_default();
            let fault = |kind, detail: String| Issue::new(kind, "query", param.name, detail).value(value.as_ref());
            if let (Kind::Select, Some(tree)) = (param.kind, &self.select)
                && let Err(faults) = tree.parse(&value)
            {
                issues.extend(faults);
                continue;
            }
            match check(param.kind, &value) {
                Err(detail) => issues.push(fault(IssueKind::SchemaViolation, format!("'{}': {detail}", param.name))),
                Ok(clean) if given.contains(&clean) && param.repeated => {
                    issues.push(fault(
                        IssueKind::SchemaViolation,
                        format!("'{}' has the value '{}' twice; give each value once.", param.name, crate::error::quote(&clean)),
                    ));
                }
                Ok(_) if !param.repeated && !given.is_empty() => {
                    issues
                        .push(fault(IssueKind::SchemaViolation, format!("'{}' stands more than once, and takes one value; leave one.", param.name)));
                }
                Ok(_) if given.len() >= MAX_REPEATS => {
                    if given.len() == MAX_REPEATS {
                        issues.push(fault(IssueKind::SchemaViolation, format!("'{}' stands more than {MAX_REPEATS} times, the limit.", param.name)));
                        given.push(String::new());
                    }
                }
                Ok(clean) => given.push(clean),
            }
        }
        issues.extend(self.backwards(&values));
        if !issues.is_empty() {
            return Err(issues);
        }
        let mut question = Question::default();
        for (index, mut given) in values {
            let param = &self.params[index];
            // The order of alternatives means nothing; the order of sort keys does.
            if !matches!(param.kind, Kind::Sort(_)) {
                given.sort_unstable();
            }
            question.values.insert(index, (param.name, given));
        }
        Ok(question)
    }

    /// The names of the filters by id, each of which is that of the kind of record it refers to.
    pub fn references(&self) -> impl Iterator<Item = &'static str> {
        self.params.iter().filter(|param| matches!(param.kind, Kind::Slug)).map(|param| param.name)
    }

    /// A period that ends before it begins: nothing could ever be in it, so it is a slip.
    fn backwards(&self, values: &BTreeMap<usize, Vec<String>>) -> Option<Issue> {
        let day = |name| {
            let index = self.find(name).filter(|index| matches!(self.params[*index].kind, Kind::Date))?;
            values.get(&index)?.first()
        };
        // Days are ten characters, so that text order is the order of time.
        let (from, to) = (day("from")?, day("to")?);
        (from > to).then(|| {
            let detail = format!("'from' is {from} and 'to' is {to}: the period ends before it begins. Exchange them, or leave one out.");
            Issue::new(IssueKind::InvalidInput, "query", "to", detail).value(to.as_str())
        })
    }

    /// The faults of a request's query alone, to be told with those of its path.
    pub fn faults(&self, request: &HttpRequest) -> Vec<Issue> {
        self.parse(request.query_string()).err().unwrap_or_default()
    }

    /// The parameters as OpenAPI tells them.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.params.iter().map(|param| self.parameter(param)).collect()
    }

    fn parameter(&self, param: &Param) -> Parameter {
        let item = self.schema(param);
        let example = match param.kind {
            Kind::Integer { .. } => json!(param.example.parse::<i64>().unwrap_or_default()),
            Kind::Flag => json!(param.example == "true"),
            _ => json!(param.example),
        };
        let builder =
            ParameterBuilder::new().name(param.name).parameter_in(ParameterIn::Query).required(Required::False).description(Some(param.doc));
        if param.repeated {
            let array = ArrayBuilder::new().items(item).unique_items(true).min_items(Some(1)).max_items(Some(MAX_REPEATS)).build();
            builder.style(Some(ParameterStyle::Form)).explode(Some(true)).schema(Some(array)).example(Some(json!([example]))).build()
        } else if matches!(param.kind, Kind::Cursor) {
            // No example: a cursor is only good with the question it came with.
            builder.schema(Some(item)).build()
        } else {
            builder.schema(Some(item)).example(Some(example)).build()
        }
    }

    fn schema(&self, param: &Param) -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
        let object = match param.kind {
            Kind::Slug => text().pattern(Some(SLUG_PATTERN)).min_length(Some(1)).max_length(Some(SLUG_MAX)),
            Kind::Code(codes) => text().enum_values(Some(codes.iter().copied())),
            Kind::Sort(names) => text().enum_values(Some(names.iter().flat_map(|name| [(*name).to_owned(), format!("-{name}")]))),
            Kind::Integer { min, max } => {
                let number = ObjectBuilder::new()
                    .schema_type(SchemaType::new(Type::Integer))
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
                    .minimum(Some(min))
                    .maximum(Some(max));
                if param.name == "pageSize" { number.default(Some(json!(DEFAULT_PAGE_SIZE))) } else { number }
            }
            Kind::Date => text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).min_length(Some(10)).max_length(Some(10)),
            Kind::Instant => text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).max_length(Some(40)),
            Kind::Moment => text().pattern(Some(MOMENT_PATTERN)).min_length(Some(1)).max_length(Some(40)),
            Kind::Words(max) => text().pattern(Some(WORDS_PATTERN)).min_length(Some(1)).max_length(Some(max)),
            Kind::Flag => ObjectBuilder::new().schema_type(SchemaType::new(Type::Boolean)),
            Kind::Cursor => text().pattern(Some(CURSOR_PATTERN)).min_length(Some(16)).max_length(Some(1000)),
            Kind::Select => text().pattern(self.select.as_ref().map(Tree::pattern)).max_length(Some(super::select::MAX)),
        };
        RefOr::T(Schema::Object(object.build()))
    }
}

/// Percent-encoding that is broken or not UTF-8 would be replaced in silence by the decoder, so it is looked for first.
fn malformed(raw: &str) -> Option<Issue> {
    let bytes = raw.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
            let Some(byte) = hex else {
                return Some(Issue::new(
                    IssueKind::SchemaViolation,
                    "query",
                    "",
                    "The query has a '%' that is not followed by two hexadecimal digits; write a literal percent sign as %25.",
                ));
            };
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    std::str::from_utf8(&decoded).err().map(|_| {
        Issue::new(IssueKind::SchemaViolation, "query", "", "The query is not UTF-8 once its percent-encoding is undone; encode text as UTF-8.")
    })
}

/// The value in its one spelling, or what would be right.
fn check(kind: Kind, value: &str) -> Result<String, String> {
    let clean = match kind {
        Kind::Slug => is_slug(value)
            .then(|| value.to_owned())
            .ok_or("an id is lower-case letters and digits in groups joined by single hyphens, at most 80 characters.")?,
        Kind::Code(codes) => {
            if !codes.contains(&value) {
                return Err(format!("there is no '{}'. {}", crate::error::quote(value), suggestion(value, codes.iter().copied())));
            }
            value.to_owned()
        }
        Kind::Sort(names) => {
            let name = value.strip_prefix('-').unwrap_or(value);
            if !names.contains(&name) {
                return Err(format!("cannot sort by '{}'. {}", crate::error::quote(name), suggestion(name, names.iter().copied())));
            }
            value.to_owned()
        }
        Kind::Integer { min, max } => {
            let plain = value.strip_prefix('-').unwrap_or(value);
            let digits = !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit()) && (plain.len() == 1 || !plain.starts_with('0'));
            let number = digits.then(|| value.parse::<i64>().ok()).flatten().filter(|n| (min..=max).contains(n));
            number.map(|n| n.to_string()).ok_or_else(|| format!("it must be a whole number from {min} to {max}."))?
        }
        Kind::Date => {
            let strict = value.len() == 10 && value.is_ascii();
            let day = strict.then(|| NaiveDate::parse_from_str(value, "%Y-%m-%d").ok()).flatten();
            day.map(|d| d.format("%Y-%m-%d").to_string()).ok_or("it must be a day of the calendar such as 2022-11-15.")?
        }
        Kind::Instant => parse_rfc3339(value)
            .filter(|at| (1900..=9999).contains(&chrono::Datelike::year(at)) || (0..1900).contains(&chrono::Datelike::year(at)))
            .map(rfc3339)
            .ok_or("it must be an instant of RFC 3339 such as 2024-05-02T00:00:00Z (write '+' as %2B).")?,
        Kind::Moment => {
            let number = !value.is_empty() && value.len() <= 18 && value.bytes().all(|b| b.is_ascii_digit()) && !value.starts_with('0');
            let known = if number { Some(value.to_owned()) } else { check(Kind::Date, value).or_else(|_| check(Kind::Instant, value)).ok() };
            known.ok_or("it must be a revision such as 12, an instant such as 2026-11-01T08:00:00Z or a day such as 2026-11-01.")?
        }
        Kind::Words(max) => {
            if value.trim().is_empty() || value.chars().any(char::is_control) || value.chars().count() > max {
                return Err(format!("it must be 1 to {max} characters, not all white space, without control characters."));
            }
            value.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        Kind::Flag => match value {
            "true" | "false" => value.to_owned(),
            _ => return Err("it must be true or false.".into()),
        },
        Kind::Cursor => {
            let ok = (16..=1000).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            ok.then(|| value.to_owned())
                .ok_or("this is no cursor; take it from an answer (its 'next' link, or its 'cursor' where it has one), unchanged.")?
        }
        Kind::Select => value.to_owned(),
    };
    Ok(clean)
}

/// What was asked, every value checked and in its one spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    values: BTreeMap<usize, (&'static str, Vec<String>)>,
}

impl Question {
    /// All values of a repeated parameter; empty when it was not given.
    pub fn all(&self, name: &str) -> &[String] {
        self.values.values().find(|(n, _)| *n == name).map_or(&[], |(_, values)| values)
    }

    /// The value of a parameter that stands once.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// Puts other values in the place of those that a parameter was given.
    pub fn replace(&mut self, name: &str, values: Vec<String>) {
        if let Some((_, given)) = self.values.values_mut().find(|(n, _)| *n == name) {
            *given = values;
        }
    }

    /// The values of an integer parameter.
    pub fn integers(&self, name: &str) -> Vec<i32> {
        self.all(name).iter().filter_map(|value| value.parse().ok()).collect()
    }

    /// How many items a page has.
    pub fn page_size(&self) -> i64 {
        self.one("pageSize").and_then(|value| value.parse().ok()).unwrap_or(DEFAULT_PAGE_SIZE)
    }

    /// The question in its one spelling, without the parameters in `without`: equal questions are equal strings.
    pub fn canonical(&self, without: &[&str]) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (name, values) in self.values.values() {
            if !without.contains(name) {
                for value in values {
                    out.append_pair(name, value);
                }
            }
        }
        out.finish()
    }
}

/// Refuses any query parameter.
///
/// # Errors
/// 400 with an issue for each.
pub fn no_question(request: &HttpRequest) -> Result<(), Error> {
    static NOTHING: LazyLock<Declaration> = LazyLock::new(|| Declaration { params: Vec::new(), default_sort: &[], select: None });
    NOTHING.parse(request.query_string()).map(|_| ()).map_err(Error::bad_request)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declaration() -> Declaration {
        Declaration {
            params: vec![
                Param::many("language", Kind::Code(&["fr", "nl"]), "", "fr"),
                Param::one("pageSize", Kind::Integer { min: 1, max: 100 }, "", "20"),
                Param::one("q", Kind::Words(20), "", "x"),
            ],
            default_sort: &[],
            select: None,
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let issues = declaration().parse("langage=fr&pageSize=0&pageSize=5&q=%00&language=fr&language=fr").unwrap_err();
        assert_eq!(issues.len(), 4, "{issues:#?}");
        assert!(issues[0].detail.contains("Did you mean 'language'?"));
    }

    #[test]
    fn one_spelling() {
        let declaration = declaration();
        let a = declaration.parse("pageSize=5&language=nl&language=fr").unwrap();
        let b = declaration.parse("language=fr&language=nl&pageSize=5").unwrap();
        assert_eq!(a.canonical(&[]), b.canonical(&[]));
        assert_eq!(a.canonical(&["pageSize"]), "language=fr&language=nl");
    }

    #[test]
    fn broken_encoding_is_not_replaced_in_silence() {
        assert!(declaration().parse("q=%zz").is_err());
        assert!(declaration().parse("q=%ff").is_err());
        assert!(declaration().parse("q=%c3%a9").is_ok());
    }
}
