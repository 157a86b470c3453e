//! The collection as files: without faults, loaded once, never over what somebody else wrote.

use std::fs;
use std::path::{Path, PathBuf};

use handbooks::catalogue::event::EventDocument;
use handbooks::catalogue::record;
use handbooks::catalogue::revision;
use handbooks::catalogue::seed::{self, Everything, Outcome};
use handbooks::catalogue::theme::ThemeDocument;
use handbooks::catalogue::volume::VolumeDocument;
use handbooks::db::Store;
use handbooks::db::types::now;
use tempfile::TempDir;

use crate::support::database::Content;
use crate::support::downloads::least;
use crate::support::records::{change_in, document, volume};
use crate::support::{App, Database, Home, both};

both!(
    loads_once,
    gives_back_what_it_was_given,
    leaves_an_edited_database_alone,
    replaces_when_told_to,
    keeps_what_requests_hang_on,
    loads_all_or_nothing
);

/// The files in the tree.
fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalogue/seed/collection")
}

fn wanted() -> Everything {
    seed::embedded().unwrap_or_else(|faults| panic!("{}", faults.join("\n")))
}

fn stored(store: &Store) -> Everything {
    store.read(Everything::of).unwrap()
}

fn revision_of(store: &Store) -> i64 {
    store.read(revision::current).unwrap().number
}

#[test]
fn the_files_are_without_fault() {
    let from_folder = seed::from_folder(&files()).unwrap_or_else(|faults| panic!("{}", faults.join("\n")));
    // The binary carries the files of the tree.
    assert!(from_folder == wanted());
    let all = wanted();
    assert_eq!((all.collection.len(), all.volumes.len(), all.languages.len()), (1, 6, 4));
    assert!(!all.consent_texts.is_empty());
}

#[test]
fn every_public_fact_has_its_source() {
    let all = wanted();
    let sources = [
        all.volumes.iter().map(|(id, volume)| (id, volume.0.sources.len())).collect::<Vec<_>>(),
        all.complements.iter().map(|(id, complement)| (id, complement.0.sources.len())).collect(),
        all.events.iter().map(|(id, event)| (id, event.sources.len())).collect(),
        all.testimonies.iter().map(|(id, testimony)| (id, testimony.sources.len())).collect(),
        all.themes.iter().map(|(id, theme)| (id, theme.sources.len())).collect(),
        all.supporters.iter().map(|(id, supporter)| (id, supporter.sources.len())).collect(),
        all.collection.iter().map(|(id, collection)| (id, collection.sources.len())).collect(),
    ];
    for (id, count) in sources.into_iter().flatten() {
        assert!(count > 0, "{id} has no source");
    }
    // French and English everywhere, Dutch where there is a Dutch edition.
    for (id, volume) in &all.volumes {
        for language in ["fr", "en"] {
            assert!(volume.0.texts.contains_key(language), "{id} in {language}");
        }
        for edition in &volume.0.editions {
            assert!(volume.0.texts.contains_key(&edition.language), "{id}: an edition in {} without a text", edition.language);
        }
    }
}

fn loads_once(database: Database) {
    let home = Home::new(database, Content::Empty);
    let store = home.open();
    assert_eq!(revision_of(&store), 0);
    let Outcome::Loaded(count) = seed::load(&store, &wanted(), false).unwrap() else { panic!("not loaded") };
    assert!(count > 40, "{count}");
    assert_eq!(revision_of(&store), 1);
    // A second time changes nothing, not even a date.
    let before = store.read(updated).unwrap();
    for replace in [false, true] {
        assert_eq!(seed::load(&store, &wanted(), replace).unwrap(), Outcome::Unchanged);
    }
    assert_eq!((store.read(updated).unwrap(), revision_of(&store)), (before, 1));
    assert_eq!(seed::preview(&store, &wanted()).unwrap(), Vec::<String>::new());
}

/// When, and how often, each record was written.
fn updated(db: &mut handbooks::db::Db) -> Result<Vec<(String, i64, chrono::NaiveDateTime)>, handbooks::error::Error> {
    use diesel::prelude::*;
    use handbooks::db::schema::record;
    Ok(record::table.order(record::key).select((record::id, record::version, record::updated_at)).load(db)?)
}

fn gives_back_what_it_was_given(database: Database) {
    let store = Home::new(database, Content::Seeded);
    let store = store.open();
    let (stored, wanted) = (stored(&store), wanted());
    assert!(stored.collection == wanted.collection, "the collection");
    assert!(stored.languages == wanted.languages, "the languages");
    assert!(stored.themes == wanted.themes, "the themes");
    assert!(stored.volumes == wanted.volumes, "the volumes");
    assert!(stored.complements == wanted.complements, "the complements");
    assert!(stored.events == wanted.events, "the events");
    assert!(stored.testimonies == wanted.testimonies, "the testimonies");
    assert!(stored.supporters == wanted.supporters, "the supporters");
    assert!(stored.consent_texts == wanted.consent_texts, "the consent texts");
}

/// What an editor might have done.
fn edit(store: &Store) {
    store
        .write(|db| {
            change_in::<VolumeDocument>(db, "mobility", |volume| {
                volume.0.texts.get_mut("fr").unwrap().title = Some("La mobilité d'après-demain".into());
                volume.0.editions[0].pages = Some(88);
                volume.0.editions[0].pages_source = Some("unofficial".into());
                volume.0.contributors.pop();
            })?;
            change_in::<EventDocument>(db, "monitoring-webinar-2021", |event| event.participants.clear())?;
            record::write(db, "seven", &document::<VolumeDocument>("seven", &volume(7, "published", "Sept")), now())?;
            record::write(db, "extra", &document::<ThemeDocument>("extra", "[texts.fr]\ntitle = \"En plus\"\n"), now())?;
            revision::advance(db)?;
            Ok(())
        })
        .unwrap();
}

/// The differences that [`edit`] makes, as they are told.
fn assert_told(differences: &[String]) {
    for wanted in [
        "volumes/mobility: texts.fr.title: \"La mobilité d'après-demain\" becomes \"La mobilité de demain\"",
        "volumes/mobility: editions[0].pages: 88 is taken away",
        "volumes/mobility: editions[0].pagesSource: \"unofficial\" is taken away",
        "volumes/seven: is removed",
        "themes/extra: is removed",
    ] {
        assert!(differences.iter().any(|line| line == wanted), "{wanted}\nis not among\n{}", differences.join("\n"));
    }
    assert!(differences.iter().any(|line| line.starts_with("volumes/mobility: contributors: ")), "{}", differences.join("\n"));
    let added = differences.iter().any(|line| line.starts_with("events/monitoring-webinar-2021: participants: ") && line.ends_with(" is added"));
    assert!(added, "{}", differences.join("\n"));
    assert_eq!(differences.len(), 7, "{}", differences.join("\n"));
}

fn leaves_an_edited_database_alone(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let store = home.open();
    edit(&store);
    let (before, revision) = (stored(&store), revision_of(&store));
    let Outcome::Differs(differences) = seed::load(&store, &wanted(), false).unwrap() else { panic!("loaded over an edited database") };
    assert_told(&differences);
    assert_told(&seed::preview(&store, &wanted()).unwrap());
    assert!(stored(&store) == before, "it was changed");
    assert_eq!(revision_of(&store), revision);
}

fn replaces_when_told_to(database: Database) {
    let home = Home::new(database, Content::Seeded);
    let store = home.open();
    let untouched = store.read(updated).unwrap();
    edit(&store);
    let revision = revision_of(&store);
    let Outcome::Replaced(differences) = seed::load(&store, &wanted(), true).unwrap() else { panic!("not replaced") };
    assert_told(&differences);
    assert!(stored(&store) == wanted(), "it is not what it was");
    assert_eq!(revision_of(&store), revision + 1, "one change, one revision");
    assert_eq!(seed::load(&store, &wanted(), false).unwrap(), Outcome::Unchanged);
    // What did not differ was not written.
    let now = store.read(updated).unwrap();
    let changed: Vec<&str> = now.iter().zip(&untouched).filter(|(now, then)| now != then).map(|(now, _)| now.0.as_str()).collect();
    assert_eq!(changed, ["mobility", "monitoring-webinar-2021"]);
}

/// An edition that somebody asked for, or that has a file, is not removed under them.
fn keeps_what_requests_hang_on(app: App) {
    app.change::<VolumeDocument>("mobility", |volume| {
        let mut dutch = volume.0.editions[0].clone();
        dutch.language = "nl".into();
        volume.0.editions.push(dutch);
    });
    app.ask_for(&least("mobility", "nl")).expect(201);
    let store = app.home.open();
    let (before, rows) = (stored(&store), app.rows());
    let refused = seed::load(&store, &wanted(), true).unwrap_err().to_string();
    assert!(refused.contains("The edition 'nl' stays: a download request asks for it."), "{refused}");
    assert!(stored(&store) == before && app.rows() == rows, "something was changed");
}

fn loads_all_or_nothing(database: Database) {
    let home = Home::new(database, Content::Empty);
    let store = home.open();
    let mut all = wanted();
    // The files' own check would find it; the database does as well.
    all.events.values_mut().last().unwrap().volumes.push("no-such-volume".into());
    let refused = seed::load(&store, &all, false).unwrap_err().to_string();
    assert!(refused.contains("no-such-volume"), "{refused}");
    assert!(stored(&store) == Everything::default(), "a part of it was loaded");
    assert_eq!(revision_of(&store), 0);
}

/// A copy of the files, to spoil.
fn copy() -> TempDir {
    fn walk(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.path().is_dir() { walk(&entry.path(), &target) } else { assert!(fs::copy(entry.path(), target).unwrap() > 0) }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    walk(&files(), folder.path());
    folder
}

/// The faults of the files when one of them is spoiled.
fn faults(file: &str, spoil: impl FnOnce(&str) -> String) -> Vec<String> {
    let folder = copy();
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let spoiled = spoil(&text);
    assert_ne!(spoiled, text, "{file} was not spoiled");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, spoiled).unwrap();
    seed::from_folder(folder.path()).err().unwrap_or_else(|| panic!("{file}: no fault was found"))
}

#[test]
fn faults_name_their_file_and_place() {
    let first = |text: &str, line: &str| format!("{line}\n{text}");
    let line_of = |text: &str, what: &str| text.lines().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}")) + 1;
    let mobility = fs::read_to_string(files().join("volumes/mobility.toml")).unwrap();
    type Case = (&'static str, Box<dyn Fn(&str) -> String>, String);
    let cases: Vec<Case> = vec![
        // What serde and TOML find: file and line.
        (
            "volumes/mobility.toml",
            Box::new(move |text| first(text, "nummer = 4")),
            "volumes/mobility.toml:1: unknown name 'nummer'. Did you mean 'number'?".into(),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| text.replacen("role = \"author\"", "rol = \"author\"", 1)),
            format!("volumes/mobility.toml:{}: unknown name 'rol'. Did you mean 'role'?", line_of(&mobility, "role = \"author\"")),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| text.replacen("number = 4", "number = \"four\"", 1)),
            format!("volumes/mobility.toml:{}: this is the", line_of(&mobility, "number = 4")),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| text.replacen("[texts.en]", "[texts.en", 1)),
            format!("volumes/mobility.toml:{}: ", line_of(&mobility, "[texts.en]")),
        ),
        ("volumes/mobility.toml", Box::new(|text| format!("{text}\nnumber = 5\nnumber = 6\n")), "volumes/mobility.toml:".into()),
        (
            "events/monitoring-webinar-2021.toml",
            Box::new(|text| text.replacen("startsOn", "beginsOn", 1)),
            "events/monitoring-webinar-2021.toml:".into(),
        ),
        // What the documents find: file and place.
        (
            "volumes/strategy.toml",
            Box::new(|text| text.replacen("publishedOn = \"2017-09\"", "publishedOn = \"2017-13\"", 1)),
            "volumes/strategy.toml: publishedOn: '2017-13' is not a date such as".into(),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| text.replacen("number = 4\n", "", 1)),
            "volumes/mobility.toml: number: a volume has a number".into(),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| text.replacen("year = 2020\n", "year = 20\n", 1)),
            "volumes/mobility.toml: year: a year is 1900 to 2999".into(),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| text.replacen("role = \"author\"", "role = \"writer\"", 1)),
            "volumes/mobility.toml: contributors[0].role: 'writer' is none of".into(),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| text.replacen("access = \"form\"", "access = \"shop\"", 1)),
            "volumes/mobility.toml: editions[0].access: 'shop' is none of".into(),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| format!("{text}\n[[editions]]\nlanguage = \"fr\"\naccess = \"form\"\n")),
            "volumes/mobility.toml: editions[1].language: there is one edition a language".into(),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| format!("{text}\n[texts.xx]\ntitle = \"X\"\n")),
            "volumes/mobility.toml: texts.xx: 'xx' is none of fr, nl, en, de".into(),
        ),
        (
            "volumes/mobility.toml",
            Box::new(|text| text.replacen("title = \"La mobilité de demain\"", "title = \" \"", 1)),
            "volumes/mobility.toml: texts.fr.title: a title of 1 to 500 characters is needed".into(),
        ),
        (
            "volumes/strategy.toml",
            Box::new(|text| text.replacen("kind = \"step\"", "kind = \"stairs\"", 1)),
            "volumes/strategy.toml: contents[0].contents[0].kind: 'stairs' is none of".into(),
        ),
        (
            "volumes/mobility.toml",
            Box::new(move |text| first(text, "pageUrl = \"javascript:alert(1)\"")),
            "volumes/mobility.toml: pageUrl: 'javascript:alert(1)' is not a URL".into(),
        ),
        (
            "complements/leadership.toml",
            Box::new(|text| text.replacen("volumes = [\"strategy\"]\n", "", 1)),
            "complements/leadership.toml: volumes: a complement deepens at least one volume".into(),
        ),
        (
            "events/strategy-workshop-2022.toml",
            Box::new(|text| text.replacen("endsOn = \"2022-09-16\"", "endsOn = \"2022-09-14\"", 1)),
            "events/strategy-workshop-2022.toml: endsOn: an event ends after it starts".into(),
        ),
        (
            "events/strategy-workshop-2022.toml",
            Box::new(|text| text.replacen("timeZone = \"Europe/Brussels\"\n", "", 1)),
            "events/strategy-workshop-2022.toml: timeZone: a time needs its time zone".into(),
        ),
        (
            "events/strategy-workshop-2022.toml",
            Box::new(|text| text.replacen("country = \"BE\"", "country = \"Belgium\"", 1)),
            "events/strategy-workshop-2022.toml: country: a country is a code".into(),
        ),
        (
            "testimonies/benoit-muller.toml",
            Box::new(|text| text.replacen("role = \"Project Manager\"\n", "", 1)),
            "testimonies/benoit-muller.toml: texts.en.role: the person's role is needed".into(),
        ),
        (
            "supporters/wallonia.toml",
            Box::new(|text| text.replacen("role = \"funder\"", "role = \"friend\"", 1)),
            "supporters/wallonia.toml: role: 'friend' is none of".into(),
        ),
        ("collection.toml", Box::new(|text| text.replacen("unit = \"percent\"", "unit = \"%\"", 1)), "collection.toml: figures[".into()),
        // What refers to nothing.
        (
            "volumes/mobility.toml",
            Box::new(|text| text.replacen("themes = [\"mobility\"]", "themes = [\"mobilty\"]", 1)),
            "volumes/mobility.toml: themes: there is no theme 'mobilty'".into(),
        ),
        (
            "complements/leadership.toml",
            Box::new(|text| text.replacen("volumes = [\"strategy\"]", "volumes = [\"leadership\"]", 1)),
            "complements/leadership.toml: volumes: there is no volume 'leadership'".into(),
        ),
        (
            "events/monitoring-webinar-2021.toml",
            Box::new(|text| text.replacen("volumes = [\"monitoring-and-evaluation\"]", "volumes = [\"monitoring\"]", 1)),
            "events/monitoring-webinar-2021.toml: volumes: there is no volume 'monitoring'".into(),
        ),
        (
            "events/monitoring-webinar-2021.toml",
            Box::new(move |text| first(text, "complements = [\"strategy\"]")),
            "events/monitoring-webinar-2021.toml: complements: there is no complement 'strategy'".into(),
        ),
        (
            "testimonies/benoit-muller.toml",
            Box::new(|text| text.replacen("volumes = [\"strategy\"]", "volumes = [\"strategie\"]", 1)),
            "testimonies/benoit-muller.toml: volumes: there is no volume 'strategie'".into(),
        ),
        // Files that are none of a collection.
        (
            "volumes/Not_An_Id.toml",
            Box::new(|_| "number = 9\nyear = 2024\n[texts.fr]\ntitle = \"T\"\n".into()),
            "volumes/Not_An_Id.toml: id: an id is lower-case letters".into(),
        ),
        (
            "chapters/one.toml",
            Box::new(|_| "title = \"T\"\n".into()),
            "chapters/one.toml: a file of a collection is collection.toml, or lies in".into(),
        ),
        ("volumes/deep/one.toml", Box::new(|_| "title = \"T\"\n".into()), "volumes/deep/one.toml: a file of a collection is".into()),
    ];
    let mut missing = Vec::new();
    for (file, spoil, wanted) in cases {
        let found = faults(file, spoil);
        // Every fault has its line; where a case names none, the place is looked at alone.
        let without_line = |fault: &str| {
            let (file, rest) = fault.split_once(':').unwrap_or_else(|| panic!("{fault}"));
            let (line, what) = rest.split_once(':').unwrap_or_else(|| panic!("{fault}"));
            assert!(line.parse::<usize>().is_ok_and(|line| line > 0), "no line: {fault}");
            format!("{file}:{what}")
        };
        if !found.iter().any(|fault| fault.starts_with(&wanted) || without_line(fault).starts_with(&wanted)) {
            missing.push(format!("{wanted}\n    is not among: {}", found.join(" | ")));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn all_faults_are_told_at_once() {
    let folder = copy();
    for (file, from, to) in [
        ("volumes/mobility.toml", "year = 2020", "year = 20"),
        ("volumes/strategy.toml", "number = 1\n", "number = 0\n"),
        ("themes/mobility.toml", "position = 4", "position = \"last\""),
        ("complements/leadership.toml", "themes = [\"strategy\"]", "themes = [\"x\", \"y\"]"),
    ] {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }
    let faults = seed::from_folder(folder.path()).unwrap_err();
    for wanted in ["volumes/mobility.toml:2: year", "volumes/strategy.toml:1: number", "themes/mobility.toml:1: ", "no theme 'x'", "no theme 'y'"] {
        assert!(faults.iter().any(|fault| fault.contains(wanted)), "{wanted} is not among\n{}", faults.join("\n"));
    }
}

#[test]
fn a_folder_without_files_is_no_collection() {
    let folder = tempfile::tempdir().unwrap();
    assert!(seed::from_folder(folder.path()).unwrap_err()[0].contains("no .toml files here"));
    let missing = folder.path().join("missing");
    assert!(seed::from_folder(&missing).unwrap_err()[0].contains("missing"));
    // Other files are nobody's business.
    let folder = copy();
    fs::write(folder.path().join("README.md"), "notes").unwrap();
    fs::write(folder.path().join("volumes/.mobility.toml.swp"), "x").unwrap();
    assert!(seed::from_folder(folder.path()).is_ok());
}
