//! The covers of editions: images that are checked, scaled, served, kept in history and carried along; what is no image leaves nothing.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use handbooks::catalogue::volume::VolumeDocument;
use image::ImageFormat;
use serde_json::{Value, json};

use super::files::{place, robbed, stored};
use super::{Editor, volume};
use crate::support::document::Path as Of;
use crate::support::image::{image, sides};
use crate::support::process::within;
use crate::support::{Answer, App, Database, Home, both};

both!(
    a_cover_is_put_served_and_taken_away,
    every_format_is_served_as_what_browsers_show,
    what_is_no_cover_leaves_nothing,
    who_stops_half_way_leaves_nothing,
    no_cover_without_its_bytes,
    a_cover_is_as_public_as_its_edition,
    history_and_mirrors_know_it,
    a_document_names_images_that_are_here,
    the_largest_is_a_setting,
);

const COVER: &str = "/v1/volumes/strategy/editions/nl/cover";

fn put(editor: &Editor<'_>, target: &str, tag: &str, media_type: &str, bytes: &[u8]) -> Answer {
    editor.call("PUT", target).header("If-Match", tag).header("Content-Type", media_type).body(bytes).send()
}

fn widths(cover: &Value) -> Vec<i64> {
    cover["sizes"].as_array().unwrap().iter().map(|size| size["width"].as_i64().unwrap()).collect()
}

fn a_cover_is_put_served_and_taken_away(app: App) {
    let editor = Editor::new(&app);
    app.get(COVER).expect(404);
    let (first, second) = (image(1_500, 2_000, 255, ImageFormat::Jpeg), image(500, 700, 255, ImageFormat::Png));
    // While there is none, the work's document is what must have been seen.
    let (_, of_document) = editor.document("/v1/volumes/strategy");
    // Small, because a refusal comes before the body is read.
    let small = image(200, 200, 255, ImageFormat::Png);
    put(&editor, COVER, "\"another\"", "image/png", &small).expect(412);
    // What would come of it is told, and does not.
    let before = (editor.revision(), stored(&app));
    let tried = put(&editor, &format!("{COVER}?dryRun=true"), &of_document, "image/jpeg", &first).expect(200);
    put(&editor, &format!("{COVER}?dryRun=true"), &of_document, "image/png", &image(200, 199, 255, ImageFormat::Png)).expect(400);
    assert_eq!((editor.revision(), stored(&app)), before);
    app.get(COVER).expect(404);
    let made = put(&editor, COVER, &of_document, "image/jpeg", &first).expect(200);
    assert_eq!((tried.json(), tried.header("etag")), (made.json(), made.header("etag")));
    let brief = editor.call("PUT", COVER).header("If-Match", "*").header("Content-Type", "image/jpeg").header("Prefer", "return=minimal");
    let brief = brief.body(first.clone()).send().expect(204);
    assert_eq!((brief.header("etag"), brief.header("preference-applied")), (made.header("etag"), Some("return=minimal")));
    let cover = made.json();
    assert_eq!(widths(&cover), [160, 320, 640, 1280]);
    assert_eq!((&cover["width"], &cover["height"], &cover["mediaType"]), (&json!(1280), &json!(1707), &json!("image/jpeg")));
    assert_eq!(app.get("/v1/volumes/strategy/editions/nl").ok()["cover"], cover);
    assert!(app.get("/v1/volumes/strategy/editions/fr").ok().get("cover").is_none());
    let listed = app.get("/v1/volumes/strategy").ok();
    assert!(listed["editions"].as_array().unwrap().iter().any(|edition| edition.get("cover") == Some(&cover)));

    // Each size is what it says, at its own address.
    for size in cover["sizes"].as_array().unwrap() {
        let shown = app.get(size["href"].as_str().unwrap()).expect(200);
        assert_eq!(sides(&shown.body), (size["width"].as_i64().unwrap(), size["height"].as_i64().unwrap()));
        assert_eq!((shown.header("content-type"), shown.header("content-disposition")), (Some("image/jpeg"), Some("inline")));
        assert_eq!(shown.header("content-length"), Some(shown.body.len().to_string().as_str()));
        assert_eq!((shown.header("cross-origin-resource-policy"), shown.header("x-content-type-options")), (Some("cross-origin"), Some("nosniff")));
    }
    for (width, served) in [(1, 160), (160, 160), (161, 320), (641, 1280), (8_000, 1280)] {
        assert_eq!(sides(&app.get(&format!("{COVER}?width={width}")).expect(200).body).0, served);
    }
    let whole = app.get(COVER).expect(200);
    assert_eq!(sides(&whole.body).0, 1280);
    let tag = whole.header("etag").unwrap();
    assert_eq!(app.call("GET", COVER).header("If-None-Match", tag).send().expect(304).body.len(), 0);
    let head = app.call("HEAD", COVER).send().expect(200);
    assert_eq!((head.header("content-length"), head.body.len()), (whole.header("content-length"), 0));
    for bad in ["width=0", "width=8001", "width=wide", "width=1&width=2", "size=1"] {
        assert_eq!(app.get(&format!("{COVER}?{bad}")).expect(400).issues().len(), 1, "{bad}");
    }
    assert_eq!(app.get("/v1/volumes/No/editions/xx/cover?width=0").expect(400).issues().len(), 3);

    // The same again changes nothing; another one is put by who has seen this one.
    let of_cover = made.header("etag").unwrap().to_owned();
    let before = (editor.revision(), stored(&app));
    assert_eq!(put(&editor, COVER, &of_cover, "image/jpeg", &first).ok(), cover);
    assert_eq!((editor.revision(), stored(&app)), before);
    put(&editor, COVER, &of_document, "image/png", &small).expect(412);
    let replaced = put(&editor, COVER, &of_cover, "image/png", &second).expect(200);
    assert_eq!(widths(&replaced.json()), [160, 320, 500]);
    assert_eq!(sides(&app.get(COVER).expect(200).body), (500, 700));

    editor.call("DELETE", COVER).send().expect(428);
    editor.delete(COVER, &of_cover).expect(412);
    editor.delete(&format!("{COVER}?dryRun=true"), replaced.header("etag").unwrap()).expect(204);
    app.get(COVER).expect(200);
    editor.delete(COVER, replaced.header("etag").unwrap()).expect(204);
    editor.delete(COVER, "*").expect(404);
    app.get(COVER).expect(404);
    assert!(app.get("/v1/volumes/strategy/editions/nl").ok().get("cover").is_none());
    put(&editor, "/v1/complements/leadership/editions/fr/cover", "*", "image/png", &second).expect(200);
    app.get("/v1/complements/leadership/editions/fr/cover?width=320").expect(200);
}

fn every_format_is_served_as_what_browsers_show(app: App) {
    let editor = Editor::new(&app);
    for (format, media_type, alpha, served) in [
        (ImageFormat::Png, "image/png", 255, "image/jpeg"),
        (ImageFormat::Jpeg, "image/jpeg", 255, "image/jpeg"),
        (ImageFormat::WebP, "image/webp", 255, "image/jpeg"),
        (ImageFormat::Png, "image/png", 120, "image/png"),
        (ImageFormat::WebP, "image/webp", 120, "image/png"),
    ] {
        let cover = put(&editor, COVER, "*", media_type, &image(330, 400, alpha, format)).ok();
        assert_eq!((cover["mediaType"].as_str(), widths(&cover)), (Some(served), vec![160, 320, 330]), "{media_type}");
        assert_eq!(app.get(COVER).expect(200).header("content-type"), Some(served));
    }
}

fn what_is_no_cover_leaves_nothing(app: App) {
    let editor = Editor::new(&app);
    let before = (editor.revision(), stored(&app));
    // Small, because a refusal comes before the body is read.
    let good = image(200, 200, 255, ImageFormat::Png);
    let mut bomb = good.clone();
    bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    for (bytes, media_type, word) in [
        (b"PK\x03\x04rest".to_vec(), "image/png", "no PNG, JPEG or WebP"),
        (b"%PDF-1.7".to_vec(), "image/png", "no PNG, JPEG or WebP"),
        (b"GIF89a\x01\x00\x01\x00".to_vec(), "image/png", "no PNG, JPEG or WebP"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), "image/png", "no PNG, JPEG or WebP"),
        (Vec::new(), "image/webp", "no PNG, JPEG or WebP"),
        (good[..good.len() / 2].to_vec(), "image/png", "damaged"),
        (bomb, "image/png", "The body "),
        (image(199, 300, 255, ImageFormat::Png), "image/png", "199 × 300"),
        (good.clone(), "image/jpeg", "Content-Type says image/jpeg"),
    ] {
        let answer = put(&editor, COVER, "*", media_type, &bytes).expect(400);
        assert!(answer.json()["detail"].as_str().unwrap().contains(word), "{}", answer.text());
        assert_eq!(answer.issues().len(), 1);
    }
    put(&editor, COVER, "*", "image/gif", &good).expect(415);
    // Whoever says that it is too large is told before it is sent.
    let headers = format!("Authorization: Bearer {}\r\nIf-Match: *\r\nContent-Type: image/png\r\nContent-Length: 10485761\r\n", editor.key);
    assert_eq!(app.raw("PUT", COVER.as_bytes(), headers.as_bytes(), Of::Documented).expect(413).json()["limit"], 10_485_760);
    editor.call("PUT", COVER).header("Content-Type", "image/png").body(good.clone()).send().expect(428);
    app.call("PUT", COVER).header("If-Match", "*").header("Content-Type", "image/png").body(good.clone()).send().expect(401);
    put(&editor, "/v1/volumes/strategy/editions/de/cover", "*", "image/png", &good).expect(404);
    put(&editor, "/v1/volumes/nothing/editions/fr/cover", "*", "image/png", &good).expect(404);
    assert_eq!(put(&editor, "/v1/volumes/No/editions/xx/cover?x=1", "*", "image/png", &good).expect(400).issues().len(), 3);
    assert_eq!((editor.revision(), stored(&app)), before);
}

fn who_stops_half_way_leaves_nothing(app: App) {
    let editor = Editor::new(&app);
    let before = (editor.revision(), stored(&app));
    let whole = image(900, 900, 255, ImageFormat::Png);
    let mut stream = TcpStream::connect(app.address).unwrap();
    let head = format!(
        "PUT {COVER} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nIf-Match: *\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n",
        editor.key,
        whole.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&whole[..whole.len() / 2]).unwrap();
    stream.flush().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    drop(stream);
    within(Duration::from_secs(10), "nothing is left", || ((editor.revision(), stored(&app)) == before).then_some(()));
    put(&editor, COVER, "*", "image/png", &whole).expect(200);
}

fn a_cover_is_as_public_as_its_edition(app: App) {
    let editor = Editor::new(&app);
    editor.post("/v1/volumes", &volume("governance", 70)).expect(201);
    let cover = "/v1/volumes/governance/editions/fr/cover";
    put(&editor, cover, "*", "image/png", &image(300, 300, 255, ImageFormat::Png)).expect(200);
    app.get(cover).expect(404);
    assert!(editor.get("/v1/volumes/governance/editions/fr?preview=true").ok().get("cover").is_some());
    // Who may see the draft sees its cover.
    let preview = editor.get(&format!("{cover}?preview=true&width=160")).expect(200);
    assert_eq!((sides(&preview.body).0, preview.header("cache-control")), (160, Some("no-store")));
    app.get(&format!("{cover}?preview=true")).expect(401);
    editor.patch("/v1/volumes/governance", "*", &json!({"state": "published"})).expect(200);
    app.get(cover).expect(200);
    editor.patch("/v1/volumes/governance", "*", &json!({"id": "governing"})).expect(200);
    let moved = app.get(&format!("{cover}?width=160")).expect(308);
    assert_eq!(moved.header("location"), Some(format!("{}/v1/volumes/governing/editions/fr/cover?width=160", app.base).as_str()));
    editor.patch("/v1/volumes/governing", "*", &json!({"state": "withdrawn"})).expect(200);
    app.get("/v1/volumes/governing/editions/fr/cover").expect(410);
}

fn history_and_mirrors_know_it(app: App) {
    let editor = Editor::new(&app);
    let cursor = app.get("/v1/changes?since=now").ok()["cursor"].as_str().unwrap().to_owned();
    let bare = editor.revision();
    let cover = put(&editor, COVER, "*", "image/webp", &image(640, 480, 255, ImageFormat::WebP)).ok();
    let with = editor.revision();
    let change = app.get(&format!("/v1/changes?after={cursor}")).ok()["items"][0].clone();
    assert_eq!((&change["change"], &change["id"]), (&json!("updated"), &json!("strategy")));
    let history = editor.get("/v1/volumes/strategy/history").ok();
    assert_eq!(history["items"][0]["action"], "coverAdded");
    let added = history["items"][0]["version"].as_i64().unwrap();
    editor.delete(COVER, "*").expect(204);
    assert_eq!(editor.get("/v1/volumes/strategy/history").ok()["items"][0]["action"], "coverRemoved");
    // As it was, and as it will be.
    let then = |revision: i64| app.get(&format!("/v1/volumes/strategy/editions/nl?at={revision}")).ok().get("cover").cloned();
    assert_eq!((then(bare), then(with), then(with + 1)), (None, Some(cover.clone()), None));
    // So is the image itself: with it, without it, and never before.
    app.get(COVER).expect(404);
    assert_eq!(sides(&app.get(&format!("{COVER}?at={with}&width=320")).expect(200).body).0, 320);
    app.get(&format!("{COVER}?at={bare}")).expect(404);
    app.get(&format!("{COVER}?at=9999999")).expect(400);
    editor.call("POST", &format!("/v1/volumes/strategy/history/{added}/restore")).header("If-Match", "*").send().expect(200);
    assert_eq!(app.get("/v1/volumes/strategy/editions/nl").ok()["cover"], cover);
    app.get(COVER).expect(200);
    let csv = app.get("/v1/catalogue?format=csv");
    let csv = if csv.status == 200 { csv } else { app.call("GET", "/v1/catalogue").header("Accept", "text/csv").send().expect(200) };
    assert!(csv.text().contains(&format!("{}\r\n", cover["href"].as_str().unwrap())));
}

fn a_document_names_images_that_are_here(app: App) {
    let editor = Editor::new(&app);
    let tag = put(&editor, COVER, "*", "image/png", &image(300, 400, 255, ImageFormat::Png))
        .expect(200)
        .header("etag")
        .unwrap()
        .trim_matches('"')
        .to_owned();
    let (document, _) = editor.document("/v1/volumes/strategy/editions/nl");
    assert_eq!(document["cover"], json!(tag));
    // Another edition may have the same.
    editor.patch("/v1/volumes/mobility/editions/fr", "*", &json!({"cover": tag})).expect(200);
    assert_eq!(sides(&app.get("/v1/volumes/mobility/editions/fr/cover").expect(200).body), (300, 400));
    let missing = editor.patch("/v1/volumes/mobility/editions/fr", "*", &json!({"cover": "0".repeat(64)})).expect(400);
    assert_eq!((missing.issues()[0].name.as_str(), missing.issues()[0].kind.as_str()), ("/cover", "referencedResourceNotFound"));
    assert!(missing.text().contains("'/cover': no image"), "{}", missing.text());
    editor.patch("/v1/volumes/mobility/editions/fr", "*", &json!({"cover": "short"})).expect(400);
    app.amend::<VolumeDocument>("mobility", |volume| volume.0.editions[0].cover = None);
    app.get("/v1/volumes/mobility/editions/fr/cover").expect(404);
}

fn no_cover_without_its_bytes(app: App) {
    let editor = Editor::new(&app);
    let before = stored(&app);
    let bytes = image(300, 400, 255, ImageFormat::Png);
    // The image itself is the last that is stored: its sizes are there by then.
    robbed(&app, &place(&app, &bytes), || put(&editor, COVER, "*", "image/png", &bytes)).expect(503);
    app.get(COVER).expect(404);
    assert_eq!(stored(&app), before);
    put(&editor, COVER, "*", "image/png", &bytes).expect(200);
    app.get(COVER).expect(200);
}

fn the_largest_is_a_setting(database: Database) {
    let bytes = image(300, 400, 255, ImageFormat::Png);
    let home = Home::new(database, crate::support::database::Content::Seeded);
    let app = App::with(home, &[&format!("--max-cover-bytes={}", bytes.len())]);
    let editor = Editor::new(&app);
    put(&editor, COVER, "*", "image/png", &bytes).expect(200);
    let more = [bytes.as_slice(), b"0"].concat();
    assert_eq!(put(&editor, COVER, "*", "image/png", &more).expect(413).json()["limit"], bytes.len());
}
