//! How a document is spelled as TOML: always the same for the same document, and easy to read and to compare line by line.

use std::fmt::Write;

use serde_json::{Map, Value};

/// A document as the file of a collection.
pub fn document(document: &Value) -> String {
    let mut out = String::new();
    if let Value::Object(properties) = document {
        table(&mut out, "", properties, false);
    }
    out
}

/// The properties of a table: plain ones first, because whatever follows a header belongs to that header. `piece`: of an array of tables, whose own
/// tables are written on a line each.
fn table(out: &mut String, path: &str, properties: &Map<String, Value>, piece: bool) {
    // Writing to a String cannot fail.
    for (name, value) in properties.iter().filter(|(_, value)| is_plain(value)) {
        let spelled = match value {
            Value::String(text) if text.contains('\n') => paragraphs(text),
            other => plain(other),
        };
        let _ = writeln!(out, "{} = {spelled}", key(name));
    }
    // Where facts come from stands at the end, as in the files that people write.
    let (sources, others): (Vec<_>, Vec<_>) = properties.iter().partition(|(name, _)| *name == "sources");
    let tables = others.iter().chain(&sources).filter_map(|(name, value)| Some((name, value.as_object().filter(|table| !table.is_empty())?)));
    let arrays = || properties.iter().filter(|(_, value)| is_array_of_tables(value));
    let mut last = String::new();
    for (name, inner) in tables {
        if piece {
            for (name_in, value) in inner {
                let _ = writeln!(out, "{}.{} = {}", key(name), key(name_in), plain(value));
            }
        } else if inner.values().all(Value::is_object) {
            for (index, (name_in, value)) in inner.iter().enumerate() {
                let at = join(&join(path, name), name_in);
                let _ = writeln!(out, "{}[{at}]", if index == 0 { "\n" } else { "" });
                if let Value::Object(properties) = value {
                    table(out, &at, properties, false);
                }
            }
        } else {
            let at = join(path, name);
            let _ = write!(last, "\n[{at}]\n");
            table(&mut last, &at, inner, false);
        }
    }
    for (name, value) in arrays() {
        let at = join(path, name);
        for (index, element) in value.as_array().into_iter().flatten().enumerate() {
            if let Value::Object(properties) = element {
                let _ = writeln!(out, "{}[[{at}]]", if index == 0 && !piece { "\n" } else { "" });
                table(out, &at, properties, true);
            }
        }
    }
    out.push_str(&last);
}

fn is_array_of_tables(value: &Value) -> bool {
    value.as_array().is_some_and(|all| all.first().is_some_and(Value::is_object))
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Object(_) => false,
        Value::Array(all) => !all.is_empty() && !is_array_of_tables(value),
        _ => true,
    }
}

/// A value on one line.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(all) => format!("[{}]", all.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::Object(all) => {
            let pairs: Vec<String> =
                all.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| format!("{} = {}", key(name), plain(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { key(name) } else { format!("{path}.{}", key(name)) }
}

/// A key, quoted when it must be.
pub fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if bare { name.to_owned() } else { string(name) }
}

fn escape(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // What a reader cannot see, or what turns the direction of a line, is written by its number.
        c if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}') => {
            let _ = write!(out, "\\u{:04X}", u32::from(c));
        }
        c => out.push(c),
    }
}

/// Text on one line.
pub fn string(text: &str) -> String {
    let mut out = String::from("\"");
    text.chars().for_each(|c| escape(&mut out, c));
    out.push('"');
    out
}

/// Text whose lines stand below each other.
fn paragraphs(text: &str) -> String {
    let mut out = String::from("\"\"\"");
    let mut rest = text.chars().peekable();
    let mut first = true;
    while let Some(c) = rest.next() {
        match c {
            // The first line break after the opening is passed over by readers.
            '\n' if !first => out.push('\n'),
            // Three of them, or one before the closing, would end it.
            '"' if rest.peek().is_some_and(|next| *next != '"') => out.push('"'),
            c => escape(&mut out, c),
        }
        first = false;
    }
    out.push_str("\"\"\"");
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn back(text: &str) -> Value {
        let value: toml::Value = toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        serde_json::to_value(value).unwrap()
    }

    #[test]
    fn any_text_comes_back() {
        for text in
            ["", "a", "\"", "\"\"\"\n\"\"\"", "\n", "\na\n", "a\"\n\"", "\\\n\\n\\", "tab\there\r\n", "\u{7f}\u{1}\n", "é\u{202e}x", " \n ", "'''\n"]
        {
            let document =
                json!({"note": text, "texts": {"fr": {"title": text}}, "contents": [{"texts": {"fr": {"title": text}}}], "sources": {text: text}});
            let spelled = super::document(&document);
            assert_eq!(back(&spelled), document, "{text:?}\n{spelled}");
        }
    }

    #[test]
    fn it_reads_like_the_files_that_people_write() {
        let document = json!({
            "number": 1, "themes": ["a", "b"], "texts": {"en": {"title": "T"}, "fr": {"title": "U", "summary": "S"}},
            "contents": [{"kind": "phase", "texts": {"fr": {"title": "P"}}, "contents": [{"kind": "step", "texts": {"fr": {"title": "Q"}}}]}],
            "volumes": [], "sources": {"number": "x", "texts.fr": "y"}
        });
        assert_eq!(
            super::document(&document),
            "number = 1\nthemes = [\"a\", \"b\"]\n\n[texts.en]\ntitle = \"T\"\n[texts.fr]\ntitle = \"U\"\nsummary = \"S\"\n\n[[contents]]\nkind = \"phase\"\n\
             texts.fr = { title = \"P\" }\n[[contents.contents]]\nkind = \"step\"\ntexts.fr = { title = \"Q\" }\n\n[sources]\nnumber = \"x\"\n\"texts.fr\" = \"y\"\n"
        );
    }
}
