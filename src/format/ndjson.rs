//! `application/x-ndjson`: one JSON value a line, each line ended by LF.

use serde_json::Value;

use crate::error::Error;

/// The media type.
pub const MEDIA_TYPE: &str = "application/x-ndjson";

/// Writes a line.
///
/// # Errors
/// Never in practice.
pub fn line(out: &mut Vec<u8>, value: &Value) -> Result<(), Error> {
    serde_json::to_writer(&mut *out, value).map_err(Error::internal)?;
    out.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_written_as_the_golden_file_has_them() {
        let mut out = Vec::new();
        line(&mut out, &json!({"type": "theme", "id": "mobility", "record": {"title": "Mobilité « douce »"}})).unwrap();
        line(&mut out, &json!({"type": "volume", "id": "strategy", "record": {"number": 1}})).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), include_str!("../../tests/golden/ndjson-lines.ndjson"));
    }
}
