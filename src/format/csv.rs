//! `text/csv` (RFC 4180): UTF-8, a comma between cells, CR LF after rows, the names of the columns first. What stands in a cell is the value itself:
//! nothing is put before it for a spreadsheet's sake, so that a program reads what was written.

/// The media type.
pub const MEDIA_TYPE: &str = "text/csv";
/// The same with its parameters.
pub const CONTENT_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// A table on its way.
pub struct Table(Vec<u8>);

impl Table {
    /// Begins with the names of the columns.
    pub fn begin(names: &[&str]) -> Self {
        let mut table = Self(Vec::new());
        table.row(names.iter().copied());
        table
    }

    /// Adds a row, which has a cell for each column.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                self.0.push(b',');
            }
            if cell.contains(['"', ',', '\r', '\n']) {
                self.0.push(b'"');
                self.0.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
                self.0.push(b'"');
            } else {
                self.0.extend_from_slice(cell.as_bytes());
            }
        }
        self.0.extend_from_slice(b"\r\n");
    }

    /// How many bytes it has so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has nothing, which is never: the names stand in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The table.
    pub fn end(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_when_they_must() {
        let mut table = Table::begin(&["volumeId", "title"]);
        table.row(["mobility", "La \"mobilité\", demain"]);
        table.row(["strategy", "=1+1"]);
        assert_eq!(String::from_utf8(table.end()).unwrap(), include_str!("../../tests/golden/csv-table.csv"));
        let mut table = Table::begin(&["a", "b"]);
        table.row(["x, \"y\"", "l1\r\nl2"]);
        table.row(["", "=1+1"]);
        assert_eq!(String::from_utf8(table.end()).unwrap(), "a,b\r\n\"x, \"\"y\"\"\",\"l1\r\nl2\"\r\n,=1+1\r\n");
    }
}
