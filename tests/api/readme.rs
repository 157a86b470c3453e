//! README.md shows what one sees: its commands are run as they stand, and their answers are those below them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use handbooks::operations::file::Kind;

use crate::support::database::Content;
use crate::support::keys::{bearer, make_key};
use crate::support::pdf::pdf;
use crate::support::process::handbooks;
use crate::support::{Answer, App, Database, Home, both};

both!(the_tour_is_true, the_visit_is_true, the_editors_tour_is_true, the_mirrors_tour_is_true, the_mirror_is_proven, commands_and_settings_are_told);

const README: &str = include_str!("../../README.md");
/// The address of the examples.
const SHOWN: &str = "http://127.0.0.1:8080";

/// The code blocks in a language.
fn blocks(language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = README.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if kind == language {
                found.push(block.join("\n"));
            }
        }
    }
    found
}

/// The commands of a console block, each with what it prints.
fn commands(block: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => found.push((command.to_owned(), Vec::new())),
            None => found.last_mut().expect("a block begins with a command").1.push(line),
        }
    }
    found.into_iter().map(|(command, printed)| (command, printed.join("\n"))).collect()
}

/// The words of a command, as a shell parts them: quotes hold together, nothing is expanded.
fn words(command: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (None, ' ') => found.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '$' | '\\' | '`' | '|' | '&' | ';' | '(' | '<' | '>' | '*') => panic!("{command}: what would a shell do with {c}?"),
            (Some(open), c) if c == open => quote = None,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "{command}: a quote stays open");
    found.extend(word);
    found
}

/// Does what curl does with these options, and gives back what it prints.
fn curl(app: &App, words: &[String]) -> String {
    let (mut url, mut method, mut data, mut with_head, mut write, mut body_shown) = (None, None, None, false, None, true);
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().unwrap_or_else(|| panic!("{word} wants a value"));
        match word.as_str() {
            "-s" => {}
            // The head goes to a file there, and before the body here.
            "-D" => {
                value();
                with_head = true;
            }
            "-i" => with_head = true,
            "-H" => {
                let (name, value) = value().split_once(": ").expect("a header field");
                headers.push((name.to_owned(), value.to_owned()));
            }
            "-X" => method = Some(value().clone()),
            "-d" => data = Some(value().clone().into_bytes()),
            "--data-binary" => {
                assert_eq!(value(), "@guide-7.pdf");
                data = Some(pdf(7, 3_000));
            }
            "-o" => {
                body_shown = value() != "/dev/null";
            }
            "-w" => write = Some(value().clone()),
            option if option.starts_with('-') => panic!("curl {option} is not known here"),
            address => assert!(url.replace(address.to_owned()).is_none(), "two addresses"),
        }
    }
    let url = url.expect("an address");
    let target = url.strip_prefix(SHOWN).unwrap_or_else(|| panic!("{url} is not at {SHOWN}"));
    let method = method.unwrap_or_else(|| if data.is_some() { "POST" } else { "GET" }.to_owned());
    let mut call = app.call(&method, target);
    for (name, value) in &headers {
        call = call.header(name, value);
    }
    if let Some(data) = data {
        assert!(headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")), "curl -d alone is a form");
        call = call.body(data);
    }
    let answer: Answer = call.send();
    let mut printed = String::new();
    if with_head {
        printed.push_str(&format!("HTTP/1.1 {}\n", answer.status));
        for (name, value) in &answer.headers {
            printed.push_str(&format!("{name}: {value}\n"));
        }
        printed.push('\n');
    }
    if body_shown {
        printed.push_str(&answer.text());
    }
    if let Some(format) = write {
        assert_eq!(format, "%{http_code}");
        printed.push_str(&answer.status.to_string());
    }
    printed
}

/// Whether a text is what a pattern shows, in which `…` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn the_tour_is_true(app: App) {
    let all: Vec<(String, String)> = blocks("console").iter().flat_map(|block| commands(block)).collect();
    assert!(all.len() >= 7, "only {} commands", all.len());
    let mut faults = Vec::new();
    for (command, shown) in all {
        let words = words(&command);
        assert_eq!(words[0], "curl", "{command}");
        let shown = shown.replace(SHOWN, &app.base);
        let printed = curl(&app, &words[1..]);
        if !matches(&shown, printed.trim_end()) {
            faults.push(format!("$ {command}\n  shows   {shown}\n  answers {printed}"));
        }
        // What shows nothing proves nothing.
        assert!(shown.chars().filter(|c| *c != '…').count() >= 3, "{command}");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // Such a comparison can fail.
    for (pattern, text) in [("{…\"a\":1…}", "{\"a\":2}"), ("304", "200"), ("{…}", "[]"), ("a…b…c", "abd")] {
        assert!(!matches(pattern, text), "{pattern}");
    }
    assert!(matches("{…\"a\":1…}", "{\"b\":0,\"a\":1}") && matches("ab", "ab"));
}

/// The three lines that need a token and a link, in the words of the README.
fn the_visit_is_true(app: App) {
    let shell = blocks("sh").into_iter().find(|block| block.contains("$TOKEN")).expect("the lines with a token");
    let lines: Vec<&str> = shell.lines().collect();
    assert_eq!(lines.len(), 3, "{shell}");
    assert_eq!(lines[0], "curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8080/v1/downloadRequests/$ID");
    assert!(lines[1].starts_with("curl -OJ \"$LINK\"") && lines[2].starts_with("curl -o guide.pdf -C - \"$LINK\""), "{shell}");

    let posted = blocks("console").into_iter().find(|block| block.contains(" -d ")).expect("the form");
    let (command, _) = commands(&posted).remove(0);
    let made: serde_json::Value = serde_json::from_str(&curl(&app, &words(&command)[1..])).unwrap();
    let bytes = pdf(4, 10_000);
    app.add_file(Kind::Volume, "mobility", "fr", &bytes);
    let plain = lines[0].replace("$TOKEN", made["accessToken"].as_str().unwrap()).replace("$ID", made["id"].as_str().unwrap());
    let read: serde_json::Value = serde_json::from_str(&curl(&app, &words(&plain)[1..])).unwrap();
    assert_eq!(read["status"], "fulfilled");
    // -OJ takes the name from Content-Disposition; -C - asks for what is missing (the two do not go together in every curl).
    let link = read["editions"][0]["link"]["href"].as_str().unwrap();
    let whole = app.get(link).expect(200);
    assert!(whole.header("content-disposition").is_some_and(|field| field.starts_with("attachment; filename=\"")) && whole.body == bytes);
    let rest = app.call("GET", link).header("Range", "bytes=5000-").send().expect(206);
    assert!(rest.body == bytes[5000..]);
    let expires = chrono::DateTime::parse_from_rfc3339(read["editions"][0]["link"]["expiresAt"].as_str().unwrap()).unwrap();
    assert!(README.contains("lasts seven days"));
    assert_eq!((expires.naive_utc() - handbooks::db::types::now()).num_hours(), 7 * 24 - 1);
}

/// The commands that an editor is shown, in their order: each does what it is there for.
fn the_editors_tour_is_true(app: App) {
    let block = blocks("sh").into_iter().find(|block| block.contains("$ETAG")).expect("the commands of an editor");
    let key = make_key(&app, &["catalogue:write"]);
    let (mut etag, mut done) = (String::new(), Vec::new());
    for line in block.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with("K=") || line.starts_with("V=") {
            assert!(["K=\"Authorization: Bearer $KEY\"".to_owned(), format!("V={SHOWN}/v1/volumes")].contains(&line.to_owned()), "{line}");
            continue;
        }
        let plain = line.replace("$KEY", &key).replace("$K", &format!("Authorization: Bearer {key}")).replace("$V", &format!("{SHOWN}/v1/volumes"));
        // An ETag has quotes, which those of the shell hold.
        let words: Vec<String> = words(&plain.replace("$ETAG", "ETAG")).iter().map(|word| word.replace("ETAG", &etag)).collect();
        let printed = curl(&app, &words[1..]);
        if let Some(tag) = printed.lines().find_map(|line| line.strip_prefix("etag: ")) {
            tag.clone_into(&mut etag);
        }
        done.push(printed.lines().next().unwrap_or_default().chars().take(12).collect::<String>());
    }
    let ok = "HTTP/1.1 200";
    assert_eq!(done, ["HTTP/1.1 201", ok, ok, ok, ok, "HTTP/1.1 201", "{\"self\":\"htt", ok]);
    let editor = app.call("GET", "/v1/volumes/governance/document").header("Authorization", &bearer(&key)).send().ok();
    assert_eq!((&editor["state"], editor["editions"].as_array().map(Vec::len)), (&"draft".into(), Some(1)));
}

/// The commands that a mirror is shown: each is answered with what stands above it.
fn the_mirrors_tour_is_true(app: App) {
    let block = blocks("sh").into_iter().find(|block| block.starts_with("API=")).expect("the commands of a mirror");
    let mut done = Vec::new();
    for line in block.lines().filter(|line| line.starts_with("curl ")) {
        let words = words(&line.replace("$API", SHOWN));
        if words.contains(&"-N".to_owned()) {
            // It is sent as it happens, and does not end by itself.
            assert_eq!(words[2..4], ["-H", "Accept: text/event-stream"]);
            let target = words[4].strip_prefix(SHOWN).unwrap();
            let mut stream = TcpStream::connect(app.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n\r\n").as_bytes()).unwrap();
            let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap());
            assert_eq!(lines.next().as_deref(), Some("HTTP/1.1 200 OK"));
            app.pen("seen", &crate::support::records::volume(8, "published", "Vu"));
            assert!(lines.by_ref().take(60).any(|line| line.starts_with("data:") && line.contains("\"seen\"")), "{line}");
            continue;
        }
        let answered = AtomicBool::new(false);
        let printed = std::thread::scope(|scope| {
            if line.contains("wait=") {
                // Again and again: the first may come before the question does.
                let (app, answered) = (&app, &answered);
                scope.spawn(move || {
                    for number in (9..40).take_while(|_| !answered.load(Ordering::Relaxed)) {
                        std::thread::sleep(Duration::from_millis(500));
                        app.pen(&format!("awaited-{number}"), &crate::support::records::volume(number, "published", "Attendu"));
                    }
                });
            }
            let printed = curl(&app, &words[1..]);
            answered.store(true, Ordering::Relaxed);
            printed
        });
        done.push(printed);
    }
    let [whole, lines, table, changes, awaited, digest, bucket, past] = done.as_slice() else { panic!("{} commands", done.len()) };
    // The line that compares the digest of what came with what was told.
    assert!(block.contains("grep -i '^repr-digest' head.txt; openssl dgst -sha256 -binary catalogue.json | base64"));
    let (head, body) = whole.split_once("\n\n").unwrap();
    let told = head.lines().find_map(|line| line.strip_prefix("repr-digest: ")).unwrap();
    let found = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), body)),
    );
    assert_eq!(told, format!("sha-256=:{found}:"));
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert!(lines.lines().all(|line| parsed(line)["record"].is_object()) && lines.lines().count() > 20);
    assert!(table.starts_with("volumeId,number,"));
    assert!(parsed(changes)["items"].as_array().unwrap().len() > 50);
    assert!(parsed(awaited)["items"][0]["id"].as_str().unwrap().starts_with("awaited-"));
    assert!(parsed(digest)["sha256"].is_string());
    assert!(parsed(bucket)["items"].is_array(), "{bucket}");
    assert_eq!(parsed(past)["volumes"], parsed(body)["volumes"]);
}

/// The script of the mirror's tour. A machine without Python has the same recipe in `support/mirror.rs`.
fn the_mirror_is_proven(app: App) {
    let script = blocks("python").into_iter().next().expect("a script");
    app.pen("seven", &crate::support::records::volume(7, "published", "Sept à l'œuvre"));
    match std::process::Command::new("python3").args(["-c", &script, &app.base]).output() {
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.stdout);
            assert!(said.trim_end().ends_with(" records, proven"), "{said}{}", String::from_utf8_lossy(&done.stderr));
        }
        Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::NotFound, "{e}"),
    }
}

/// The first cells of a table's rows, without their marks.
fn cells(title: &str) -> Vec<String> {
    let (_, section) = README.split_once(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no section {title}"));
    let section = section.split("\n## ").next().unwrap();
    section.lines().filter_map(|line| line.strip_prefix("| `")).map(|line| line.split(" |").next().unwrap().replace('`', "")).collect()
}

fn commands_and_settings_are_told(database: Database) {
    let home = Home::new(database, Content::Empty);
    let help = |arguments: &[&str]| {
        let output = handbooks(&home, arguments);
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let verbs = |text: &str| -> BTreeSet<String> {
        let (_, rest) = text.split_once("Commands:\n").expect("commands");
        rest.lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
            .filter(|verb| !verb.is_empty() && *verb != "help")
            .map(str::to_owned)
            .collect()
    };
    let whole = help(&["--help"]);
    let mut wanted = verbs(&whole);
    for group in ["file", "key"] {
        assert!(wanted.remove(group), "{whole}");
        wanted.extend(verbs(&help(&[group, "--help"])).into_iter().map(|verb| format!("{group} {verb}")));
    }
    let rows = cells("The command line");
    let told: BTreeSet<String> = rows
        .iter()
        .flat_map(|row| row.split(" or "))
        .filter_map(|command| command.strip_prefix("handbooks "))
        .map(|command| command.split(' ').take_while(|word| word.bytes().all(|b| b.is_ascii_lowercase())).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(told, wanted, "the README's commands and `handbooks --help`");

    // Every option that a row names is one of its verb, and the other way round; those of all verbs are the settings.
    let options = |text: &str| -> BTreeSet<String> {
        text.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split([' ', '=']).next()).map(str::to_owned).collect()
    };
    let settings = options(&whole);
    let variable = |option: &str| {
        if option == "database-url" { "DATABASE_URL".to_owned() } else { format!("HANDBOOKS_{}", option.replace('-', "_").to_uppercase()) }
    };
    let common: BTreeSet<String> = settings.iter().filter(|option| !matches!(option.as_str(), "help" | "version")).cloned().collect();
    for verb in &wanted {
        let arguments: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        let own: BTreeSet<String> = options(&help(&arguments)).difference(&settings).cloned().collect();
        let lines =
            README.lines().filter(|line| line.starts_with(&format!("| `handbooks {verb}")) || line.contains(&format!(" or `handbooks {verb}`")));
        let row = lines.collect::<Vec<_>>().join("\n");
        let named: BTreeSet<String> =
            row.split("--").skip(1).map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect()).collect();
        assert_eq!(named, own, "the options of {verb}: {row}");
    }
    let mut variables: BTreeSet<String> = common.iter().map(|option| variable(option)).collect();
    for name in &variables {
        assert!(whole.contains(&format!("[env: {name}")), "{name} in --help");
    }
    assert!(whole.contains("RUST_LOG"));
    variables.insert("RUST_LOG".into());
    let rows: BTreeSet<String> = cells("Settings").into_iter().collect();
    assert_eq!(rows, variables, "the README's settings and `handbooks --help`");
    // What stands there as default is what it is.
    for line in README.lines().filter(|line| line.starts_with("| `HANDBOOKS_") || line.starts_with("| `DATABASE_")) {
        let columns: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let shown = columns[1].strip_prefix('`').and_then(|text| text.strip_suffix('`'));
        if let Some(default) = shown {
            assert!(whole.contains(&format!("[default: {default}]")), "{line}");
        }
    }
}
