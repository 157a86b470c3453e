//! The PDFs of editions, sent by editors: checked, stored, served, taken away; what is no PDF leaves nothing.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use diesel::prelude::*;
use handbooks::catalogue::pen::{self, Author};
use handbooks::db::schema::download_item;
use handbooks::storage::pdf::hex;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Editor;
use crate::support::document::Path as Of;
use crate::support::downloads::{least, text};
use crate::support::keys::bearer;
use crate::support::pdf::{locked, pdf};
use crate::support::process::within;
use crate::support::records::volume;
use crate::support::{Answer, App, Database, Home, both};

both!(
    a_pdf_is_put_replaced_and_taken_away,
    nobody_has_it_before_its_time,
    what_is_no_pdf_leaves_nothing,
    too_large_is_said_before_it_is_sent,
    who_stops_half_way_leaves_nothing,
    no_file_without_its_bytes,
    preconditions_are_told_rightly,
);

const FILE: &str = "/v1/volumes/strategy/editions/fr/file";

fn put(editor: &Editor<'_>, target: &str, bytes: &[u8]) -> Answer {
    editor.call("PUT", target).header("If-Match", "*").header("Content-Type", "application/pdf").body(bytes).send()
}

/// How many files lie in the storage, temporary ones too.
pub fn stored(app: &App) -> usize {
    fn count(folder: &Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
    }
    count(&app.home.folder.path().join("files"))
}

fn a_pdf_is_put_replaced_and_taken_away(app: App) {
    let editor = Editor::new(&app);
    let waiting = app.ask_for(&least("strategy", "fr")).expect(201).json();
    let (first, second) = (pdf(3, 2_000), pdf(4, 100_000));
    // What would come of it is told, and does not.
    let before = (editor.revision(), stored(&app));
    let tried = put(&editor, &format!("{FILE}?fileName=Guide%204.pdf&dryRun=true"), &first).ok();
    put(&editor, &format!("{FILE}?dryRun=true"), b"%PDF-1.7 and no more").expect(400);
    assert_eq!((editor.revision(), stored(&app)), before);
    assert!(app.get("/v1/volumes/strategy/editions/fr").ok().get("file").is_none());
    let file = put(&editor, &format!("{FILE}?fileName=Guide%204.pdf"), &first).ok();
    assert_eq!((&tried["fileName"], &tried["sha256"], &tried["pages"]), (&file["fileName"], &file["sha256"], &file["pages"]));
    assert_eq!((&file["fileName"], &file["pages"], &file["bytes"]), (&json!("Guide 4.pdf"), &json!(3), &json!(first.len())));
    let edition = app.get("/v1/volumes/strategy/editions/fr").ok();
    assert_eq!(edition["file"]["sha256"], file["sha256"]);
    // Who waited for it has it now.
    let request = app.call("GET", &text(&waiting, "/href")).header("Authorization", &bearer(&text(&waiting, "/accessToken"))).send().ok();
    let link = text(&request, "/editions/0/link/href");
    assert_eq!(app.get(&link).expect(200).body, first);

    // The same again changes nothing.
    let before = editor.revision();
    assert_eq!(put(&editor, FILE, &first).ok(), file);
    assert_eq!(editor.revision(), before);
    // Whoever wants to see nothing of it is told that it is so.
    let brief = editor.call("PUT", FILE).header("If-Match", "*").header("Content-Type", "application/pdf").header("Prefer", "return=minimal");
    let brief = brief.body(first.clone()).send().expect(204);
    assert_eq!((brief.header("preference-applied"), brief.body.len()), (Some("return=minimal"), 0));
    assert_eq!(brief.header("etag"), Some(format!("\"{}\"", file["sha256"].as_str().unwrap()).as_str()));
    let file = put(&editor, FILE, &second).ok();
    assert_eq!(file["pages"], 4);
    assert!(file["fileName"].as_str().unwrap().ends_with("(fr).pdf"));
    editor.call("DELETE", FILE).send().expect(428);
    // The same under another name has that name.
    let named = put(&editor, &format!("{FILE}?fileName=Other.pdf"), &second);
    assert_eq!((named.json()["fileName"].as_str(), &named.json()["sha256"]), (Some("Other.pdf"), &file["sha256"]));
    assert_eq!(app.get("/v1/volumes/strategy/editions/fr").ok()["file"]["fileName"], "Other.pdf");
    let tag = named.expect(200).header("etag").unwrap().to_owned();
    // Whoever has seen another file, or only the document, does not overwrite this one.
    let (_, of_document) = editor.document("/v1/volumes/strategy");
    let unseen =
        editor.call("PUT", FILE).header("If-Match", &of_document).header("Content-Type", "application/pdf").body(first.clone()).send().expect(412);
    assert_eq!(unseen.json()["etag"], json!(tag));
    assert_eq!(app.get("/v1/volumes/strategy/editions/fr").ok()["file"]["sha256"], file["sha256"]);
    editor.call("DELETE", FILE).header("If-Match", "\"another\"").send().expect(412);
    editor.call("DELETE", &format!("{FILE}?dryRun=true")).header("If-Match", &tag).send().expect(204);
    assert_eq!(app.get("/v1/volumes/strategy/editions/fr").ok()["file"]["sha256"], file["sha256"]);
    editor.call("DELETE", FILE).header("If-Match", &tag).send().expect(204);
    editor.call("DELETE", FILE).header("If-Match", &tag).send().expect(412);
    editor.call("DELETE", FILE).header("If-Match", &of_document).send().expect(404);
    assert!(app.get("/v1/volumes/strategy/editions/fr").ok().get("file").is_none());
    put(&editor, "/v1/complements/leadership/editions/fr/file", &first).expect(200);
    editor.call("DELETE", "/v1/complements/leadership/editions/fr/file").header("If-Match", "*").send().expect(204);
}

/// The PDF of an announced work, or of an edition whose text is a draft still, is seen and had by nobody; who asked for it waits, and has it on the day.
fn nobody_has_it_before_its_time(app: App) {
    let editor = Editor::new(&app);
    let mut seven = super::volume("seven", 7);
    seven["state"] = json!("announced");
    seven["editions"] = json!([{"language": "fr", "access": "form"}, {"language": "nl", "access": "form"}]);
    editor.post("/v1/volumes", &seven).expect(201);
    let (french, dutch) = (pdf(3, 2_000), pdf(2, 3_000));
    let edition = |code: &str| format!("/v1/volumes/seven/editions/{code}");
    assert_eq!(put(&editor, &format!("{}/file", edition("fr")), &french).ok()["pages"], 3);
    put(&editor, &format!("{}/file", edition("nl")), &dutch).expect(200);
    let ask = |code: &str| app.ask_for(&least("seven", code)).expect(201).json();
    let asked = [ask("fr"), ask("nl")];
    let state = |one: &serde_json::Value| {
        let token = bearer(&text(one, "/accessToken"));
        app.call("GET", &text(one, "/href")).header("Authorization", &token).send().ok()
    };
    let shown = |code: &str| {
        let shown = app.get(&edition(code)).ok();
        (shown.get("file").is_some(), shown["obtain"]["available"].as_bool().unwrap())
    };
    let waits = |one: &serde_json::Value| state(one)["status"] == "waiting" && state(one)["editions"][0].get("link").is_none();
    assert!(asked.iter().all(waits), "{:?}", asked.each_ref().map(state));
    assert_eq!((shown("fr"), shown("nl")), ((false, false), (false, false)));
    assert!(!app.get("/v1/catalogue?lang=*").text().contains(".pdf\""));

    editor.patch("/v1/volumes/seven", "*", &json!({"state": "published"})).expect(200);
    assert_eq!((shown("fr"), shown("nl")), ((true, true), (false, false)));
    assert_eq!(app.get(&text(&state(&asked[0]), "/editions/0/link/href")).expect(200).body, french);
    assert!(waits(&asked[1]));
    // The database knows it too, though nobody put a file then.
    let fulfilled = |app: &App| -> i64 {
        let count = download_item::table.filter(download_item::state.eq("fulfilled")).count();
        app.state.store.read(|db| Ok(count.get_result(db)?)).unwrap()
    };
    within(Duration::from_secs(20), "one is fulfilled", || (fulfilled(&app) == 1).then_some(()));
    editor.patch("/v1/volumes/seven", "*", &json!({"texts": {"nl": {"state": "published"}}})).expect(200);
    let link = text(&state(&asked[1]), "/editions/0/link/href");
    assert_eq!(app.get(&link).expect(200).body, dutch);
    within(Duration::from_secs(20), "both are fulfilled", || (fulfilled(&app) == 2).then_some(()));
    // Announced again, it is closed again.
    editor.patch("/v1/volumes/seven", "*", &json!({"state": "announced"})).expect(200);
    app.get(&link).expect(410);
}

fn what_is_no_pdf_leaves_nothing(app: App) {
    let editor = Editor::new(&app);
    let before = (editor.revision(), stored(&app));
    let whole = pdf(3, 50_000);
    for (bytes, word) in [
        (b"PK\x03\x04rest".to_vec(), "ZIP"),
        (whole[..whole.len() / 2].to_vec(), "cut off"),
        (b"hello".to_vec(), "%PDF-"),
        (Vec::new(), "empty"),
        (locked(), "password"),
        (b"%PDF-1.5\nnothing\n%%EOF".to_vec(), "damaged"),
    ] {
        let answer = put(&editor, FILE, &bytes).expect(400);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(word) && detail.starts_with("The file "), "{detail}");
        assert_eq!(answer.issues().len(), 1);
        assert!(!detail.contains("/tmp") && !detail.contains(".tmp"), "{detail}");
    }
    editor.call("PUT", FILE).header("If-Match", "*").header("Content-Type", "application/zip").body("x").send().expect(415);
    let missing = editor.call("PUT", FILE).header("Content-Type", "application/pdf").body(whole.clone()).send().expect(428).text();
    assert!(missing.contains("the ETag of the file, which is its SHA-256"), "{missing}");
    app.call("PUT", FILE).header("If-Match", "*").header("Content-Type", "application/pdf").body(whole.clone()).send().expect(401);
    put(&editor, "/v1/volumes/strategy/editions/de/file", &whole).expect(404);
    put(&editor, "/v1/volumes/nothing/editions/fr/file", &whole).expect(404);
    for name in ["..%2Fa.pdf", "a.zip", "%20", "a%00.pdf"] {
        put(&editor, &format!("{FILE}?fileName={name}"), &whole).expect(400);
    }
    assert_eq!(put(&editor, "/v1/volumes/No/editions/xx/file?x=1", &whole).expect(400).issues().len(), 3);
    assert_eq!((editor.revision(), stored(&app)), before);
}

fn too_large_is_said_before_it_is_sent(database: Database) {
    let app = App::with(Home::new(database, crate::support::database::Content::Seeded), &["--max-file-bytes=20000"]);
    let editor = Editor::new(&app);
    put(&editor, FILE, &pdf(1, 100)).expect(200);
    let headers = format!("Authorization: Bearer {}\r\nIf-Match: *\r\nContent-Type: application/pdf\r\nContent-Length: 20001\r\n", editor.key);
    let answer = app.raw("PUT", FILE.as_bytes(), headers.as_bytes(), Of::Documented).expect(413);
    assert_eq!(answer.json()["limit"], 20_000);
    // What does not say how much it is, is cut.
    let body = "x".repeat(30_000);
    let headers = format!(
        "Authorization: Bearer {}\r\nIf-Match: *\r\nContent-Type: application/pdf\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n",
        editor.key,
        body.len()
    );
    app.raw("PUT", FILE.as_bytes(), headers.as_bytes(), Of::Documented).expect(413);
}

fn who_stops_half_way_leaves_nothing(app: App) {
    let editor = Editor::new(&app);
    let before = (editor.revision(), stored(&app));
    let whole = pdf(3, 200_000);
    let mut stream = TcpStream::connect(app.address).unwrap();
    let head = format!(
        "PUT {FILE} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nIf-Match: *\r\nContent-Type: application/pdf\r\nContent-Length: {}\r\n\r\n",
        editor.key,
        whole.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&whole[..whole.len() / 2]).unwrap();
    stream.flush().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    drop(stream);
    within(Duration::from_secs(10), "nothing is left", || ((editor.revision(), stored(&app)) == before).then_some(()));
    put(&editor, FILE, &whole).expect(200);
}

/// Where the storage keeps bytes.
pub fn place(app: &App, bytes: &[u8]) -> PathBuf {
    let sha256 = hex(&Sha256::digest(bytes));
    app.home.folder.path().join("files/sha256").join(&sha256[..2]).join(&sha256)
}

/// Holds the pen while `act` runs, takes what lies at `place` away as soon as it is there, and lets the pen go: as another write does that had brought the
/// same bytes and fails.
pub fn robbed(app: &App, place: &Path, act: impl FnOnce() -> Answer) -> Answer {
    std::thread::scope(|scope| {
        let (taken, wait) = mpsc::channel();
        scope.spawn(move || {
            pen::with(&app.state.store, &Author::command("test"), |_| {
                taken.send(()).unwrap();
                within(Duration::from_secs(20), "the bytes are there", || std::fs::remove_file(place).ok());
                Ok(())
            })
            .unwrap();
        });
        wait.recv().unwrap();
        act()
    })
}

fn no_file_without_its_bytes(app: App) {
    let editor = Editor::new(&app);
    let before = stored(&app);
    let bytes = pdf(2, 5_000);
    let answer = robbed(&app, &place(&app, &bytes), || put(&editor, FILE, &bytes)).expect(503);
    assert!(answer.header("retry-after").is_some());
    assert!(app.get("/v1/volumes/strategy/editions/fr").ok().get("file").is_none());
    assert_eq!(stored(&app), before);
    // Of rivals with the same bytes one wins, and what the others take back is not its file.
    for round in 0..4 {
        let bytes = pdf(1, 20_000 + round);
        let (_, tag) = editor.document("/v1/volumes/strategy");
        let put = || editor.call("PUT", FILE).header("If-Match", &tag).header("Content-Type", "application/pdf").body(bytes.clone()).send().status;
        let mut statuses: Vec<u16> = std::thread::scope(|scope| {
            let rivals: Vec<_> = (0..4).map(|_| scope.spawn(put)).collect();
            rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412]);
        assert!(place(&app, &bytes).exists());
        editor.call("DELETE", FILE).header("If-Match", "*").send().expect(204);
    }
    put(&editor, FILE, &bytes).expect(200);
    assert_eq!(app.get(&app.link("strategy", "fr")).expect(200).body, bytes);
}

fn preconditions_are_told_rightly(app: App) {
    let editor = Editor::new(&app);
    let (_, tag) = editor.document("/v1/volumes/strategy");
    // A weak tag never fits (RFC 9110 section 13.1.1), and the reason is told.
    let told = |answer: Answer| answer.expect(412).text();
    let weak = format!("W/{tag}");
    let detail = told(editor.patch("/v1/volumes/strategy", &weak, &json!({"note": "x"})));
    assert!(detail.contains("takes strong ETags alone") && detail.contains("without the W/"), "{detail}");
    editor.patch("/v1/volumes/strategy", &format!("{weak}, {tag}"), &json!({"note": "x"})).expect(200);
    let bytes = pdf(1, 10);
    let of_file = put(&editor, FILE, &bytes).header("etag").unwrap().to_owned();
    assert!(told(editor.delete(FILE, &format!("W/{of_file}"))).contains("without the W/"));
    for (part, method) in [("file", "DELETE"), ("cover", "DELETE"), ("cover", "PUT")] {
        let answer = editor.call(method, &format!("/v1/volumes/strategy/editions/fr/{part}")).send().expect(428).text();
        assert!(answer.contains(&format!("the ETag of the {part}, which is its SHA-256")) && answer.contains("the work's document"), "{answer}");
    }
    // One request for two editions is one request.
    app.pen("seven", &format!("{}[[editions]]\nlanguage = \"nl\"\naccess = \"form\"\n", volume(7, "published", "Sept")));
    let mut body = least("seven", "fr");
    body["editions"] = json!([{"volume": "seven", "language": "fr"}, {"volume": "seven", "language": "nl"}]);
    app.ask_for(&body).expect(201);
    let held = editor.delete("/v1/volumes/seven", "*").expect(409).text();
    assert!(held.contains("1 download request hangs on the volume 'seven'"), "{held}");
}
