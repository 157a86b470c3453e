//! The collection as files: what is exported from one database and imported into another answers the same, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use chrono::TimeDelta;
use handbooks::catalogue::event::EventDocument;
use handbooks::catalogue::pen::{self, Action, Author};
use handbooks::catalogue::record::State;
use handbooks::catalogue::theme::ThemeDocument;
use handbooks::catalogue::volume::VolumeDocument;
use handbooks::catalogue::{revision, seed};
use handbooks::db::types::{now, rfc3339};
use handbooks::operations::file::Kind;
use image::ImageFormat;

use crate::support::database::Content;
use crate::support::document::reads;
use crate::support::downloads::least;
use crate::support::image::image;
use crate::support::keys::{bearer, make_key};
use crate::support::pdf::pdf;
use crate::support::process::handbooks;
use crate::support::records::{document, volume};
use crate::support::{App, Database, Home, Process, both, crawl};

both!(
    goes_from_one_database_into_the_other,
    is_idempotent_and_leaves_alone_what_is_the_same,
    an_edited_file_is_dated_anew,
    removes_unless_told_to_keep,
    what_cannot_be_done_is_told_all_at_once,
    tombstones_follow_and_order_counts,
    follows_a_rename,
    says_what_it_would_do,
    numbers_change_hands,
    one_document_alone,
    nothing_is_imported_when_anything_is_wrong,
    a_file_that_comes_with_an_import_is_delivered,
    a_new_text_is_in_the_audit_log,
);

#[track_caller]
fn said(output: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    stdout.into_owned()
}

#[track_caller]
fn refused(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{}{stderr}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    stderr
}

/// All files below a folder, by their path in it.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, at: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, all);
            } else {
                all.insert(path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(folder, folder, &mut all);
    all
}

#[track_caller]
fn assert_same(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in one {
        assert!(other[name] == *bytes, "{name} differs:\n{}\n---\n{}", String::from_utf8_lossy(bytes), String::from_utf8_lossy(&other[name]));
    }
}

fn revision_of(home: &Home) -> i64 {
    home.open().read(revision::current).unwrap().number
}

/// A collection with everything that can happen to one.
fn lived(database: Database) -> App {
    let app = App::new(database);
    let later = rfc3339(now() + TimeDelta::days(30));
    app.edit::<VolumeDocument>(
        "zeven",
        &format!("publishAt = \"{later}\"\nnote = \"Vertrouwelijk \\\"\\\"\\\"\\nregel\"\n{}", volume(7, "draft", "Zeven")),
    );
    app.edit::<VolumeDocument>("acht", &format!("expectedOn = \"2027-11\"\n{}", volume(8, "announced", "Huit")));
    // Events of one day follow each other as they were made, not by their ids.
    for id in ["same-day-b", "same-day-a", "same-day-c"] {
        app.edit::<EventDocument>(
            id,
            &format!("kind = \"workshop\"\nstartsOn = \"2025-05-05\"\nvolumes = [\"mobility\"]\n[texts.fr]\ntitle = \"{id}\"\n"),
        );
    }
    app.amend::<VolumeDocument>("mobility", |volume| {
        let mut dutch = volume.0.texts["fr"].clone();
        dutch.title = Some("De mobiliteit van morgen: \\ \"aanhaling\" 'n tab\u{301}".into());
        dutch.state = Some("draft".into());
        dutch.publish_at = Some(later.clone());
        volume.0.texts.insert("nl".into(), dutch);
    });
    app.amend::<VolumeDocument>("strategy", |volume| {
        volume.0.texts.get_mut("nl").unwrap().summary = Some("Eén regel\nen nog één".into());
        volume.0.withdraw_at = Some(later.clone());
    });
    app.amend::<VolumeDocument>("data-governance", |volume| volume.0.state = State::Withdrawn);
    app.edit::<VolumeDocument>("dix", &volume(10, "published", "Dix"));
    pen::with(&app.state.store, &Author::command("test"), |pen| pen.rename("volume", "dix", "tien")).expect("a rename");
    pen::with(&app.state.store, &Author::command("test"), |pen| {
        pen.rename("volume", "mobility", "moving")?;
        pen.rename("theme", "mobility", "movement")?;
        pen.rename("volume", "moving", "mobility-of-tomorrow")?;
        pen.remove("testimony", "thomas-charlier")?;
        pen.remove("volume", "tien")
    })
    .expect("renames");
    // A draft of the same id is nobody's business, and the deleted one is still known as that.
    app.edit::<VolumeDocument>("tien", &volume(11, "draft", "Tien opnieuw"));
    app.add_file(Kind::Volume, "mobility-of-tomorrow", "fr", &pdf(3, 5_000));
    app.add_file(Kind::Volume, "strategy", "nl", &pdf(1, 100));
    app.add_file(Kind::Volume, "strategy", "nl", &pdf(2, 200_000));
    let key = make_key(&app, &["catalogue:write"]);
    let put = app.call("PUT", "/v1/volumes/strategy/editions/nl/cover").header("Authorization", &bearer(&key)).header("If-Match", "*");
    put.header("Content-Type", "image/webp").body(image(400, 600, 255, ImageFormat::WebP)).send().expect(200);
    app
}

/// Without the cursors, which are of the server that made them.
fn unmarked(text: &str) -> String {
    let mut pieces = text.split("&after=");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + "&after=…" + piece.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-'))
}

/// Every public answer, by its address, with its ETag.
fn everything(app: &App) -> BTreeMap<String, (String, String)> {
    let mut all = BTreeMap::new();
    let add = |all: &mut BTreeMap<String, (String, String)>, target: &str| {
        let answer = app.get(target);
        let bytes = String::from_utf8(answer.body.clone()).unwrap().replace(&app.base, "http://base");
        // The address is in the bytes, so the tag of the same answer on another port is another one.
        // Each refusal has a number of its own.
        let bytes = match answer.status {
            200 => unmarked(&bytes),
            status => format!("{status} {} {}", answer.json()["detail"], answer.json()["tombstone"]),
        };
        let etag = answer.header("etag").map(|_| "a tag").unwrap_or_default().to_owned();
        all.insert(unmarked(&target.replace(&app.base, "")), (bytes, etag));
    };
    for operation in reads() {
        let lists = operation.parameters().iter().any(|one| one["name"] == "after");
        let localized = operation.parameters().iter().any(|one| one["name"] == "lang");
        if !localized || operation.path.contains('{') || operation.path == "/v1/downloadForm" {
            continue;
        }
        for lang in ["nl", "*"] {
            let first = format!("{}?lang={lang}{}", operation.path, if lists { "&pageSize=7" } else { "" });
            for page in crawl(app, &first) {
                let page_itself = page["self"].as_str().unwrap_or(&first).to_owned();
                // Pages after the first one are told apart by what is on them.
                let mark = page["items"][0]["id"].as_str().unwrap_or_default();
                let answer = unmarked(&page.to_string().replace(&app.base, "http://base"));
                all.insert(format!("{} {mark}", unmarked(&page_itself.replace(&app.base, ""))), (answer, String::new()));
                for item in page["items"].as_array().into_iter().flatten() {
                    let href = item["href"].as_str().unwrap();
                    add(&mut all, &format!("{href}?lang={lang}"));
                    for edition in item["editions"].as_array().into_iter().flatten() {
                        add(&mut all, &format!("{}?lang={lang}", edition["href"].as_str().unwrap()));
                    }
                }
            }
        }
    }
    let gone = ["/v1/testimonies/thomas-charlier", "/v1/volumes/tien", "/v1/volumes/dix", "/v1/volumes/tien/editions/fr"];
    for target in gone.into_iter().chain(["/v1/volumes/never"]) {
        add(&mut all, target);
    }
    for target in gone {
        assert!(all[target].0.starts_with("410 ") && all[target].0.contains("deletedAt"), "{target}: {}", all[target].0);
    }
    for target in ["/v1/volumes/data-governance", "/v1/volumes/zeven", "/v1/volumes?sort=-updatedAt", "/v1/downloadForm?volume=strategy&lang=fr"] {
        add(&mut all, target);
    }
    all
}

/// The faces that mirrors compare: of every public record and language its tag.
fn faces(app: &App) -> Vec<(String, String, String, String)> {
    use diesel::prelude::*;
    use handbooks::db::schema::public_face::dsl;
    app.state
        .store
        .read(|db| {
            Ok(dsl::public_face.order((dsl::kind, dsl::id, dsl::language)).select((dsl::kind, dsl::id, dsl::language, dsl::etag)).load::<(
                String,
                String,
                String,
                String,
            )>(db)?)
        })
        .unwrap()
}

fn other(database: Database) -> Database {
    // Without a server to test with, only the one kind is there.
    match (database, std::env::var_os("HANDBOOKS_TEST_POSTGRES_URL")) {
        (Database::Sqlite, Some(_)) => Database::Postgres,
        _ => Database::Sqlite,
    }
}

fn goes_from_one_database_into_the_other(database: Database) {
    let app = lived(database);
    let home = &app.home;
    let exported = home.folder.path().join("out");
    let told = said(&handbooks(home, &["export", "out", "--files"]));
    assert!(told.contains("and 3 PDFs and covers"), "{told}");
    let first = tree(&exported);
    assert!(first.keys().all(|name| name.ends_with(".toml") || name.starts_with("files/")), "{:?}", first.keys());
    assert_eq!(first.keys().filter(|name| name.starts_with("files/")).count(), 3);
    for secret in ["SECRET", "requester"] {
        assert!(!first.values().any(|bytes| String::from_utf8_lossy(bytes).contains(secret)));
    }
    // The same state again: the same bytes, and not one file touched.
    let told = said(&handbooks(home, &["export", "out", "--files"]));
    assert!(told.ends_with("0 written, 0 removed\n"), "{told}");
    assert_same(&first, &tree(&exported));

    let copy = Home::new(other(database), Content::Empty);
    let folder = exported.to_str().unwrap();
    let told = said(&handbooks(&copy, &["import", folder]));
    assert!(told.contains("volumes/zeven: is new") && told.contains(" imported"), "{told}");
    said(&handbooks(&copy, &["export", "out", "--files"]));
    assert_same(&first, &tree(&copy.folder.path().join("out")));

    let copy = App::with(copy, &[]);
    let (here, there) = (everything(&app), everything(&copy));
    assert!(here.len() > 100, "{}", here.len());
    assert_eq!(here.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>());
    for (target, answer) in &here {
        assert_eq!(answer, &there[target], "{target}");
    }
    // Tags do not hang on addresses there.
    assert_eq!(faces(&app), faces(&copy));
    // Behind one public address the tags of HTTP are the same as well.
    let public = [("HANDBOOKS_PUBLIC_URL", "https://api.example.org/handbooks")];
    let (one, two) = (Process::serve(&app.home, &public), Process::serve(&copy.home, &public));
    for target in
        ["volumes", "complements", "events", "testimonies", "themes", "languages", "collection", "volumes/strategy", "volumes/strategy/editions/nl"]
    {
        let target = format!("/v1/{target}?lang=*");
        let (here, there) = (one.call("GET", &target).attempt().unwrap(), two.call("GET", &target).attempt().unwrap());
        assert_eq!((here.status, here.header("etag")), (200, there.header("etag")), "{target}");
        assert!(here.body == there.body && here.header("etag").is_some(), "{target}");
    }
    // Links to former ids, and the files, came along.
    let link = copy.link("strategy", "nl");
    assert_eq!(copy.get(&link).expect(200).body, pdf(2, 200_000));
    let cover = "/v1/volumes/strategy/editions/nl/cover?width=160";
    assert_eq!(app.get(cover).expect(200).body, copy.get(cover).expect(200).body);
    assert!(!everything_has(&there, "Vertrouwelijk"));
}

fn everything_has(all: &BTreeMap<String, (String, String)>, word: &str) -> bool {
    all.values().any(|(bytes, _)| bytes.contains(word))
}

fn is_idempotent_and_leaves_alone_what_is_the_same(database: Database) {
    let app = lived(database);
    said(&handbooks(&app.home, &["export", "out"]));
    let before = revision_of(&app.home);
    assert_eq!(said(&handbooks(&app.home, &["import", "out"])), "nothing to change\n");
    assert_eq!(said(&handbooks(&app.home, &["import", "out", "--dry-run"])), "nothing would change\n");
    assert_eq!(revision_of(&app.home), before);
    // Editions in another order, a state that goes without saying, an instant of another zone: the same.
    let path = app.home.folder.path().join("out/volumes/strategy.toml");
    let text = fs::read_to_string(&path).unwrap();
    let spelled = text.replacen("[texts.fr]\n", "[texts.fr]\nstate = \"published\"\n", 1);
    assert_ne!(text, spelled);
    let at = spelled.find("\n[[editions]]").unwrap();
    let (head, tail) = spelled.split_at(at);
    let end = tail.find("\n\n").map_or(tail.len(), |end| end);
    let (editions, rest) = tail.split_at(end);
    let mut pieces: Vec<&str> = editions.split("[[editions]]\n").filter(|piece| !piece.trim().is_empty()).collect();
    assert!(pieces.len() > 1, "{editions}");
    pieces.reverse();
    let turned: String = pieces.iter().map(|piece| format!("[[editions]]\n{}\n", piece.trim_end())).collect();
    fs::write(&path, format!("{head}\n{turned}{rest}")).unwrap();
    assert_eq!(said(&handbooks(&app.home, &["import", "out"])), "nothing to change\n");
    assert_eq!(revision_of(&app.home), before);
    // What an export without PDFs lacks is in the storage here, and nowhere else.
    let copy = Home::new(database, Content::Empty);
    let folder = app.home.folder.path().join("out");
    let refusal = refused(&handbooks(&copy, &["import", folder.to_str().unwrap()]), 1);
    assert!(
        refusal.contains("3 faults, nothing was imported")
            && refusal.contains("volumes/strategy.toml:")
            && refusal.contains("--without-files")
            && refusal.contains("kept.toml:"),
        "{refusal}"
    );
    assert_eq!(revision_of(&copy), 0);
    said(&handbooks(&copy, &["import", folder.to_str().unwrap(), "--without-files"]));
    assert_eq!(revision_of(&copy), 1);
    assert_eq!(said(&handbooks(&copy, &["import", folder.to_str().unwrap(), "--without-files"])), "nothing to change\n");
}

fn an_edited_file_is_dated_anew(database: Database) {
    let app = App::new(database);
    said(&handbooks(&app.home, &["export", "out"]));
    let (mobility, strategy) = (app.get("/v1/volumes/mobility").ok(), app.get("/v1/volumes/strategy").ok());
    let path = app.home.folder.path().join("out/volumes/mobility.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("La mobilité de demain", "La mobilité d'après-demain")).unwrap();
    let told = said(&handbooks(&app.home, &["import", "out"]));
    assert!(told.contains("volumes/mobility: texts.fr.title: \"La mobilité de demain\" becomes \"La mobilité d'après-demain\""), "{told}");
    assert!(told.ends_with("1 difference imported\n"), "{told}");
    crate::support::process::within(std::time::Duration::from_secs(5), "the new title", || {
        (app.get("/v1/volumes/mobility").ok()["title"] == "La mobilité d'après-demain").then_some(())
    });
    let changed = app.get("/v1/volumes/mobility").ok();
    assert_ne!(changed["updatedAt"], mobility["updatedAt"]);
    assert_eq!(changed["createdAt"], mobility["createdAt"]);
    assert_eq!(app.get("/v1/volumes/strategy").ok()["updatedAt"], strategy["updatedAt"]);
}

fn removes_unless_told_to_keep(database: Database) {
    let app = App::new(database);
    said(&handbooks(&app.home, &["export", "out"]));
    app.edit::<ThemeDocument>("extra", "[texts.fr]\ntitle = \"En plus\"\n");
    app.edit::<VolumeDocument>("seven", &format!("themes = [\"extra\"]\n{}", volume(7, "published", "Sept")));
    assert_eq!(said(&handbooks(&app.home, &["import", "out", "--keep"])), "nothing to change\n");
    // A new file may refer to what is only in the database, when that stays.
    let path = app.home.folder.path().join("out/volumes/eight.toml");
    fs::write(&path, format!("themes = [\"extra\"]\n{}", volume(8, "draft", "Huit"))).unwrap();
    let refusal = refused(&handbooks(&app.home, &["import", "out"]), 1);
    assert!(refusal.contains("volumes/eight.toml:1: themes: there is no theme 'extra'"), "{refusal}");
    assert!(said(&handbooks(&app.home, &["import", "out", "--keep"])).contains("volumes/eight: is new"));
    fs::remove_file(path).unwrap();
    // Somebody asked for the volume that would go: it stays, and with it everything.
    app.add_file(Kind::Volume, "seven", "fr", &pdf(1, 10));
    app.ask_for(&least("seven", "fr")).expect(201);
    let before = revision_of(&app.home);
    let refusal = refused(&handbooks(&app.home, &["import", "out"]), 1);
    assert!(refusal.contains("1 download request hangs on the volume 'seven'"), "{refusal}");
    assert_eq!(revision_of(&app.home), before);
    app.write(|db| {
        use diesel::prelude::*;
        diesel::delete(handbooks::db::schema::download_request::table).execute(db)?;
        Ok(())
    });
    let told = said(&handbooks(&app.home, &["import", "out"]));
    for line in ["volumes/seven: is removed", "volumes/eight: is removed", "themes/extra: is removed"] {
        assert!(told.lines().any(|told| told == line), "{told}");
    }
    assert_eq!(said(&handbooks(&app.home, &["import", "out"])), "nothing to change\n");
    // And an export takes away what is gone.
    app.edit::<ThemeDocument>("extra", "[texts.fr]\ntitle = \"En plus\"\n");
    said(&handbooks(&app.home, &["export", "out"]));
    pen::with(&app.state.store, &Author::command("test"), |pen| pen.remove("theme", "extra")).unwrap();
    let told = said(&handbooks(&app.home, &["export", "out"]));
    assert!(told.ends_with("1 written, 1 removed\n"), "{told}");
    assert!(!app.home.folder.path().join("out/themes/extra.toml").exists());
}

fn tombstones_follow_and_order_counts(database: Database) {
    let app = lived(database);
    said(&handbooks(&app.home, &["export", "one", "--files"]));
    let copy = Home::new(other(database), Content::Empty);
    let one = app.home.folder.path().join("one");
    said(&handbooks(&copy, &["import", one.to_str().unwrap()]));
    // Deleted here, and later there: the date is that of here. A name that it had before goes with it.
    pen::with(&app.state.store, &Author::command("test"), |pen| pen.remove("volume", "acht")).expect("a deletion");
    std::thread::sleep(std::time::Duration::from_millis(5));
    let strategy = one.join("volumes/strategy.toml");
    said(&handbooks(&app.home, &["export", "one", "--files"]));
    let told = said(&handbooks(&copy, &["import", one.to_str().unwrap()]));
    assert!(told.contains("volumes/acht: is removed"), "{told}");
    said(&handbooks(&copy, &["export", "two", "--files"]));
    assert_same(&tree(&one), &tree(&copy.folder.path().join("two")));
    assert_eq!(said(&handbooks(&copy, &["import", one.to_str().unwrap()])), "nothing to change\n");
    // Another order of figures is a difference, and is told as one.
    let collection = fs::read_to_string(one.join("collection.toml")).unwrap();
    let figures: Vec<usize> = collection.match_indices("[[figures]]").map(|(at, _)| at).collect();
    assert!(figures.len() > 1 && strategy.exists());
    let turned = [
        &collection[..figures[0]],
        &collection[figures[1]..figures.get(2).copied().unwrap_or(collection.len())],
        &collection[figures[0]..figures[1]],
    ]
    .concat();
    let rest = figures.get(2).map_or("", |at| &collection[*at..]);
    fs::write(one.join("collection.toml"), turned + rest).unwrap();
    let told = said(&handbooks(&copy, &["import", one.to_str().unwrap()]));
    assert!(told.contains("collection: figures: they are in another order"), "{told}");
}

fn what_cannot_be_done_is_told_all_at_once(database: Database) {
    let app = lived(database);
    let before = revision_of(&app.home);
    let folder = app.home.folder.path().join("git");
    said(&handbooks(&app.home, &["export", "git"]));
    // The collection itself goes never, nor an edition with a PDF, nor a language that texts are in.
    for name in ["collection.toml", "languages/de.toml"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    let strategy = fs::read_to_string(folder.join("volumes/strategy.toml")).unwrap();
    let at = strategy.find("language = \"nl\"").map(|at| strategy[..at].rfind("[[editions]]").unwrap()).unwrap();
    let end = strategy[at + 5..].find("\n[").map_or(strategy.len(), |end| at + 5 + end);
    fs::write(folder.join("volumes/strategy.toml"), strategy[..at].to_owned() + &strategy[end..]).unwrap();
    let kept = fs::read_to_string(folder.join("kept.toml")).unwrap();
    fs::write(folder.join("kept.toml"), kept.replace("\n[volumes.strategy]", "\n[volumes.strategy-that-was]")).unwrap();
    let refusal = refused(&handbooks(&app.home, &["import", "git"]), 1);
    for wanted in
        ["collection.toml is missing, and the collection itself is never removed", "languages/de: ", "have a text or an edition in the language 'de'"]
    {
        assert!(refusal.contains(wanted), "{wanted}\nis not in\n{refusal}");
    }
    assert!(refusal.contains("volumes/strategy: The edition 'nl' stays"), "{refusal}");
    assert_eq!(revision_of(&app.home), before);
    app.get("/v1/collection").expect(200);
}

fn follows_a_rename(database: Database) {
    let app = App::new(database);
    let link = {
        app.add_file(Kind::Volume, "mobility", "fr", &pdf(1, 10));
        app.link("mobility", "fr")
    };
    said(&handbooks(&app.home, &["export", "before", "--files"]));
    pen::with(&app.state.store, &Author::command("test"), |pen| {
        pen.rename("volume", "mobility", "moving")?;
        pen.rename("theme", "strategy", "plan")
    })
    .unwrap();
    said(&handbooks(&app.home, &["export", "after", "--files"]));
    // A collection that has not heard of it is told, and what hangs on the record stays on it.
    let copy = Home::new(database, Content::Empty);
    let at = |name: &str| app.home.folder.path().join(name).to_str().unwrap().to_owned();
    said(&handbooks(&copy, &["import", &at("before")]));
    let told = said(&handbooks(&copy, &["import", &at("after")]));
    assert!(told.contains("volumes/moving: is renamed, it was 'mobility'"), "{told}");
    said(&handbooks(&copy, &["export", "after", "--files"]));
    assert_same(&tree(Path::new(&at("after"))), &tree(&copy.folder.path().join("after")));
    // Beside a record that has its former id and is to stay, there is no place for it.
    let crowded = Home::new(database, Content::Empty);
    said(&handbooks(&crowded, &["import", &at("after")]));
    let (id, toml) = ("mobility", volume(9, "published", "Une autre"));
    let other = document::<VolumeDocument>(id, &toml);
    let taken = pen::with(&crowded.open(), &Author::command("test"), |pen| pen.write(id, &other, Action::Updated)).unwrap_err();
    assert!(taken.to_string().contains("'mobility' is the old id of the volume 'moving'"), "{taken}");
    let crowded = Home::new(database, Content::Empty);
    said(&handbooks(&crowded, &["import", &at("before")]));
    let twin = document::<ThemeDocument>("plan", "[texts.fr]\ntitle = \"Un autre\"\n");
    pen::with(&crowded.open(), &Author::command("test"), |pen| pen.write("plan", &twin, Action::Updated)).unwrap();
    let before = revision_of(&crowded);
    let refusal = refused(&handbooks(&crowded, &["import", &at("after"), "--keep"]), 1);
    assert!(refusal.contains("'strategy' is an old id of the theme 'plan', and the id of another one that is kept"), "{refusal}");
    assert_eq!(revision_of(&crowded), before);
    // And back, which the request of somebody survives.
    let told = said(&handbooks(&app.home, &["import", &at("before")]));
    assert!(told.contains("volumes/mobility: is renamed, it was 'moving'"), "{told}");
    assert_eq!(said(&handbooks(&app.home, &["import", &at("before")])), "nothing to change\n");
    app.get(&link).expect(200);
}

fn says_what_it_would_do(database: Database) {
    let app = App::new(database);
    said(&handbooks(&app.home, &["export", "out"]));
    let out = app.home.folder.path().join("out");
    let text = fs::read_to_string(out.join("events/strategy-workshop-2022.toml")).unwrap();
    fs::write(out.join("events/strategy-workshop-2022.toml"), text.replace("city = \"Liège\"\n", "")).unwrap();
    fs::write(out.join("themes/new.toml"), "[texts.fr]\ntitle = \"Neuf\"\n").unwrap();
    fs::remove_file(out.join("testimonies/thomas-charlier.toml")).unwrap();
    let before = (revision_of(&app.home), app.home.open().read(seed::Everything::of).unwrap());
    let told = said(&handbooks(&app.home, &["import", "out", "--dry-run"]));
    assert_eq!(
        told,
        "themes/new: is new\nevents/strategy-workshop-2022: city: \"Liège\" is taken away\ntestimonies/thomas-charlier: is removed\n\
         3 differences would change; nothing was written (--dry-run)\n"
    );
    assert!(before == (revision_of(&app.home), app.home.open().read(seed::Everything::of).unwrap()));
}

fn numbers_change_hands(database: Database) {
    let app = App::new(database);
    said(&handbooks(&app.home, &["export", "out"]));
    let out = app.home.folder.path().join("out");
    let renumber = |id: &str, from: u32, to: u32| {
        let path = out.join(format!("volumes/{id}.toml"));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen(&format!("number = {from}\n"), &format!("number = {to}\n"), 1)).unwrap();
    };
    // Two change places, and a new one takes the number of one that goes.
    renumber("strategy", 1, 4);
    let refusal = refused(&handbooks(&app.home, &["import", "out"]), 1);
    assert!(refusal.contains("volumes/strategy.toml:1: number: 4 is that of the volume 'mobility' too"), "{refusal}");
    renumber("mobility", 4, 1);
    fs::write(out.join("volumes/new.toml"), volume(6, "published", "Six")).unwrap();
    let taken = "number: 6 is that of the volume 'public-private-partnerships'";
    let refusal = refused(&handbooks(&app.home, &["import", "out/volumes/new.toml"]), 1);
    assert!(refusal.contains(&format!("volumes/new: {taken}, which is kept")), "{refusal}");
    let event = fs::read_to_string(out.join("events/partnerships-presentation-2022.toml")).unwrap();
    fs::write(out.join("events/partnerships-presentation-2022.toml"), event.replace("public-private-partnerships", "new")).unwrap();
    fs::remove_file(out.join("volumes/public-private-partnerships.toml")).unwrap();
    said(&handbooks(&app.home, &["import", "out"]));
    let volumes = app.home.open().read(seed::Everything::of).unwrap().volumes;
    let numbers: Vec<(&str, Option<i32>)> = ["strategy", "mobility", "new"].iter().map(|id| (*id, volumes[*id].0.number)).collect();
    assert_eq!(numbers, [("strategy", Some(4)), ("mobility", Some(1)), ("new", Some(6))]);
    assert_eq!(said(&handbooks(&app.home, &["import", "out"])), "nothing to change\n");
}

fn one_document_alone(database: Database) {
    let app = App::new(database);
    let folder = app.home.folder.path().join("volumes");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("seven.toml"), format!("themes = [\"mobility\"]\n{}", volume(7, "draft", "Sept"))).unwrap();
    assert!(said(&handbooks(&app.home, &["import", "volumes/seven.toml"])).contains("volumes/seven: is new\n1 difference imported"));
    assert_eq!(said(&handbooks(&app.home, &["import", "volumes/seven.toml"])), "nothing to change\n");
    assert_eq!(app.home.open().read(seed::Everything::of).unwrap().volumes.len(), 7);
    fs::write(folder.join("seven.toml"), "number = 0\nyear = 2024\nthemes = [\"x\"]\n[texts.fr]\ntitle = \"Sept\"\n").unwrap();
    let refusal = refused(&handbooks(&app.home, &["import", "volumes/seven.toml"]), 1);
    for line in ["volumes/seven.toml:1: number: a number is", "volumes/seven.toml:3: themes: there is no theme 'x'", "2 faults"] {
        assert!(refusal.contains(line), "{refusal}");
    }
    fs::write(app.home.folder.path().join("alone.toml"), "x = 1\n").unwrap();
    assert!(refused(&handbooks(&app.home, &["import", "alone.toml"]), 1).contains("a file of a collection is collection.toml, or lies in"));
    assert!(refused(&handbooks(&app.home, &["import", "nowhere"]), 2).contains("nowhere cannot be read"));
}

fn nothing_is_imported_when_anything_is_wrong(database: Database) {
    let app = App::new(database);
    app.add_file(Kind::Volume, "mobility", "fr", &pdf(1, 10));
    said(&handbooks(&app.home, &["export", "out", "--files"]));
    let out = app.home.folder.path().join("out");
    let spoil = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(out.join(name)).unwrap();
        assert!(text.contains(from), "{name}: {text}");
        fs::write(out.join(name), text.replacen(from, to, 1)).unwrap();
    };
    spoil("volumes/strategy.toml", "number = 1\n", "number = \"one\"\ncolour = \"red\"\nsize = 3\n");
    spoil("volumes/mobility.toml", "year = 2020", "year = 20");
    spoil("kept.toml", "createdAt = \"2", "createdAt = \"x2");
    let pdf_path = fs::read_dir(out.join("files")).unwrap().next().unwrap().unwrap().path();
    fs::write(&pdf_path, pdf(1, 11)).unwrap();
    fs::write(out.join("events/new.toml"), "kind = \"party\"\nstartsOn = \"2024-02-31\"\n[texts.fr]\ntitle = \"F\"\n").unwrap();
    fs::write(out.join("themes/latin.toml"), b"[texts.fr]\ntitle = \"caf\xe9\"\n").unwrap();
    let copy = Home::new(database, Content::Empty);
    let refusal = refused(&handbooks(&copy, &["import", out.to_str().unwrap()]), 1);
    for wanted in [
        "themes/latin.toml:2: this is not UTF-8",
        "volumes/strategy.toml:1: this is the text \"one\"; it must be a whole number",
        "volumes/strategy.toml:2: unknown name 'colour'",
        "volumes/strategy.toml:3: unknown name 'size'",
        "volumes/mobility.toml:2: year: a year is",
        "kept.toml:7: collection.collection.createdAt: 'x2",
        "is not the file that is described here",
        "events/new.toml:1: kind: 'party' is none of",
        "events/new.toml:2: startsOn: '2024-02-31' is not a date",
    ] {
        assert!(refusal.contains(wanted), "{wanted}\nis not in\n{refusal}");
    }
    // What refers to the spoiled volume is not at fault.
    assert!(!refusal.contains("there is no volume") && refusal.contains("9 faults"), "{refusal}");
    assert_eq!(revision_of(&copy), 0);
    assert!(!copy.folder.path().join("files/sha256").exists(), "a PDF was stored");
}

fn a_file_that_comes_with_an_import_is_delivered(database: Database) {
    let from = App::new(database);
    from.add_file(Kind::Volume, "mobility", "fr", &pdf(4, 10));
    said(&handbooks(&from.home, &["export", "out", "--files"]));
    let app = App::new(database);
    let request = app.ask_for(&least("mobility", "fr")).expect(201).json();
    assert_eq!(request["status"], "waiting");
    said(&handbooks(&app.home, &["import", from.home.folder.path().join("out").to_str().unwrap()]));
    assert_eq!(app.opened("GET", &request).ok()["status"], "fulfilled");
}

fn a_new_text_is_in_the_audit_log(database: Database) {
    let app = App::new(database);
    said(&handbooks(&app.home, &["export", "out"]));
    let texts = app.home.folder.path().join("out/consentTexts");
    let news = fs::read_to_string(texts.join("news-1.toml")).unwrap();
    fs::write(texts.join("news-2.toml"), news.replacen("from = \"2", "from = \"3", 1)).unwrap();
    assert!(said(&handbooks(&app.home, &["import", "out"])).contains("consentTexts/news-2: is new"));
    let key = make_key(&app, &["catalogue:write"]);
    let log = app.call("GET", "/v1/auditLog?kind=consentText&author=command%20line:%20import").header("Authorization", &bearer(&key)).send().ok();
    assert_eq!(log["total"], 1);
    let line = &log["items"][0];
    assert_eq!((&line["action"], &line["subject"], &line["revision"]), (&"created".into(), &"news-2".into(), &revision_of(&app.home).into()));
}

#[test]
fn who_only_looks_makes_no_database() {
    let home = Home::new(Database::Sqlite, Content::Seeded);
    said(&handbooks(&home, &["export", "out"]));
    let database = home.folder.path().join("handbooks.db");
    fs::remove_file(&database).unwrap();
    for arguments in [&["import", "out", "--dry-run"][..], &["seed", "--dry-run"]] {
        let refusal = refused(&handbooks(&home, arguments), 1);
        assert!(refusal.contains("there is no database at") && refusal.contains("`handbooks migrate`"), "{refusal}");
        assert!(!database.exists(), "{arguments:?}");
    }
}

#[test]
fn an_export_does_not_write_over_other_things() {
    let home = Home::new(Database::Sqlite, Content::Seeded);
    let folder = home.folder.path().join("mine");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("letter.txt"), "dear").unwrap();
    let refusal = refused(&handbooks(&home, &["export", "mine"]), 2);
    assert!(refusal.contains("holds something that is no export") && refusal.contains("--force"), "{refusal}");
    assert_eq!(tree(&folder).len(), 1);
    said(&handbooks(&home, &["export", "mine", "--force"]));
    assert_eq!(fs::read_to_string(folder.join("letter.txt")).unwrap(), "dear");
    assert!(folder.join("kept.toml").exists());
    // What is called as an export calls its files, and was here before, is somebody else's too.
    let folder = home.folder.path().join("theirs");
    let theirs = ["volumes/cargo.toml", "themes/rust.toml", "collection.toml.bak", "files/report.pdf", "files/photo.png"];
    for name in theirs {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "theirs").unwrap();
    }
    let told = said(&handbooks(&home, &["export", "theirs", "--files", "--force"]));
    assert!(told.ends_with(" 0 removed\n"), "{told}");
    // Once it is an export, files/ holds its copies alone: a stale one goes, and nothing else there.
    let copy = format!("files/{}.pdf", "a".repeat(64));
    fs::write(folder.join(&copy), "stale").unwrap();
    for name in [&copy.to_uppercase().replace("FILES", "files"), "files/short.webp"] {
        fs::write(folder.join(name), "theirs").unwrap();
    }
    // What an export that was killed left behind is taken away in time; one may be at work now.
    let (old, now) = (folder.join(".export-killed"), folder.join(".export-atwork"));
    for stage in [&old, &now] {
        fs::create_dir(stage).unwrap();
        fs::write(stage.join("kept.toml"), "half").unwrap();
    }
    fs::File::open(&old).unwrap().set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 24 * 60 * 60)).unwrap();
    said(&handbooks(&home, &["export", "theirs", "--files", "--force"]));
    assert!(!folder.join(&copy).exists() && !old.exists() && now.exists());
    for name in ["files/report.pdf", "files/photo.png", "files/short.webp", "collection.toml.bak"] {
        assert!(folder.join(name).exists(), "{name}");
    }
    // A folder of git is no hindrance.
    let folder = home.folder.path().join("repository");
    fs::create_dir_all(folder.join(".git")).unwrap();
    said(&handbooks(&home, &["export", "repository"]));
    assert!(!tree(&folder).keys().any(|name| name.starts_with(".export")), "something is left behind");
    assert!(refused(&handbooks(&home, &["export"]), 2).contains("DIR"));
    fs::write(home.folder.path().join("plain"), "x").unwrap();
    assert!(refused(&handbooks(&home, &["export", "plain"]), 2).contains("cannot be exported to"));
}

#[test]
fn an_export_is_the_seed_again() {
    let home = Home::new(Database::Sqlite, Content::Seeded);
    said(&handbooks(&home, &["export", "out"]));
    let read = seed::from_folder(&home.folder.path().join("out")).unwrap();
    let wanted = seed::embedded().unwrap();
    // What stands only in the file of a consent text stays there.
    let text = home.folder.path().join("out/consentTexts/news-1.toml");
    let noted = format!("note = \"To be confirmed\"\n{}", fs::read_to_string(&text).unwrap());
    fs::write(&text, &noted).unwrap();
    assert!(said(&handbooks(&home, &["export", "out"])).ends_with("0 written, 0 removed\n"));
    assert_eq!(fs::read_to_string(&text).unwrap(), noted);
    assert!(seed::Everything { kept: BTreeMap::new(), ..read } == wanted);
}
