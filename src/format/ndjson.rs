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
