//! The verb `file`: from a PDF on a disk to the bytes that a visitor gets.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use handbooks::db::{Store, Target};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::database::Content;
use crate::support::downloads::{REQUESTS, least, text};
use crate::support::pdf::{locked, pdf};
use crate::support::process::{handbooks, within};
use crate::support::{App, Database, Home, Process, both};

both!(
    adds_a_file,
    adds_the_same_file_once,
    replaces_a_file,
    refuses_what_is_no_handbook,
    says_one_sentence,
    refuses_wrong_arguments,
    needs_a_database,
    fulfils_what_waits,
    shows_the_facts_of_the_file,
    lists,
);

fn said(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("plain text")
}

/// Puts bytes beside the database.
fn put(home: &Home, name: &str, bytes: &[u8]) -> String {
    let path = home.folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn add(home: &Home, volume: &str, language: &str, path: &str) -> Output {
    handbooks(home, &["file", "add", "--volume", volume, "--language", language, path])
}

#[track_caller]
fn added(home: &Home, volume: &str, language: &str, path: &str) -> String {
    let output = add(home, volume, language, path);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
    said(&output.stdout)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All files in the storage, by their paths.
fn stored(home: &Home) -> BTreeSet<String> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let root = home.folder.path().join("files");
    let mut found = BTreeSet::new();
    walk(&root, &root, &mut found);
    found
}

fn place(bytes: &[u8]) -> String {
    let sha256 = sha256(bytes);
    format!("sha256/{}/{sha256}", &sha256[..2])
}

fn adds_a_file(app: App) {
    let bytes = pdf(3, 1000);
    let path = put(&app.home, "guide 4 – été.pdf", &bytes);
    let told = added(&app.home, "mobility", "fr", &path);
    assert_eq!(
        told,
        format!(
            "the edition 'fr' of the volume 'mobility' has its file: \"Guides Pratiques de la Smart City 4 - La mobilité de demain (fr).pdf\", 3 pages, {} bytes\n",
            bytes.len()
        )
    );
    // Stored under its hash, as it is, and nothing else.
    assert_eq!(stored(&app.home), BTreeSet::from([place(&bytes)]));
    assert!(std::fs::read(app.home.folder.path().join("files").join(place(&bytes))).unwrap() == bytes);
    let complement = pdf(1, 1);
    let path = put(&app.home, "complement.pdf", &complement);
    let output = handbooks(&app.home, &["file", "add", "--complement", "leadership", "--language", "fr", &path]);
    assert!(output.status.success() && said(&output.stdout).contains("of the complement 'leadership'"), "{output:?}");
    assert_eq!(stored(&app.home), BTreeSet::from([place(&bytes), place(&complement)]));
    assert_eq!(app.get("/v1/complements/leadership/editions/fr").ok()["file"]["pages"], 1);
}

fn adds_the_same_file_once(app: App) {
    let bytes = pdf(2, 0);
    let path = put(&app.home, "guide.pdf", &bytes);
    added(&app.home, "mobility", "fr", &path);
    let edition = app.get("/v1/volumes/mobility").expect(200);
    let again = added(&app.home, "mobility", "fr", &path);
    assert_eq!(again, "nothing to change: the edition 'fr' of the volume 'mobility' has this very file already\n");
    // Nothing moved: a mirror has nothing to fetch.
    let etag = edition.header("etag").unwrap();
    assert_eq!(app.call("GET", "/v1/volumes/mobility").header("If-None-Match", etag).send().status, 304);
    // Also under another name, and as the file of another edition.
    let copy = put(&app.home, "copy.pdf", &bytes);
    assert!(added(&app.home, "mobility", "fr", &copy).starts_with("nothing to change"));
    assert!(added(&app.home, "strategy", "nl", &copy).contains("has its file"));
    assert_eq!(stored(&app.home), BTreeSet::from([place(&bytes)]));
    let name = |target: &str| text(&app.get(target).ok(), "/file/fileName");
    assert_ne!(name("/v1/volumes/mobility/editions/fr"), name("/v1/volumes/strategy/editions/nl"));
}

fn replaces_a_file(app: App) {
    let (first, second) = (pdf(2, 0), pdf(5, 0));
    added(&app.home, "mobility", "fr", &put(&app.home, "first.pdf", &first));
    let told = added(&app.home, "mobility", "fr", &put(&app.home, "second.pdf", &second));
    assert!(told.contains("5 pages") && told.contains("it takes the place of another one"), "{told}");
    let edition = app.get("/v1/volumes/mobility/editions/fr").ok();
    assert_eq!(edition["file"]["sha256"], sha256(&second));
    assert_eq!(edition["pages"], 5);
    // The one before stays as history.
    assert_eq!(stored(&app.home), BTreeSet::from([place(&first), place(&second)]));
}

/// It fails with this code and one sentence, and leaves everything as it was.
#[track_caller]
fn fails(app: &App, before: &Value, output: &Output, code: i32, sentence: &str) {
    let told = said(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(output.stdout.is_empty(), "{}", said(&output.stdout));
    assert!(told.contains(sentence), "{told:?} instead of {sentence:?}");
    if code == 1 {
        // One sentence; what else there is, is the log.
        let sentences = told.lines().filter(|line| !line.starts_with("20") || !line.contains(" WARN "));
        assert!(sentences.clone().count() == 1 && sentences.clone().all(|line| line.starts_with("handbooks: ")), "{told}");
    }
    assert!(!told.contains("panicked") && !told.contains("RUST_BACKTRACE"), "{told}");
    assert_eq!(stored(&app.home), BTreeSet::new(), "{sentence}: something stays in the storage");
    assert_eq!(&app.get("/v1/volumes/mobility").ok(), before, "{sentence}");
}

fn refuses_what_is_no_handbook(app: App) {
    let before = app.get("/v1/volumes/mobility").ok();
    let good = pdf(3, 5000);
    let mut patched = good[..good.len() / 2].to_vec();
    patched.extend_from_slice(b"\n%%EOF\n");
    for (name, bytes, sentence) in [
        ("archive.zip", b"PK\x03\x04 and what an archive holds".to_vec(), "is not a PDF but a ZIP archive"),
        ("office.docx", b"PK\x03\x04".to_vec(), "ZIP"),
        ("renamed.pdf", b"<!DOCTYPE html><p>404".to_vec(), "is not a PDF: it does not begin with %PDF-"),
        ("empty.pdf", Vec::new(), "is empty"),
        ("short.pdf", b"%PDF".to_vec(), "is not a PDF"),
        ("half.pdf", good[..good.len() / 2].to_vec(), "cut off"),
        ("patched.pdf", patched, "damaged"),
        ("nothing.pdf", b"%PDF-1.7\n%%EOF\n".to_vec(), "damaged"),
        ("blank.pdf", pdf(0, 0), "without a page"),
        ("locked.pdf", locked(), "opens with a password only"),
    ] {
        let path = put(&app.home, name, &bytes);
        let output = add(&app.home, "mobility", "fr", &path);
        fails(&app, &before, &output, 1, sentence);
        assert!(said(&output.stderr).contains(name), "the sentence names the file");
    }
    let folder = app.home.folder.path().to_str().unwrap();
    fails(&app, &before, &add(&app.home, "mobility", "fr", folder), 1, "is not a file");
    fails(&app, &before, &add(&app.home, "mobility", "fr", &format!("{folder}/absent.pdf")), 1, "cannot be read");
    let path = put(&app.home, "good.pdf", &good);
    for (volume, language, sentence) in [
        ("no-such-volume", "fr", "no-such-volume"),
        ("leadership", "fr", "leadership"),
        ("Mobility", "fr", "Mobility"),
        ("mobility", "nl", "The volume 'mobility' has no edition in 'nl'; it exists in: fr."),
        ("strategy", "de", "it exists in: fr, nl"),
        ("mobility", "xx", "no edition in 'xx'"),
    ] {
        fails(&app, &before, &add(&app.home, volume, language, &path), 1, sentence);
    }
    let output = handbooks(&app.home, &["file", "add", "--complement", "multidisciplinary-team", "--language", "fr", &path]);
    fails(&app, &before, &output, 1, "it has none");
    // Nothing lies beside the file either.
    let left: BTreeSet<String> = std::fs::read_dir(app.home.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains('#') || name.contains("tmp"))
        .collect();
    assert_eq!(left, BTreeSet::new());
}

/// To a person at a terminal: no name of a code before it, and no word of the library that reads the file.
fn says_one_sentence(app: App) {
    let path = put(&app.home, "locked.pdf", &locked());
    let sentence = |volume: &str, path: &str| said(&add(&app.home, volume, "fr", path).stderr);
    assert_eq!(sentence("mobility", &path), format!("handbooks: {path} is a PDF that opens with a password only\n"));
    let path = put(&app.home, "good.pdf", &pdf(1, 0));
    let unknown = sentence("no-such-volume", &path);
    assert!(!unknown.contains("resourceNotFound") && unknown.lines().count() == 1, "{unknown}");
}

fn refuses_wrong_arguments(app: App) {
    let before = app.get("/v1/volumes/mobility").ok();
    let path = put(&app.home, "good.pdf", &pdf(1, 0));
    for (arguments, sentence) in [
        (&["file", "add", "--volume", "mobility", &path][..], "--language"),
        (&["file", "add", "--language", "fr", &path], "--volume"),
        (&["file", "add", "--volume", "mobility", "--language", "fr"], "FILE"),
        (&["file", "add", "--volume", "mobility", "--complement", "leadership", "--language", "fr", &path], "cannot be used with"),
        (&["file", "add", "--volume", "mobility", "--language", "fr", "--force", &path], "--force"),
        (&["file"], "Usage"),
        (&["file", "remove"], "remove"),
        (&["file", "add", "--volume", "mobility", "--language", "fr", "--storage-url", "ftp://x/y", &path], "ftp://' is not supported"),
        (&["file", "add", "--volume", "mobility", "--language", "fr", "--database-url", "mysql://x/y", &path], "DATABASE_URL must start with"),
    ] {
        fails(&app, &before, &handbooks(&app.home, arguments), 2, sentence);
    }
}

/// A typo makes neither a database nor a folder.
fn needs_a_database(app: App) {
    let path = put(&app.home, "good.pdf", &pdf(1, 0));
    let absent = app.home.folder.path().join("absent.db");
    let files = app.home.folder.path().join("other-files");
    let url = match app.home.target() {
        Target::Sqlite(_) => format!("sqlite:{}", absent.display()),
        Target::Postgres(url) => format!("{url}_absent"),
    };
    let arguments =
        ["file", "add", "--volume", "mobility", "--language", "fr", "--database-url", &url, "--storage-url", files.to_str().unwrap(), &path];
    let output = handbooks(&app.home, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
    assert!(said(&output.stderr).starts_with("handbooks: "), "{}", said(&output.stderr));
    assert!(!absent.exists() && !files.exists());
    // One that is there, but empty.
    let empty = Home::new(app.home.database, Content::Empty);
    assert!(Store::open(&empty.target()).is_ok());
    let output = add(&empty, "mobility", "fr", &path);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stderr).contains("mobility"), "{}", said(&output.stderr));
    assert_eq!(stored(&empty), BTreeSet::new());
}

fn fulfils_what_waits(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let process = Process::serve(&home, &[]);
    let request = process.call("POST", REQUESTS).json(&least("mobility", "fr")).send().expect(201).json();
    assert_eq!((request["status"].as_str(), request["editions"][0].get("link")), (Some("waiting"), None));
    let open =
        || process.call("GET", &text(&request, "/href")).header("Authorization", &format!("Bearer {}", text(&request, "/accessToken"))).send().ok();
    assert_eq!(open()["status"], "waiting");

    let bytes = pdf(70, 3_000_000);
    let told = added(&home, "mobility", "fr", &put(&home, "guide-4.pdf", &bytes));
    assert!(told.ends_with("; fulfilled by it: 1 request\n"), "{told}");

    let found = open();
    assert_eq!((&found["status"], &found["editions"][0]["status"]), (&json!("fulfilled"), &json!("fulfilled")));
    assert_eq!(found["editions"][0].get("reason"), None);
    let link = text(&found, "/editions/0/link/href");
    let whole = process.get(&link).expect(200);
    assert!(whole.body == bytes, "whole: other bytes");
    let etag = whole.header("etag").unwrap().to_owned();
    // By ranges, the last one first, from several connections.
    let size = bytes.len();
    let parts: Vec<(usize, usize)> = (0..size).step_by(500_000).map(|from| (from, (from + 499_999).min(size - 1))).rev().collect();
    let mut put_together = vec![0; size];
    std::thread::scope(|scope| {
        let (process, link) = (&process, &link);
        let asked: Vec<_> = parts
            .iter()
            .map(|&(from, to)| {
                (from, to, scope.spawn(move || process.call("GET", link).header("Range", &format!("bytes={from}-{to}")).send().expect(206).body))
            })
            .collect();
        for (from, to, part) in asked {
            put_together[from..=to].copy_from_slice(&part.join().unwrap());
        }
    });
    assert!(put_together == bytes, "by ranges: other bytes");
    // Resumed: cut off by the client in the midst, then gone on with under If-Range.
    let mut have = cut_off(&process, &link, 1_000_000);
    let rest = process.call("GET", &link).headers(&[("Range", &format!("bytes={}-", have.len())), ("If-Range", &etag)]).send().expect(206);
    assert_eq!(rest.header("content-range"), Some(format!("bytes {}-{}/{size}", have.len(), size - 1).as_str()));
    have.extend_from_slice(&rest.body);
    assert!(have == bytes, "resumed: other bytes");
}

/// The first bytes of a file, from a connection that the client then breaks off.
fn cut_off(process: &Process, link: &str, count: usize) -> Vec<u8> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(process.address).unwrap();
    let path = link.strip_prefix(&process.base).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    let mut received = Vec::new();
    let mut piece = [0; 65_536];
    let head = loop {
        if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "the answer ends before it begins");
        received.extend_from_slice(&piece[..read]);
    };
    while received.len() < head + count {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "the file ends too early");
        received.extend_from_slice(&piece[..read]);
    }
    received.split_off(head)
}

fn shows_the_facts_of_the_file(app: App) {
    let edition = "/v1/volumes/strategy/editions/fr";
    let before = app.get(edition).expect(200);
    let found = before.json();
    assert_eq!((found.get("file"), &found["obtain"]["available"]), (None, &json!(false)));
    assert_eq!((&found["pages"], &found["pagesSource"]), (&json!(70), &json!("unofficial")));
    let bytes = pdf(12, 4321);
    added(&app.home, "strategy", "fr", &put(&app.home, "guide-1.pdf", &bytes));
    // Another process has written: this one knows within a second.
    let found = within(Duration::from_secs(1), "the file is shown", || Some(app.get(edition).ok()).filter(|found| found["pagesSource"] == "file"));
    assert_eq!(found["pages"], 12);
    assert_eq!(found["obtain"]["available"], true);
    let file = &found["file"];
    for (name, value) in
        [("bytes", json!(bytes.len())), ("sha256", json!(sha256(&bytes))), ("pages", json!(12)), ("mediaType", json!("application/pdf"))]
    {
        assert_eq!(file[name], value, "{name}");
    }
    assert!(text(file, "/fileName").ends_with("(fr).pdf") && !text(file, "/fileName").contains("guide-1"), "{file}");
    // Where it lies is nobody's business, and it is not to be had without a request.
    for absent in ["href", "path", "url", "storage"] {
        assert_eq!(file.get(absent), None, "{absent}");
    }
    // The same from all sides; the other edition has none.
    let volume = app.get("/v1/volumes/strategy").ok();
    assert_eq!(&volume["editions"][0]["file"], file);
    assert_eq!(volume["editions"][1].get("file"), None);
    assert_eq!(app.get("/v1/volumes/strategy/editions").ok()["items"][0]["file"], *file);
    // A cache learns of it.
    assert_eq!(app.call("GET", edition).header("If-None-Match", before.header("etag").unwrap()).send().status, 200);
}

fn lists(app: App) {
    let list = || {
        let output = handbooks(&app.home, &["file", "list"]);
        assert!(output.status.success(), "{}", said(&output.stderr));
        said(&output.stdout)
    };
    let before = list();
    assert_eq!(before.lines().count(), 10, "{before}");
    assert!(before.lines().all(|line| line.ends_with("\tno file")), "{before}");
    let bytes = pdf(1, 0);
    added(&app.home, "mobility", "fr", &put(&app.home, "guide.pdf", &bytes));
    let after = list();
    let line = after.lines().find(|line| line.starts_with("volumes/mobility/fr\t")).unwrap();
    assert_eq!(
        line,
        format!(
            "volumes/mobility/fr\t1 page\t{} bytes\t{}\tGuides Pratiques de la Smart City 4 - La mobilité de demain (fr).pdf",
            bytes.len(),
            sha256(&bytes)
        )
    );
    assert_eq!(after.lines().filter(|line| line.ends_with("\tno file")).count(), 9, "{after}");
}
