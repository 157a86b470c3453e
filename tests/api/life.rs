//! On time, and in the past: what is scheduled happens by itself, and what was can be read as it was.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use handbooks::catalogue::pen::{self, Action, Author};
use handbooks::catalogue::record::Document;
use handbooks::db::schema::{public_change, record_version};
use handbooks::db::types::{now, rfc3339};
use serde_json::Value;

use crate::support::process::{Process, within};
use crate::support::records::volume;
use crate::support::{App, both, ids};

both!(
    is_published_and_withdrawn_on_time_also_after_a_pause,
    several_clocks_publish_a_thing_once,
    the_past_is_read_as_it_was,
    changes_say_what_the_public_sees
);

impl App {
    /// The changes noted so far: what, of which record, in which language.
    fn changes(&self) -> Vec<(String, String, Option<String>)> {
        let all = self.state.store.read(|db| {
            Ok(public_change::table
                .order(public_change::sequence)
                .select((public_change::change, public_change::id, public_change::language))
                .load::<(String, String, Option<String>)>(db)?)
        });
        all.expect("the changes")
    }

    fn revision(&self) -> i64 {
        self.state.store.read(handbooks::catalogue::revision::current).expect("the revision").number
    }
}

fn said(changes: &[(String, String, Option<String>)]) -> Vec<String> {
    changes.iter().map(|(change, id, language)| format!("{change} {id} {}", language.as_deref().unwrap_or("-"))).collect()
}

/// Three servers on one database look at the clock at the same moment.
fn several_clocks_publish_a_thing_once(app: App) {
    let others = [Process::serve(&app.home, &[]), Process::serve(&app.home, &[])];
    let soon = rfc3339(now() + TimeDelta::seconds(2));
    let all: Vec<String> = (10..30).map(|number| format!("volume-{number}")).collect();
    for (id, number) in all.iter().zip(10..) {
        app.pen(id, &format!("publishAt = \"{soon}\"\n{}", volume(number, "draft", "Titre")));
    }
    let published = |id: &String| others.iter().all(|other| other.get(&format!("/v1/volumes/{id}")).status == 200);
    within(Duration::from_secs(30), "all are published", || all.iter().all(published).then_some(()));
    // Each clock has had its time to look again.
    std::thread::sleep(Duration::from_secs(2));
    let changes = app.changes();
    for id in &all {
        let told: Vec<_> = changes.iter().filter(|(_, of, _)| of == id).map(|(change, _, language)| (change.as_str(), language.as_deref())).collect();
        assert_eq!(told, [("published", Some("fr")), ("published", Some("en"))], "{id}");
        let versions = app.state.store.read(|db| {
            Ok(record_version::table
                .filter(record_version::id.eq(id))
                .order(record_version::version)
                .select(record_version::action)
                .load::<String>(db)?)
        });
        assert_eq!(versions.expect("its versions").len(), 2, "{id}");
    }
}

fn is_published_and_withdrawn_on_time_also_after_a_pause(mut app: App) {
    let soon = rfc3339(now() + TimeDelta::seconds(1));
    app.pen("seven", &format!("publishAt = \"{soon}\"\n{}", volume(7, "draft", "Sept")));
    app.get("/v1/volumes/seven").expect(404);
    within(Duration::from_secs(20), "it is published", || (app.get("/v1/volumes/seven").status == 200).then_some(()));
    assert_eq!(app.get("/v1/volumes/seven").ok()["status"], "published");

    // What comes due while no server runs is done at the next start, and once.
    let due = rfc3339(now() - TimeDelta::seconds(5));
    app.pen("eight", &format!("publishAt = \"{due}\"\n{}", volume(8, "announced", "Huit")));
    app.restart();
    within(Duration::from_secs(20), "it is published after a pause", || (app.get("/v1/volumes/eight").ok()["status"] == "published").then_some(()));
    let past = rfc3339(now() - TimeDelta::seconds(5));
    app.pen("seven", &format!("withdrawAt = \"{past}\"\n{}", volume(7, "published", "Sept")));
    within(Duration::from_secs(20), "it is withdrawn", || (app.get("/v1/volumes/seven").status == 410).then_some(()));
    let times = app.changes().iter().filter(|(change, id, _)| change == "withdrawn" && id == "seven").count();
    assert_eq!(times, 1);
    // A text of a published work has a time of its own.
    let text = rfc3339(now() - TimeDelta::seconds(5));
    app.pen("eight", &format!("{}\n[texts.nl]\nstate = \"draft\"\npublishAt = \"{text}\"\ntitle = \"Acht\"\n", volume(8, "published", "Huit")));
    within(Duration::from_secs(20), "the Dutch text is published", || (app.get("/v1/volumes/eight?lang=nl").ok()["title"] == "Acht").then_some(()));
}

fn the_past_is_read_as_it_was(app: App) {
    let before = app.revision();
    let list = app.get("/v1/volumes").ok();
    app.pen("seven", &volume(7, "published", "Sept"));
    app.pen("seven", &volume(7, "published", "Sept, autrement"));
    let (all, then) = (app.get("/v1/volumes").ok(), app.get(&format!("/v1/volumes?at={before}")).ok());
    assert_eq!(ids(&all).len(), 7);
    assert_eq!(then["items"], list["items"]);
    assert_eq!(app.get(&format!("/v1/volumes/seven?at={}", before + 1)).ok()["title"], "Sept");
    assert_eq!(app.get("/v1/volumes/seven").ok()["title"], "Sept, autrement");
    app.get(&format!("/v1/volumes/seven?at={before}")).expect(404);
    app.get(&format!("/v1/volumes/seven/editions/fr?at={}", before + 1)).expect(200);
    // An instant is a moment too; pages go on in the past.
    let instant = rfc3339(now());
    assert_eq!(app.get(&format!("/v1/volumes?at={instant}")).ok()["total"], 7);
    let page = app.get(&format!("/v1/volumes?at={before}&pageSize=4")).ok();
    let next = app.get(page["next"].as_str().expect("a next page")).ok();
    assert_eq!([ids(&page), ids(&next)].concat(), ids(&list));
    for (moment, word) in [("2017-01-01", "History begins"), ("2999-01-01", "not passed"), ("999999", "no revision")] {
        let refused = app.get(&format!("/v1/volumes?at={moment}")).expect(400);
        assert!(refused.issues()[0].detail.contains(word), "{}", refused.text());
    }
    app.get("/v1/volumes?at=yesterday").expect(400);
    let both = app.get("/v1/volumes?at=1&preview=true").expect(400);
    assert_eq!(both.issues()[0].name, "at", "{}", both.text());
}

fn changes_say_what_the_public_sees(app: App) {
    let mut seen = app.changes().len();
    assert!(seen > 0, "the collection was published");
    let mut news = |app: &App| -> Vec<String> {
        let all = app.changes();
        let new = said(&all[seen..]);
        seen = all.len();
        new
    };
    app.pen("seven", &volume(7, "draft", "Sept"));
    assert_eq!(news(&app), [""; 0], "nobody sees a draft");
    app.pen("seven", &volume(7, "announced", "Sept"));
    assert_eq!(news(&app), ["published seven fr", "published seven en"]);
    app.pen("seven", &volume(7, "published", "Sept"));
    assert_eq!(news(&app), ["updated seven -"]);
    let dutch = |state: &str| format!("{}\n[texts.nl]\nstate = \"{state}\"\ntitle = \"Zeven\"\n", volume(7, "published", "Sept"));
    app.pen("seven", &dutch("draft"));
    assert_eq!(news(&app), [""; 0], "nobody sees a draft of a text");
    app.pen("seven", &dutch("published"));
    assert_eq!(news(&app), ["published seven nl"]);
    app.pen("seven", &dutch("published").replace("Zeven", "Zeven!"));
    assert_eq!(news(&app), ["updated seven nl"]);
    app.pen("seven", &dutch("draft"));
    assert_eq!(news(&app), ["unpublished seven nl"]);
    // The same again is no write at all.
    let revision = app.revision();
    app.pen("seven", &dutch("draft"));
    assert_eq!((app.revision(), news(&app)), (revision, Vec::new()));

    // Whoever shows its title changes with it.
    let mut theme =
        app.state.store.read(handbooks::catalogue::theme::ThemeDocument::read_all).expect("the themes").remove("mobility").expect("a theme");
    theme.texts.get_mut("fr").expect("a French text").title = Some("La mobilité autrement".into());
    pen::with(&app.state.store, &Author::command("test"), |pen| pen.write("mobility", &theme, Action::Updated)).expect("a write");
    let told = news(&app);
    assert!(told.contains(&"updated mobility fr".to_owned()), "{told:?}");
    let volumes = app.get("/v1/volumes?theme=mobility").ok();
    assert!(told.len() > ids(&volumes).len(), "{told:?}");

    pen::with(&app.state.store, &Author::command("test"), |pen| pen.rename("volume", "seven", "sept")).expect("a new name");
    assert_eq!(news(&app), ["renamed sept -"]);
    pen::with(&app.state.store, &Author::command("test"), |pen| pen.remove("volume", "sept")).expect("an end");
    assert_eq!(news(&app), ["deleted sept -"]);
    let used = pen::with(&app.state.store, &Author::command("test"), |pen| pen.remove("theme", "mobility")).expect_err("it is in use");
    assert!(used.to_string().contains("mobility"), "{used}");
    let unseen: Value = app.get("/v1/themes/mobility").ok();
    assert_eq!(unseen["id"], "mobility");
}
