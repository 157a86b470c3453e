//! `application/json` (RFC 8259): objects at the top, no nulls, members in a fixed order.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::error::Error;

/// The media type.
pub const MEDIA_TYPE: &str = "application/json";

/// What a page of a list is made of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageParts {
    #[serde(rename = "self")]
    pub this: String,
    pub items: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedded: Option<BTreeMap<String, Value>>,
    pub total: i64,
    pub page_size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
    pub first: String,
}

/// Writes a page.
///
/// # Errors
/// Never in practice: the parts are plain JSON.
pub fn page(parts: &PageParts) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(parts).map_err(Error::internal)
}

/// Writes any value.
///
/// # Errors
/// Never in practice.
pub fn value(value: &Value) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(Error::internal)
}

/// Writes an object.
///
/// # Errors
/// Never in practice.
pub fn object(value: &Value) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_is_written_as_the_golden_file_has_it() {
        let page = PageParts {
            this: "http://127.0.0.1:8080/v1/themes?pageSize=1".into(),
            items: vec![json!({"href": "http://127.0.0.1:8080/v1/themes/mobility", "id": "mobility", "title": "Mobilité « douce »"})],
            embedded: None,
            total: 2,
            page_size: 1,
            next: Some("http://127.0.0.1:8080/v1/themes?pageSize=1&after=x".into()),
            prev: None,
            first: "http://127.0.0.1:8080/v1/themes?pageSize=1".into(),
        };
        let golden = include_str!("../../tests/golden/json-page.json");
        assert_eq!(String::from_utf8(super::page(&page).unwrap()).unwrap(), golden.trim_end());
    }
}
