//! Reading a JSON body: its size, its type, its encoding, and the faults that serde forgives in silence (a key that stands twice).

use std::cell::RefCell;
use std::fmt;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::MAX_BODY;
use crate::error::{Code, Error, Issue, IssueKind};

/// Reads a body of `application/json` as a tree.
///
/// # Errors
/// 415, 413, or 400 with what is wrong and where.
pub async fn read_json(request: &HttpRequest, payload: web::Payload) -> Result<Value, Error> {
    read_json_of(request, payload, &["application/json"], MAX_BODY).await
}

/// The same for other media types (all of them JSON) and sizes.
///
/// # Errors
/// The same.
pub async fn read_json_of(request: &HttpRequest, payload: web::Payload, types: &[&str], limit: usize) -> Result<Value, Error> {
    check_type(request, types)?;
    parse(&read_bytes(request, payload, limit).await?)
}

/// Reads a body whole, up to a size.
///
/// # Errors
/// 413; 400 when it ends before it is complete.
pub async fn read_bytes(request: &HttpRequest, mut payload: web::Payload, limit: usize) -> Result<Vec<u8>, Error> {
    let too_large = || Error::problem(Code::PayloadTooLarge, format!("The body is larger than {limit} bytes.")).with("limit", limit);
    let declared = request.headers().get("content-length").and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| fault("", "The body ended before it was complete.".into()))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn check_type(request: &HttpRequest, types: &[&str]) -> Result<(), Error> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    // The grammar allows blanks before a semicolon (RFC 9110 section 8.3.1), the parser does not.
    let tidy = given.map(|text| text.split(';').map(str::trim).collect::<Vec<_>>().join(";"));
    let mime = tidy.and_then(|text| text.parse::<mime::Mime>().ok());
    let json = mime.is_some_and(|mime| types.contains(&mime.essence_str()) && mime.get_param("charset").is_none_or(|charset| charset == "utf-8"));
    if json {
        return Ok(());
    }
    let wanted = types.join(" or ");
    let detail = match given {
        None => format!("The request has no Content-Type; send {wanted}."),
        Some(text) => format!("'{}' is not read here; send {wanted}, in UTF-8.", crate::error::quote(text)),
    };
    Err(Error::problem(Code::UnsupportedMediaType, detail))
}

fn fault(name: &str, detail: String) -> Error {
    Error::bad_request(vec![Issue::new(IssueKind::SchemaViolation, "body", name, detail)])
}

/// Parses bytes as JSON, refusing a key that stands twice in an object.
///
/// # Errors
/// 400 with the line and column, or one issue for each repeated key.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.is_empty() {
        return Err(fault("", "The body is empty; a JSON object is expected.".into()));
    }
    if std::str::from_utf8(bytes).is_err() {
        return Err(fault("", "The body is not UTF-8.".into()));
    }
    let repeated = RefCell::new(Vec::new());
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { at: String::new(), repeated: &repeated }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|e| fault("", format!("The body is not JSON: {e}.")))?;
    let repeated = repeated.into_inner();
    if repeated.is_empty() {
        return Ok(value);
    }
    Err(Error::bad_request(
        repeated
            .into_iter()
            .map(|at| {
                Issue::new(
                    IssueKind::SchemaViolation,
                    "body",
                    at.clone(),
                    format!("'{}' stands twice in its object; leave one.", crate::error::quote(&at)),
                )
            })
            .collect(),
    ))
}

/// Builds a [`Value`] and notes the JSON pointers of repeated keys.
struct Strict<'a> {
    at: String,
    repeated: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict { at: format!("{}/{}", self.at, items.len()), repeated: self.repeated })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let at = format!("{}/{}", self.at, key.replace('~', "~0").replace('/', "~1"));
            let value = access.next_value_seed(Strict { at: at.clone(), repeated: self.repeated })?;
            if map.insert(key, value).is_some() {
                self.repeated.borrow_mut().push(at);
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_told_with_their_place() {
        let Err(Error::Problem(problem)) = parse(br#"{"a":{"b":1,"b":2},"c":[{"d":1,"d":2}]}"#) else { panic!("accepted") };
        let names: Vec<_> = problem.issues.iter().map(|issue| issue.name.as_str()).collect();
        assert_eq!(names, ["/a/b", "/c/0/d"]);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in [&b""[..], b"{", b"\xff", b"{} x", br#""\ud800""#, &b"[".repeat(10_000)] {
            assert!(parse(bad).is_err());
        }
        assert!(parse(br#"{"a":[1,2.5,null,true,"x"]}"#).is_ok());
    }
}
