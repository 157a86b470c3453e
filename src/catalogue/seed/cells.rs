//! Reading CSV as spreadsheets write it: RFC 4180 with commas or semicolons, in UTF-8 with or without its mark.

/// A row, and the line it begins on.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub line: usize,
    pub cells: Vec<String>,
}

/// The text of a file.
///
/// # Errors
/// The line and a sentence, when it is not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, (usize, String)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|e| {
        let line = bytes[..e.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        (line, "this is not UTF-8; save the sheet as \"CSV UTF-8\" and import that".to_owned())
    })
}

/// The rows of a text, the header among them; rows without a word are passed over.
///
/// # Errors
/// Lines and sentences, where quotes do not match.
pub fn rows(text: &str) -> Result<Vec<Row>, Vec<(usize, String)>> {
    let separator = separator(text);
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let (mut line, mut begun) = (1, 1);
    let mut cells: Vec<String> = Vec::new();
    let mut cell = String::new();
    // Within quotes, and where they were opened; after quotes only a separator may follow.
    let (mut quoted, mut closed) = (None, false);
    let mut rest = text.chars().peekable();
    loop {
        let c = rest.next();
        match (c, quoted) {
            (Some('"'), Some(_)) if rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            (Some('"'), Some(_)) => (quoted, closed) = (None, true),
            (Some(c), Some(_)) => {
                line += usize::from(c == '\n');
                if c != '\r' || rest.peek() != Some(&'\n') {
                    cell.push(c);
                }
            }
            (None, Some(opened)) => {
                faults.push((opened, "a quote is opened here and never closed".to_owned()));
                quoted = None;
            }
            (Some('"'), None) if cell.is_empty() && !closed => quoted = Some(line),
            (Some('\r'), None) if rest.peek() == Some(&'\n') => {}
            (Some('\n') | None, None) => {
                cells.push(std::mem::take(&mut cell));
                let row = Row { line: begun, cells: std::mem::take(&mut cells) };
                if row.cells.iter().any(|cell| !cell.trim().is_empty()) {
                    rows.push(row);
                }
                closed = false;
                line += 1;
                begun = line;
            }
            (Some(c), None) if c == separator => {
                cells.push(std::mem::take(&mut cell));
                closed = false;
            }
            (Some(c), None) => {
                if closed && !c.is_whitespace() {
                    faults.push((line, "something follows a closing quote; a quote within quotes is written twice (\"\")".to_owned()));
                    closed = false;
                }
                if !closed {
                    cell.push(c);
                }
            }
        }
        if c.is_none() && quoted.is_none() && cells.is_empty() && cell.is_empty() {
            break;
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// What parts the cells: of comma and semicolon that which the first line has more of.
fn separator(text: &str) -> char {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: char| {
        let mut quoted = false;
        header
            .chars()
            .filter(|c| {
                quoted ^= *c == '"';
                !quoted && *c == separator
            })
            .count()
    };
    if count(';') > count(',') { ';' } else { ',' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, Vec<String>)> {
        rows(text).unwrap().into_iter().map(|row| (row.line, row.cells)).collect()
    }

    fn row(line: usize, cells: &[&str]) -> (usize, Vec<String>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn what_spreadsheets_write() {
        assert_eq!(read("id,a\r\nx,1\r\n"), [row(1, &["id", "a"]), row(2, &["x", "1"])]);
        assert_eq!(
            read("id;a\nx;\"b;c\"\n\n;;\ny;\"l1\r\nl2\"\nz;"),
            [row(1, &["id", "a"]), row(2, &["x", "b;c"]), row(5, &["y", "l1\nl2"]), row(7, &["z", ""])]
        );
        assert_eq!(read("id,\"a;b\"\n\"x \"\"y\"\"\" ,\"\"\n"), [row(1, &["id", "a;b"]), row(2, &["x \"y\"", ""])]);
        assert!(read("").is_empty());
        assert_eq!(text(b"\xef\xbb\xbfid").unwrap(), "id");
        assert_eq!(text(b"id\nd\xe9j\xe0").unwrap_err().0, 2);
    }

    #[test]
    fn quotes_that_do_not_match() {
        assert_eq!(rows("id\n\"x\ny\n").unwrap_err()[0].0, 2);
        assert_eq!(rows("id,a\n\"x\"y,b\n").unwrap_err()[0].0, 2);
    }
}
